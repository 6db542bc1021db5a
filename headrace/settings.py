"""The one settings class: built at each entry point from the environment and passed down. Nothing else reads it."""

import re
import socket
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from headrace.events.topics import BODY_LIMIT, Topic

Trimmed = Annotated[str, StringConstraints(strip_whitespace=True)]
Seconds = Annotated[float, Field(gt=0)]


def _blank_as_unset(text: object) -> object:
    """Compose files pass on variables nobody set as empty ones."""
    return None if isinstance(text, str) and not text.strip() else text


def _api_key(key: object) -> object:
    """Trimmed, because keys come out of files with a line break; the rest must fit into a header."""
    if not isinstance(key, str):
        return key
    trimmed = key.strip()
    if not (trimmed.isascii() and trimmed.isprintable()) or " " in trimmed:
        raise ValueError("holds a blank, a line break or a character no key has: copy it again from the provider")
    return trimmed


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL such as https://api.openai.com/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no user, query or fragment: a key belongs into OPENAI_API_KEY")
    return url.rstrip("/")


ApiKey = Annotated[SecretStr | None, BeforeValidator(_api_key), BeforeValidator(_blank_as_unset)]
AiBaseUrl = Annotated[Annotated[Trimmed, AfterValidator(_base_url)] | None, BeforeValidator(_blank_as_unset)]
_POSTGRES_SCHEMES = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
#: As Kafka takes it for a member of a group, and a file system for a folder.
InstanceId = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9._-]{1,100}$")]
Price = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class AiPrice(BaseModel):
    """US dollars per million tokens. Cached tokens cost as much as others unless a price of their own is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Price
    output: Price
    cached: Price | None = None


def machine_name() -> str:
    """This machine's, the same after each restart and another one on each machine, as an instance id may be."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname()).strip("-.")[:100] or "0"


def _named(name: str) -> AliasChoices:
    """An environment variable without the HEADRACE_ prefix, and the field's own name for tests."""
    return AliasChoices(name, name.lower())


