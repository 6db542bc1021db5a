"""Errors that are somebody's to mend, as one sentence on stderr and exit status 2, never as a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import psycopg
import typer

from events.codec import NewerEvent
from runtime.refusal import Refusal


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turns the known ways in which Kafka, Postgres or their settings are not ready into a sentence."""
    try:
        yield
    except (Refusal, NewerEvent) as error:
        _refuse(str(error))
    except Exception as error:
        # SQLAlchemy's errors wrap the driver's.
        cause = getattr(error, "orig", error)
        if isinstance(cause, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
            _refuse("The database has no Headrace schema: run `headrace db migrate`.")
        if isinstance(cause, psycopg.OperationalError):
            reason = str(cause).strip().partition("\n")[0]
            _refuse(f"Postgres can't be reached ({reason}). Is it running, and is DATABASE_URL right?")
        raise


def _refuse(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(2) from None
