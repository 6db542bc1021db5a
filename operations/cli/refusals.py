"""Errors that are somebody's to mend, as one sentence on stderr and exit status 2, never as a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from headrace.events.codec import NewerEvent
from headrace.refusal import Refusal
from operations.cli.exit_status import refuse


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turns the known ways in which Kafka, Postgres or their settings are not ready into a sentence."""
    try:
        yield
    except (Refusal, NewerEvent) as error:
        refuse(error)
    except Exception as error:
        # Only an error of the database's is worth its driver's import.
        import psycopg  # noqa: PLC0415

        # SQLAlchemy's errors wrap the driver's.
        cause = getattr(error, "orig", error)
        if isinstance(cause, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
            refuse("The database has no Headrace schema: run `headrace db migrate`.")
        if isinstance(cause, psycopg.OperationalError):
            reason = str(cause).strip().partition("\n")[0]
            refuse(f"Postgres can't be reached ({reason}). Is it running, and is DATABASE_URL right?")
        raise
