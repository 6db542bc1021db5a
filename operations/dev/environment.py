"""The environment of the stack: what each process gets, and the shell file that points other programs at it."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from cryptography.fernet import Fernet

from operations.dev.postgres import local_url
from operations.dev.settings import DevSettings


def process_environment(
    settings: DevSettings, database_url: str, secrets_key: str, inherited: Mapping[str, str]
) -> dict[str, str]:
    """What every Headrace process of the stack gets: all that was inherited, and where things are."""
    environment = dict(inherited)
    environment.setdefault("HEADRACE_LOG_FORMAT", "console")
    environment.setdefault("HEADRACE_DATA_DIR", str(settings.files.tables))
    # Workers say at this level that they are ready, which the supervisor waits for.
    if environment.get("HEADRACE_LOG_LEVEL") != "DEBUG":
        environment["HEADRACE_LOG_LEVEL"] = "INFO"
    return environment | {
        "KAFKA_BOOTSTRAP": settings.bootstrap,
        "DATABASE_URL": database_url,
        "HEADRACE_INGEST_PORT": str(settings.ingest_port),
        "HEADRACE_SECRETS_KEY": secrets_key,
        "PYTHONUNBUFFERED": "1",
    }


def with_own_metrics_port(environment: Mapping[str, str], number: int) -> dict[str, str]:
    """What the process of that number gets: one port can't serve several, so each has the next one."""
    first = environment.get("HEADRACE_METRICS_PORT", "")
    if not first.isdecimal() or int(first) == 0:
        # Nowhere; or no number, which the process itself refuses.
        return dict(environment)
    return {**environment, "HEADRACE_METRICS_PORT": str(int(first) + number)}


#: What a program must have in common with the stack, or it would look for other topics and partitions.
_SHARED = ("HEADRACE_PARTITIONS", "HEADRACE_TOPIC_PREFIX")


def shell_file(settings: DevSettings, database_url: str, secrets_key: str, inherited: Mapping[str, str]) -> str:
    """The lines of `.headrace/env`."""
    values = {
        "KAFKA_BOOTSTRAP": settings.bootstrap,
        "DATABASE_URL": database_url,
        "HEADRACE_INGEST_URL": settings.ingest_url,
        **({"HEADRACE_SANDBOX_URL": settings.sandbox_url} if settings.sandbox_port else {}),
        "HEADRACE_SECRETS_KEY": secrets_key,
        **{name: inherited[name] for name in _SHARED if inherited.get(name)},
    }
    # So that a shell which read this file can start the stack again: see `operations.dev.settings.DevSettings`.
    if settings.kafka_bootstrap is None:
        values["HEADRACE_STACK_KAFKA"] = settings.bootstrap
    if settings.database_url is None:
        values["HEADRACE_STACK_DATABASE"] = database_url
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())


def write_private(path: Path, text: str) -> None:
    """Replaces the file in one step; only the owner can read it, at no moment anybody else."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.rename(path)


def secrets_key(settings: DevSettings) -> str:
    """The Fernet key of the installation: the given one, else the one in the home, drawn at the first call."""
    if settings.secrets_key is not None:
        return settings.secrets_key.get_secret_value()
    path = settings.files.secrets_key
    if not path.exists():
        write_private(path, f"{Fernet.generate_key().decode()}\n")
    return path.read_text().strip()


def database_url(settings: DevSettings) -> str:
    """The database, given or ours. Ours must have been made."""
    if settings.database_url is not None:
        return settings.database_url
    return local_url(settings.postgres_port, settings.files.postgres_password)
