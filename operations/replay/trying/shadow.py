"""The schemas `try_1`, `try_2` …: one a try, with what models answered, what that cost, and what was decided."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from headrace.events.ai import AiCalled
from headrace.events.jobs import StepAnswer
from operations.replay.trying.tried import Tried, TryRefused
from operations.runs.run_budget import cost_of
from projections.connection import libpq_url


class About(msgspec.Struct, frozen=True, kw_only=True):
    """One try."""

    name: str
    run_id: UUID
    made_at: datetime
    #: All that the command was told.
    scope: dict[str, Any]
    decisions: int


class Shadow:
    """One try's schema. Each method is a transaction of its own."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self.name = name
        self._connection = connection

    def answer(self, message_id: str, question: str) -> StepAnswer | None:
        """What was answered already."""
        found = self._execute(
            "SELECT answer FROM {}.answers WHERE message_id = %s AND question = %s", message_id, question
        ).fetchone()
        return None if found is None else msgspec.convert(found[0], StepAnswer)

    def keep_answer(self, message_id: str, question: str, answer: StepAnswer) -> None:
        """It was paid for."""
        row = message_id, question, Jsonb(msgspec.to_builtins(answer))
        self._execute("INSERT INTO {}.answers VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", *row)

    def keep_calls(self, message_id: str, calls: Sequence[AiCalled]) -> None:
        """What was asked, whatever came of it."""
        for call in calls:
            row = message_id, call.called_at, cost_of(call), Jsonb(msgspec.to_builtins(call))
            self._execute("INSERT INTO {}.calls VALUES (%s, %s, %s, %s)", *row)

    def keep(self, tried: Tried) -> None:
        """What was decided."""
        after = None if tried.after is None else Jsonb(tried.after)
        row = tried.message_id, tried.job_id, tried.workspace_id, tried.is_asked, Jsonb(tried.before), after
        self._execute(
            "INSERT INTO {}.decisions VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (message_id) DO UPDATE "
            "SET is_asked = excluded.is_asked, after = excluded.after, failure = excluded.failure",
            *row,
            tried.failure,
        )

    def decided(self) -> list[Tried]:
        """All decisions."""
        columns = ", ".join(Tried.__struct_fields__)
        statement = sql.SQL(f"SELECT {columns} FROM {{}}.decisions").format(sql.Identifier(self.name))  # noqa: S608
        with self._connection.cursor(row_factory=class_row(Tried)) as cursor:
            return cursor.execute(statement).fetchall()

    def spent(self) -> tuple[int, int]:
        """Calls, and what they count against a budget: micro-USD."""
        found = self._execute("SELECT count(*), coalesce(sum(cost_micro_usd), 0)::bigint FROM {}.calls").fetchone()
        return (0, 0) if found is None else (found[0], found[1])

    def _execute(self, statement: str, *parameters: Any) -> psycopg.Cursor[Any]:
        # Statements are ours, the schema's name is quoted.
        return self._connection.execute(
            sql.SQL(statement).format(sql.Identifier(self.name)),
            parameters,
        )


@contextmanager
def connected(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A session for shadows."""
    with psycopg.connect(libpq_url(database_url), autocommit=True, connect_timeout=5) as connection:
        connection.execute("SET application_name = 'headrace-try'")
        yield connection


def shadow_of(connection: psycopg.Connection[Any], run_id: UUID, scope: Mapping[str, Any]) -> Shadow:
    """The schema of a run, made if there is none yet."""
    known = next((one for one in tries(connection) if one.run_id == run_id), None)
    if known is not None:
        return Shadow(connection, known.name)
    while True:
        name = f"try_{_last_number(connection) + 1}"
        try:
            with connection.transaction():
                _make(connection, name)
                row = run_id, Jsonb(dict(scope))
                connection.execute(
                    sql.SQL("INSERT INTO {}.about VALUES (%s, clock_timestamp(), %s)").format(sql.Identifier(name)), row
                )
        except (psycopg.errors.DuplicateSchema, psycopg.errors.UniqueViolation):
            # Somebody else's try took the number a moment before.
            continue
        return Shadow(connection, name)


def tries(connection: psycopg.Connection[Any]) -> list[About]:
    """All tries there are, oldest first."""
    found: list[About] = []
    for name in _schemas(connection):
        schema = sql.Identifier(name)
        statement = sql.SQL(
            "SELECT %s AS name, run_id, made_at, scope, (SELECT count(*) FROM {}.decisions) AS decisions FROM {}.about"
        ).format(schema, schema)
        with connection.cursor(row_factory=class_row(About)) as cursor:
            found += cursor.execute(statement, [name]).fetchall()
    return found


def find_try(connection: psycopg.Connection[Any], name: str) -> About:
    """One try. Raises TryRefused."""
    for one in tries(connection):
        if one.name == name:
            return one
    raise TryRefused(f"There is no try {name!r}. `headrace replay tries` lists those there are.")


def adopt(connection: psycopg.Connection[Any], name: str, run_id: UUID) -> None:
    """The try belongs to another run from now on."""
    connection.execute(sql.SQL("UPDATE {}.about SET run_id = %s").format(sql.Identifier(name)), [run_id])


def drop(connection: psycopg.Connection[Any], name: str) -> None:
    """Remove a try with all it holds."""
    connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


def _schemas(connection: psycopg.Connection[Any]) -> list[str]:
    """Only those a try made: others may use such a name, too."""
    found = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname ~ '^try_[0-9]{1,9}$' "
        "AND obj_description(oid, 'pg_namespace') = 'headrace try' ORDER BY length(nspname), nspname"
    )
    return [row[0] for row in found]


def _last_number(connection: psycopg.Connection[Any]) -> int:
    found = connection.execute(
        "SELECT coalesce(max(substr(nspname, 5)::bigint), 0) FROM pg_namespace WHERE nspname ~ '^try_[0-9]{1,9}$'"
    ).fetchone()
    return 0 if found is None else int(found[0])


def _make(connection: psycopg.Connection[Any], name: str) -> None:
    for statement in _SCHEMA:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


_SCHEMA = (
    "CREATE SCHEMA {}",
    "COMMENT ON SCHEMA {} IS 'headrace try'",
    "CREATE TABLE {}.about (run_id uuid PRIMARY KEY, made_at timestamptz NOT NULL, scope jsonb NOT NULL)",
    "CREATE TABLE {}.answers (message_id text, question text, answer jsonb NOT NULL, "
    "PRIMARY KEY (message_id, question))",
    "CREATE TABLE {}.calls (message_id text NOT NULL, called_at timestamptz NOT NULL, cost_micro_usd bigint NOT NULL, "
    "call jsonb NOT NULL)",
    "CREATE TABLE {}.decisions (message_id text PRIMARY KEY, job_id text NOT NULL, workspace_id text NOT NULL, "
    "is_asked boolean NOT NULL, before jsonb NOT NULL, after jsonb, failure text NOT NULL)",
)
