"""Brings the Postgres schema up, down, and checks it: Alembic, driven from here so that it needs no config file.

Alembic keeps its context in module globals: migrate in one thread at a time. Processes may do it at once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from projections.tables import CTL_SCHEMA

VERSION_TABLE = "alembic_version"
_MIGRATIONS = Path(__file__).parent / "migrations"
#: Names the advisory lock of migrations within a database.
_LOCK = "headrace migrations"


class SchemaOutdated(RuntimeError):
    """The database and this program expect different schemas; the message says what to do."""


class SchemaState(msgspec.Struct, frozen=True):
    """Where a database stands. None: never migrated."""

    revision: str | None
    #: What this program needs.
    head: str

    @property
    def is_current(self) -> bool:
        """True when nothing is to be done."""
        return self.revision == self.head


def upgrade(database_url: str, revision: str = "head") -> None:
    """Migrate upwards, all or nothing. Several processes may call it at once: one works, the others find it done."""
    with _locked(database_url) as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {CTL_SCHEMA}"))
        _run(connection, lambda config: command.upgrade(config, revision))


def downgrade(database_url: str, revision: str = "base") -> None:
    """Migrate downwards, all or nothing. `base` removes every row: the log can bring them back."""
    with _locked(database_url) as connection:
        _down(connection, revision)


@contextmanager
def rehearsed_downgrade(database_url: str, revision: str) -> Iterator[Connection]:
    """A connection that sees the schema as it would be; all of it is undone at the end.

    Whoever uses the tables meanwhile waits for it. Raises LockNotAvailable when they don't let go within 5 s.
    """
    with _locked(database_url) as connection:
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        _down(connection, revision)
        yield connection
        transaction = connection.get_transaction()
        if transaction is not None:
            transaction.rollback()


def status(database_url: str) -> SchemaState:
    """Where the database stands. Changes nothing."""
    with connected(database_url) as connection:
        return _state(connection)


def check(database_url: str) -> None:
    """Raises SchemaOutdated unless the database has the schema this program needs."""
    state = status(database_url)
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
def _locked(database_url: str) -> Iterator[Connection]:
    with connected(database_url) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": _LOCK})
        yield connection


def _down(connection: Connection, revision: str) -> None:
    if _state(connection).revision is None:
        return
    _run(connection, lambda config: command.downgrade(config, revision))
    if _state(connection).revision is None:
        connection.execute(text(f"DROP TABLE {CTL_SCHEMA}.{VERSION_TABLE}"))
        connection.execute(text(f"DROP SCHEMA {CTL_SCHEMA}"))


def _run(connection: Connection, work: Callable[[Config], None]) -> None:
    config = _config()
    config.attributes["connection"] = connection
    work(config)


def _state(connection: Connection) -> SchemaState:
    options = {"version_table": VERSION_TABLE, "version_table_schema": CTL_SCHEMA}
    context = MigrationContext.configure(connection, opts=options)
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError(f"{_MIGRATIONS} has no migrations: the installation is incomplete, install Headrace again")
    return SchemaState(context.get_current_revision(), head)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    # A path may hold a colon; nothing here is a list of paths.
    config.set_main_option("path_separator", "os")
    return config
