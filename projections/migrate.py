"""Brings the Postgres schema up, down, and checks it: Alembic, driven from here so that it needs no config file.

Alembic keeps its context in module globals: migrate in one thread at a time. Processes may do it at once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from headrace.refusal import Refusal
from projections.migrating import Tell, retry_locked, take_turn, tell_nobody
from projections.new_read_models import create_missing_read_models, missing_read_models
from projections.tables import CTL_SCHEMA
from projections.value_meanings import write_value_meanings

VERSION_TABLE = "alembic_version"
_MIGRATIONS = Path(__file__).parent / "migrations"
#: For how many seconds a revision that gets no lock is tried again.
PATIENCE = 120.0


class SchemaOutdated(RuntimeError):
    """The database and this program expect different schemas; the message says what to do."""


class UnknownRevision(Refusal):
    """This program has no such revision, or not in that direction."""


class SchemaState(msgspec.Struct, frozen=True):
    """Where a database stands. None: never migrated."""

    revision: str | None
    #: What this program needs.
    head: str
    #: Read models of this program that the database has no tables for.
    lacking: tuple[str, ...] = ()

    @property
    def is_current(self) -> bool:
        """True when nothing is to be done."""
        return self.revision == self.head and not self.lacking


def upgrade(database_url: str, revision: str = "head", *, patience: float = PATIENCE, tell: Tell = tell_nobody) -> None:
    """Migrate upwards, each revision all or nothing. Several processes may call it at once: one works.

    `patience`: for how many seconds a revision is tried again when it gets no lock. `tell` gets a sentence for each
    wait. Raises MigrationBlocked.
    """
    with _in_turn(database_url, tell) as connection:
        for step in _steps_up(connection, revision):
            retry_locked(connection, partial(_run, command.upgrade, connection, step), patience=patience, tell=tell)
        with connection.begin():
            state = _state(connection)
            if state.lacking:
                create_missing_read_models(connection)
            if state.revision == state.head:
                write_value_meanings(connection)


def downgrade(
    database_url: str, revision: str = "base", *, patience: float = PATIENCE, tell: Tell = tell_nobody
) -> None:
    """Migrate downwards, as `upgrade`. `base` removes every row: the log can bring them back."""
    with _in_turn(database_url, tell) as connection:
        for step in _steps_down(connection, revision):
            retry_locked(connection, partial(_run, command.downgrade, connection, step), patience=patience, tell=tell)


@contextmanager
def rehearsed_downgrade(
    database_url: str, revision: str, *, patience: float = PATIENCE, tell: Tell = tell_nobody
) -> Iterator[Connection]:
    """A connection that sees the schema as it would be; all of it is undone at the end.

    Whoever uses the tables meanwhile waits for it. Raises MigrationBlocked.
    """
    with _in_turn(database_url, tell) as connection:
        steps = _steps_down(connection, revision)

        def go_down() -> None:
            # Alembic works within a transaction that is there, and does not end it.
            connection.begin()
            for step in steps:
                _run(command.downgrade, connection, step)

        retry_locked(connection, go_down, patience=patience, tell=tell)
        yield connection
        connection.rollback()


def status(database_url: str) -> SchemaState:
    """Where the database stands. Changes nothing."""
    with connected(database_url) as connection:
        return _state(connection)


def check(database_url: str) -> None:
    """Raises SchemaOutdated unless the database has the schema this program needs."""
    state = status(database_url)
    if state.lacking:
        lacking = ", ".join(state.lacking)
        raise SchemaOutdated(f"the database has no tables for {lacking} yet: run `headrace db migrate`")
    if not state.is_current:
        raise SchemaOutdated(
            f"the database is at schema revision {state.revision or 'none'}, this program needs {state.head}: "
            "run `headrace db migrate`, or start the newer program if the database is ahead"
        )


def sqlalchemy_url(database_url: str) -> URL:
    """The URL with the driver we install, however its scheme is spelled."""
    scheme, separator, rest = database_url.partition("://")
    if scheme == "postgres":
        database_url = f"postgresql{separator}{rest}"
    url = make_url(database_url)
    return url.set(drivername="postgresql+psycopg") if url.get_backend_name() == "postgresql" else url


@contextmanager
def connected(database_url: str) -> Iterator[Connection]:
    """A connection in one transaction, which is committed at the end."""
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


@contextmanager
def _in_turn(database_url: str, tell: Tell) -> Iterator[Connection]:
    """A connection outside of any transaction, while nobody else migrates the database."""
    named = {"application_name": "headrace-migrate"}
    with create_engine(sqlalchemy_url(database_url), poolclass=NullPool, connect_args=named).connect() as connection:
        take_turn(connection, tell)
        yield connection


def _steps_up(connection: Connection, revision: str) -> list[str]:
    with connection.begin():
        lower = _state(connection).revision or "base"
    return [script.revision for script in _between(lower, revision)][::-1]


def _steps_down(connection: Connection, revision: str) -> list[str]:
    with connection.begin():
        upper = _state(connection).revision
    # No branches: each has one revision before it.
    return [str(script.down_revision or "base") for script in _between(revision, upper)] if upper else []


def _between(lower: str, upper: str) -> list[Script]:
    """The revisions above `lower`, up to `upper`, newest first."""
    try:
        return list(ScriptDirectory.from_config(_config()).iterate_revisions(upper, lower))
    except RevisionError as error:
        raise UnknownRevision(f"There is no way from revision {lower} to {upper} in this program: {error}") from error


def _run(move: Callable[[Config, str], None], connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    move(config, revision)


def _state(connection: Connection) -> SchemaState:
    options = {"version_table": VERSION_TABLE, "version_table_schema": CTL_SCHEMA}
    context = MigrationContext.configure(connection, opts=options)
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError(f"{_MIGRATIONS} has no migrations: the installation is incomplete, install Headrace again")
    revision = context.get_current_revision()
    if revision != head:
        return SchemaState(revision, head)
    return SchemaState(revision, head, tuple(one.name for one in missing_read_models(connection)))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    # A path may hold a colon; nothing here is a list of paths.
    config.set_main_option("path_separator", "os")
    return config
