"""What shapes a local stack: where its files are, which ports it takes, and which services it need not start."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from operations.dev.home import PROJECT, Home

Port = Annotated[int, Field(ge=1, le=65535)]
Trimmed = Annotated[str, StringConstraints(strip_whitespace=True)]


class DevSettings(BaseSettings):
    """Read from the environment; the names are `HEADRACE_` + the field in capitals, unless a name is given."""

    model_config = SettingsConfigDict(
        env_prefix="HEADRACE_", env_ignore_empty=True, frozen=True, extra="ignore", populate_by_name=True
    )

    #: Everything the stack keeps. Two stacks need two homes.
    home: Path = PROJECT / ".headrace"
    kafka_port: Port = 9092
    kafka_controller_port: Port = 9093
    #: Not Postgres' usual port, because machines of developers often have one there.
    postgres_port: Port = 15432
    ingest_port: Port = 8080
    #: Stand-ins for providers, Slack and Calendly; 0 starts none.
    sandbox_port: Annotated[int, Field(ge=0, le=65535)] = 8091
    #: The services of a stack's own, as the file says that points other programs at it.
    stack_kafka: Trimmed | None = None
    stack_database: Trimmed | None = None
    #: Given: use this cluster and start none.
    kafka_bootstrap: Trimmed | None = Field(None, validation_alias="KAFKA_BOOTSTRAP")
    #: Given: use this database and start no server.
    database_url: Trimmed | None = Field(None, validation_alias="DATABASE_URL")
    #: Given: used instead of the key kept in the home.
    secrets_key: SecretStr | None = None

    @field_validator("kafka_bootstrap", "database_url")
    @classmethod
    def _not_our_own(cls, address: str | None, info: ValidationInfo) -> str | None:
        """A shell that read a stack's file has the addresses of that stack, but nobody gave them."""
        own = info.data["stack_kafka" if info.field_name == "kafka_bootstrap" else "stack_database"]
        return None if address == own else address

    @property
    def files(self) -> Home:
        """The home's files."""
        return Home(self.home.expanduser().absolute())

    @property
    def bootstrap(self) -> str:
        """Where Kafka is, given or ours."""
        return self.kafka_bootstrap or f"127.0.0.1:{self.kafka_port}"

    @property
    def ingest_url(self) -> str:
        """Where webhooks go."""
        return f"http://127.0.0.1:{self.ingest_port}"

    @property
    def sandbox_url(self) -> str:
        """Where the stand-ins are, each under its name."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def ports(self) -> tuple[tuple[int, str, str], ...]:
        """The ports the stack listens on: number, what for, and the variable that chooses another."""
        kafka = (
            (self.kafka_port, "Kafka", "HEADRACE_KAFKA_PORT"),
            (self.kafka_controller_port, "Kafka's controller", "HEADRACE_KAFKA_CONTROLLER_PORT"),
        )
        postgres = ((self.postgres_port, "Postgres", "HEADRACE_POSTGRES_PORT"),)
        return (
            *(kafka if self.kafka_bootstrap is None else ()),
            *(postgres if self.database_url is None else ()),
            (self.ingest_port, "ingest", "HEADRACE_INGEST_PORT"),
            *(((self.sandbox_port, "the sandbox", "HEADRACE_SANDBOX_PORT"),) if self.sandbox_port else ()),
        )
