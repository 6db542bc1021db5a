"""Errors that are somebody's to mend, as one sentence on stderr and exit status 2, never as a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headrace.refusal import Refusal
from operations.cli.exit_status import refuse

if TYPE_CHECKING:
    from headrace.settings import Settings


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turns the known ways in which Kafka, Postgres or their settings are not ready into a sentence."""
    try:
        yield
    except Refusal as error:
        refuse(error)
    except Exception as error:
        import psycopg

        from headrace.events.codec import NewerEvent

        # SQLAlchemy's errors wrap the driver's.
        cause = getattr(error, "orig", error)
        if isinstance(error, NewerEvent):
            refuse(error)
        if isinstance(cause, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
            refuse("The database has no Headrace schema: run `headrace db migrate`.")
        if isinstance(cause, psycopg.OperationalError):
            reason = str(cause).strip().partition("\n")[0]
            refuse(f"Postgres can't be reached ({reason}). Is it running, and is DATABASE_URL right?")
        raise


@contextmanager
def writing_to_kafka(settings: "Settings") -> Iterator[None]:
    """Raises KafkaUnreachable in place of the errors of a client that gave up."""
    from aiokafka.errors import KafkaError

    from headrace.kafka.clients import KafkaUnreachable

    try:
        yield
    except (KafkaError, OSError) as error:
        raise KafkaUnreachable(settings, type(error).__name__) from error