class Settings(BaseSettings):
    """All settings. Environment names are `HEADRACE_` + the field in capitals, unless a name is given."""

    model_config = SettingsConfigDict(
        env_prefix="HEADRACE_",
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        # A refused secret must not be shown with the reason.
        hide_input_in_errors=True,
    )

    # Kafka
    kafka_bootstrap: Trimmed = Field("localhost:9092", validation_alias=_named("KAFKA_BOOTSTRAP"))
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", validation_alias=_named("KAFKA_SECURITY_PROTOCOL")
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", validation_alias=_named("KAFKA_SASL_MECHANISM")
    )
    kafka_sasl_username: Trimmed | None = Field(None, validation_alias=_named("KAFKA_SASL_USERNAME"))
    kafka_sasl_password: SecretStr | None = Field(None, validation_alias=_named("KAFKA_SASL_PASSWORD"))
    kafka_ssl_ca_file: Path | None = Field(None, validation_alias=_named("KAFKA_SSL_CA_FILE"))
    kafka_ssl_cert_file: Path | None = Field(None, validation_alias=_named("KAFKA_SSL_CERT_FILE"))
    kafka_ssl_key_file: Path | None = Field(None, validation_alias=_named("KAFKA_SSL_KEY_FILE"))
    #: Put before every topic, group and table name, so that installations can share a cluster.
    topic_prefix: Trimmed = ""
    #: Partitions of every topic. One count for all: Faust co-partitions tables with topics.
    partitions: int = Field(8, ge=1, le=256)
    replication_factor: int = Field(1, ge=1)
    #: Replicas that must have a record before it counts as written; None is 2 of three or more, else 1.
    min_insync_replicas: int | None = Field(None, ge=1)

    # Postgres
    database_url: Trimmed = Field(
        "postgresql://postgres@localhost:5432/headrace", validation_alias=_named("DATABASE_URL")
    )

    # Ingest
    ingest_host: Trimmed = "127.0.0.1"
    ingest_port: int = Field(8080, ge=1, le=65535)
    #: Connections kept open. For one more, those go that have waited longest for their sender.
    ingest_connections: int = Field(1000, ge=1)
    #: Largest accepted webhook body, bytes.
    body_limit: int = Field(BODY_LIMIT, ge=1, le=BODY_LIMIT)
    #: Seconds a request waits for Kafka before it is refused.
    publish_timeout: float = Field(4.0, gt=0, le=4.5)
    ghl_ed25519_public_key: Trimmed | None = None
    ghl_rsa_public_key: Trimmed | None = None
    #: Fernet keys, comma-separated, newest first: encrypt the secrets in the `workspaces` topic.
    secrets_key: SecretStr | None = None

    # Workers
    #: RocksDB lives here, one directory an app.
    data_dir: Path = Path(".headrace/tables")
    #: Names this process within its consumer group, so that a restart gets its partitions back without a rebalance.
    #: By default the machine's name: a second worker of one kind on a machine needs an id of its own.
    instance_id: InstanceId = Field(default_factory=machine_name)
    #: How long a dedupe key is remembered, days.
    dedupe_window_days: int = Field(30, ge=1)
    #: Seconds a worker may be behind without moving before it exits.
    watchdog_seconds: float = Field(60.0, gt=0)
    #: Sent and opened notices per second and bulk worker: replies share the way after it.
    bulk_rate: int = Field(1000, ge=1)

    # Metrics
    #: Where a process serves `/metrics`, and ingest `/openapi.json` too; 0 means nowhere.
    metrics_port: int = Field(0, ge=0, le=65535)
    #: Only this machine, unless somebody decides otherwise: there is no login.
    metrics_host: Trimmed = "127.0.0.1"

    # Jobs
    #: Seconds to wait after the first, second … failed attempt; after the last one the job dies. Comma-separated.
    retry_tiers: Annotated[tuple[Seconds, ...], NoDecode] = (10.0, 60.0, 600.0, 3600.0, 21_600.0)
    #: Jobs that run at once in a worker.
    job_slots: int = Field(200, ge=1)
    #: Jobs of one workspace that run at once in a worker.
    job_workspace_slots: int = Field(50, ge=1)
    #: Seconds a whole attempt of a job may take; each step has a shorter deadline of its own.
    job_deadline: float = Field(600.0, gt=0)
    #: Days for which a job that ended well is remembered, and a message that a lead's newer ones have displaced.
    job_memory_days: int = Field(30, ge=1)
    #: Processes of a jobs worker that read what leads wrote; no workspace keeps all of them busy.
    reading_processes: int = Field(3, ge=2)
    #: Seconds of the processor one text may take before a person must read it.
    reading_seconds: float = Field(2.0, gt=0)
    #: Failures of a dependency in a row after which nobody calls it for a while.
    breaker_failures: int = Field(5, ge=1)
    #: Seconds of that while; then one job tries.
    breaker_seconds: float = Field(30.0, gt=0)

    # AI
    #: `local` answers without network and key, `openai` asks a server that speaks OpenAI's chat completions.
    ai_provider: Literal["local", "openai"] = Field("local", validation_alias=_named("AI_PROVIDER"))
    #: Root of the server's API, usually ending in /v1; None is OpenAI's own.
    ai_base_url: AiBaseUrl = Field(None, validation_alias=_named("AI_BASE_URL"))
    #: Not needed by servers on one's own machine.
    openai_api_key: ApiKey = Field(None, validation_alias=_named("OPENAI_API_KEY"))
    ai_model: Annotated[Trimmed, Field(min_length=1)] = Field("gpt-5-mini", validation_alias=_named("AI_MODEL"))
    #: JSON, US dollars per million tokens: {"my-model": {"input": 0.25, "cached": 0.025, "output": 2}}. Added to the
    #: known prices; a model without a price costs an unknown amount, not nothing.
    ai_prices: dict[str, AiPrice] = {}
    #: JSON, seconds all tries at one answer may take together: {"draft.generate": 90}. Others keep their default.
    ai_timeouts: dict[str, Annotated[float, Field(gt=0, le=600)]] = {}

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"

    @field_validator("retry_tiers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return value.split(",") if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _is_postgres_url(cls, url: str) -> str:
        """Told here, where the variable is named: errors of clients quote the password, or name no variable."""
        form = "write postgresql://user:password@host:5432/database"
        scheme, separator, _ = url.partition("://")
        if not separator or scheme not in _POSTGRES_SCHEMES:
            raise ValueError(f"it is no address of a Postgres database: {form}")
        try:
            found = urlsplit(url)
            if "," not in found.netloc:
                # Of one host; several are libpq's own way to name standbys.
                found.port  # noqa: B018 - reading it is what checks it
        except ValueError:
            raise ValueError(
                f"its host or port can't be read: {form}, with special characters of the password percent-encoded"
            ) from None
        return url

    @model_validator(mode="after")
    def _enough_replicas(self) -> "Settings":
        if self.min_insync_replicas is not None and self.min_insync_replicas > self.replication_factor:
            raise ValueError(
                f"HEADRACE_MIN_INSYNC_REPLICAS is {self.min_insync_replicas}, but HEADRACE_REPLICATION_FACTOR is "
                f"{self.replication_factor}: nothing could ever be written"
            )
        return self

    @property
    def insync_replicas(self) -> int:
        """What every topic is told: an acknowledged record outlives the loss of one broker where there are three."""
        return self.min_insync_replicas or (2 if self.replication_factor >= 3 else 1)

    def public_key(self, provider: str, kind: Literal["ed25519", "rsa"]) -> str | None:
        """What a provider that signs for all workspaces publishes. AttributeError for one without such settings."""
        key: str | None = getattr(self, f"{provider}_{kind}_public_key")
        return key

    def topic(self, topic: Topic) -> str:
        """The topic's name on this installation's brokers."""
        return topic.physical(self.topic_prefix)
