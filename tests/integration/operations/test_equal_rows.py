"""Live writes in any order and with repeats, a rebuild and a repair make the same rows of the same records."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.events.records import Record
from headrace.kafka.offsets import OffsetRange
from operations.versions.repair_keys import FoundKeys
from operations.versions.repair_stage import RepairStage
from operations.versions.stage import Stage
from projections.projectors.leads import PROJECTION as LEADS
from projections.schemas import proj_schema
from projections.tables import proj_metadata
from projections.writing.row_rule import Row
from projections.writing.upserts import Upsert, rows_of
from tests.integration.projections.event_log import EventLog, lead_id

TOPIC = "messages"
#: A table of plain rows, one with rollups, and one of which rows are repeated: enough for the rule.
PROJECTION = msgspec.structs.replace(LEADS, tables=("messages", "lead_activity", "lead_suppressions"))
UPSERTS = {table: Upsert(proj_metadata(1).tables[f"proj_v1.{table}"]) for table in PROJECTION.tables}
Connection = psycopg.Connection[Any]
#: (kind, lead, number): what happens, in the log's order.
MOVES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=30)
DAMAGE = """
UPDATE proj_v1.messages SET text = 'nonsense', proj_rev = 9;
UPDATE proj_v1.lead_activity SET first_message_at = '1990-01-01', first_inbound_at = NULL;
UPDATE proj_v1.lead_activity SET last_message_at = '2090-01-01';
DELETE FROM proj_v1.lead_suppressions;
"""


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield connection


def a_log(moves: Sequence[tuple[int, int, int]]) -> list[Record]:
    """Events of four leads on two partitions; messages are told of several leads, so that rows meet across both."""
    events, records = EventLog(), []
    for kind, number, n in moves:
        lead = f"lead {number}"
        event = [
            events.message(lead, n, text="a NUL \0 in it" if n == 3 else f"text {n}"),
            events.message(lead, n, inbound=False),
            events.suppression(lead, n),
        ][kind]
        records.append(events.record(TOPIC, number % 2, event, key=lead_id(lead).encode()))
    return records


def content(connection: Connection, version: int) -> dict[str, list[Any]]:
    names = {table: f"{proj_schema(version)}.{table}" for table in PROJECTION.tables}
    return {
        table: connection.execute(b"SELECT t::text FROM %b AS t ORDER BY 1" % name.encode()).fetchall()
        for table, name in names.items()
    }


def write_live(connection: Connection, records: Sequence[Record]) -> None:
    """As the live writer does with one batch."""
    rows: dict[str, list[Row]] = {}
    for record in records:
        for row in rows_of(record, PROJECTION.project(record), PROJECTION.rev):
            rows.setdefault(row.table, []).append(row)
    for table, of_table in rows.items():
        upsert = UPSERTS[table]
        connection.execute(upsert.statement, upsert.parameters(of_table))


def rebuild(connection: Connection, log: Sequence[Record], chunk: int) -> None:
    """Into version 2."""
    stage = Stage(PROJECTION, 2)
    stage.drop(connection)
    stage.create(connection, {(TOPIC, partition): OffsetRange(0, len(log)) for partition in (0, 1)})
    for start in range(0, len(log), chunk):
        stage.write(connection, log[start : start + chunk], {})
    for table in stage.tables:
        stage.fold(connection, table)
    stage.drop(connection)


def repair(connection: Connection, log: Sequence[Record]) -> None:
    """All keys in the live version."""
    stage = RepairStage(PROJECTION, 1)
    keys = FoundKeys()
    for record in log:
        keys.add(record.partition, record.key)
    selected = keys.in_batches()
    stage.create(connection)
    stage.choose(connection, selected, dict.fromkeys(selected, 0))
    for partition in selected:
        stage.add(connection, [record for record in log if record.partition == partition], selected)
    stage.compare(connection)
    for _, batch in stage.batches(connection):
        stage.replace(connection, batch)
    stage.drop(connection)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(moves=MOVES, batches=st.integers(1, 4), chunk=st.integers(1, 30), data=st.data())
def test_live_writes_a_rebuild_and_a_repair_make_equal_rows(
    connection: Connection, moves: list[tuple[int, int, int]], batches: int, chunk: int, data: st.DataObject
) -> None:
    log = a_log(moves)
    deliveries = data.draw(st.permutations([*log, *data.draw(st.lists(st.sampled_from(log), max_size=10))]))
    connection.execute(f"TRUNCATE {', '.join(f'proj_v1.{table}' for table in PROJECTION.tables)}".encode())
    for number in range(batches):
        write_live(connection, deliveries[number::batches])
    live = content(connection, 1)

    rebuild(connection, log, chunk)
    assert content(connection, 2) == live

    connection.execute(DAMAGE)
    repair(connection, log)
    assert content(connection, 1) == live
