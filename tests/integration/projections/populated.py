"""A database with rows in every table, made from every event there is, the way the projections make them."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, Boolean, Column, Date, Float, Integer, LargeBinary, MetaData, Text, Uuid, create_engine
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.pool import NullPool

from headrace.events.ids import derived_id
from headrace.events.topics import ALL_TOPICS, DEAD_LETTERS
from projections.connection import connector, libpq_url
from projections.migrate import sqlalchemy_url
from projections.writing.writer import ProjectionWriter
from tests.integration.projections.event_log import EventLog

Contents = dict[str, list[dict[str, Any]]]

GOLDEN = Path(__file__).parents[2] / "contract" / "events" / "golden"
#: Where rows are.
SCHEMAS = ("ctl", "proj_v1")
#: What made-up rows hold, by the column's type.
_VALUES: tuple[tuple[type, Any], ...] = (
    (TIMESTAMP, datetime(2026, 3, 2, 12, 0, tzinfo=UTC)),
    (Boolean, True),
    (Date, date(2026, 3, 2)),
    (Integer, 1),
    (Float, 0.5),
    (Uuid, UUID(int=1)),
    (JSONB, Jsonb({"any": "thing"})),
    (ARRAY, []),
    (LargeBinary, b"bytes"),
    (Text, "text"),
)
_DEAD_LETTER = {
    "dlq_stage": b"resolve",
    "dlq_topic": b"inbox",
    "dlq_partition": b"0",
    "dlq_offset": b"7",
    "dlq_error_class": b"KeyError",
    "dlq_reason": b"resolve could not process it",
    "dlq_attempts": b"1",
    "dlq_first_at": b"2026-03-02T09:00:00+00:00",
    "dlq_last_at": b"2026-03-02T09:00:00+00:00",
}


async def populate(database_url: str, events: EventLog) -> None:
    """Every golden event, a dead letter and a record nobody can project; then a row into whatever is still empty."""
    writer = ProjectionWriter(connector(database_url))
    for topic in ALL_TOPICS:
        records = [_golden(events, topic.name, name) for name in topic.events]
        if topic.name in writer.topics and records:
            await writer.write({(topic.name, 0): records})
    letter = events.raw(DEAD_LETTERS.name, 0, b"{}", list(_DEAD_LETTER.items()))
    await writer.write({(DEAD_LETTERS.name, 0): [letter]})
    await writer.write({("receipts", 1): [events.raw("receipts", 1, b"{}", [])]})
    await writer.pass_expired("receipts", 1, 1, 4)
    await writer.beat({("receipts", 1): (4, 9)})
    await writer.close()
    fill_empty_tables(database_url)


def fill_empty_tables(database_url: str) -> None:
    """One made-up row into each table that has none, whatever its columns are."""
    for name in [name for name, rows in contents(database_url).items() if not rows]:
        schema, _, table = name.partition(".")
        columns = [(column.name, _value(column)) for column in _columns(database_url, schema, table)]
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(schema, table),
            sql.SQL(", ").join(sql.Identifier(column) for column, _ in columns),
            sql.SQL(", ").join(sql.Placeholder() * len(columns)),
        )
        with psycopg.connect(libpq_url(database_url)) as connection:
            connection.execute(statement, [value for _, value in columns])


def contents(database_url: str) -> Contents:
    """Every row of every table, sorted, by `schema.table`. Alembic's own table is left out."""
    found: Contents = {}
    with psycopg.connect(libpq_url(database_url)) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s) AND tablename <> 'alembic_version'",
            [list(SCHEMAS)],
        ).fetchall()
        for schema, table in tables:
            query = sql.SQL("SELECT to_jsonb(t) FROM {} AS t ORDER BY t::text").format(sql.Identifier(schema, table))
            found[f"{schema}.{table}"] = [row for (row,) in connection.execute(query)]
    return found


def _golden(events: EventLog, topic: str, name: str) -> Any:
    """The newest golden file of an event as the next record, with UUIDs where the file has placeholders."""
    path = max(GOLDEN.glob(f"{name}.v*.json"), key=lambda path: int(path.stem.rpartition(".v")[2]))
    text = re.sub(r'"(\w*id-\d+)"', lambda found: f'"{derived_id("golden", found[1])}"', path.read_text())
    return events.wire(topic, 0, path.stem, text.encode())


def _columns(database_url: str, schema: str, table: str) -> list[Column[Any]]:
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    reflected = MetaData()
    reflected.reflect(engine, schema=schema, only=[table])
    return list(reflected.tables[f"{schema}.{table}"].columns)


def _value(column: Column[Any]) -> Any:
    for type_, value in _VALUES:
        if isinstance(column.type, type_):
            return value
    raise TypeError(f"{column} has a type this test has no value for: {column.type!r}")
