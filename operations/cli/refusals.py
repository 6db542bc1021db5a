"""Errors that are somebody's to mend, as one sentence instead of a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headrace.refusal import Refusal

if TYPE_CHECKING:
    from headrace.settings import Settings


def sentence_of(error: Exception) -> str | None:
    """What Kafka, Postgres or their settings lack, in a sentence; None for an error that nobody is meant to mend.

    Only what is imported can have raised its error, so nothing is imported to look at one.
    """
    if isinstance(error, Refusal):
        return str(error)
    if "headrace.events.codec" in sys.modules:
        from headrace.events.codec import NewerEvent

        if isinstance(error, NewerEvent):
            return str(error)
    return _sentence_of_postgres(error) if "psycopg" in sys.modules else None


def _sentence_of_postgres(error: Exception) -> str | None:
    import psycopg

    # SQLAlchemy's errors wrap the driver's.
    cause = getattr(error, "orig", error)
    if isinstance(cause, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
        return "The database has no Headrace schema: run `headrace db migrate`."
    if isinstance(cause, psycopg.OperationalError):
        reason = str(cause).strip().partition("\n")[0]
        return f"Postgres can't be reached ({reason}). Is it running, and is DATABASE_URL right?"
    if isinstance(cause, psycopg.ProgrammingError) and cause.sqlstate is None and _is_about_address(str(cause)):
        # Its own words may quote the password.
        return (
            "DATABASE_URL can't be used: write postgresql://user:password@host:5432/database, with special characters "
            "of the password percent-encoded."
        )
    return None


def _is_about_address(words: str) -> bool:
    """What libpq says of an address it can't read."""
    return any(part in words for part in ("connection info string", "percent-encoded", "connection option", "URI"))


@contextmanager
def writing_to_kafka(settings: "Settings") -> Iterator[None]:
    """Raises KafkaUnreachable in place of the errors of a client that gave up."""
    from headrace.kafka.clients import KafkaUnreachable
    from headrace.kafka.errors import KafkaError

    try:
        yield
    except (KafkaError, OSError) as error:
        raise KafkaUnreachable(settings, type(error).__name__) from error
