"""The writer against real Postgres: the same rows however records are batched, repeated or interrupted."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from structlog.testing import capture_logs

from headrace.events.envelope import Envelope
from headrace.events.inbox import Address
from headrace.events.records import Record
from projections.connection import Connection, connector
from projections.projectors.leads import PROJECTION as LEADS
from projections.tables import proj_metadata
from projections.writing.bad_records import TooManyBadRecords
from projections.writing.batches import Written
from projections.writing.positions import DatabaseReplaced, PositionConflict
from projections.writing.writer import ProjectionWriter
from tests.integration.operations.versions import create_version

TOPIC = "messages"
#: Test modules can't import each other; the fixture's type is `conftest.EventLog`.
EventLog = Any
_FUNCTION_SCOPED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture
async def writer(database_url: str) -> AsyncIterator[ProjectionWriter]:
    writer = ProjectionWriter(connector(database_url))
    yield writer
    await writer.close()


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        yield connection


async def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query)).fetchall()


async def content(connection: Connection) -> dict[str, tuple[int, Any]]:
    """A hash of every table of the read model that does not depend on the order of rows."""
    await connection.execute("SET timezone = 'UTC'")
    hashes = {}
    for table in proj_metadata(1).sorted_tables:
        hashed = "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM"
        found = await rows(connection, f"{hashed} {table.fullname} AS t")
        hashes[table.name] = found[0]
    return hashes


async def empty(connection: Connection) -> None:
    tables = ", ".join(table.fullname for table in proj_metadata(1).sorted_tables)
    await connection.execute(f"TRUNCATE {tables}, ctl.projection_offsets, ctl.dead_letters")


def by_partition(records: Sequence[Record]) -> dict[tuple[str, int], list[Record]]:
    batch: dict[tuple[str, int], list[Record]] = defaultdict(list)
    for record in records:
        batch[record.topic, record.partition].append(record)
    return batch


def a_log(events: EventLog, moves: Sequence[tuple[int, int, int]]) -> list[Record]:
    """Events of four leads on two partitions: repeats, merges, and one message on both partitions."""
    records = []
    for kind, lead_number, number in moves:
        lead = f"lead {lead_number}"
        made = [
            events.message(lead, number),
            events.message(lead, number, inbound=False),
            events.lead(lead, number, (f"{number}@x.io", f"{lead_number}@x.io")),
            events.suppression(lead, number),
            events.signal(lead, number),
            events.merge(lead, f"lead {number % 4}"),
            events.receipt(number, "webhooks.ghl", 0, number),
        ][kind]
        topic = "receipts" if kind == 6 else TOPIC
        records.append(events.record(topic, lead_number % 2, made))
    return records


@pytest.fixture
def new_log(events: EventLog) -> Callable[[], EventLog]:
    return type(events)


@settings(max_examples=12, deadline=None, suppress_health_check=_FUNCTION_SCOPED)
@given(
    moves=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=40),
    data=st.data(),
)
async def test_rows_do_not_depend_on_batches_repeats_or_order_of_partitions(
    connection: Connection,
    database_url: str,
    new_log: Callable[[], EventLog],
    moves: list[tuple[int, int, int]],
    data: st.DataObject,
) -> None:
    log = a_log(new_log(), moves)
    await empty(connection)
    at_once = ProjectionWriter(connector(database_url))
    await at_once.write(by_partition(log))
    await at_once.close()
    expected = await content(connection)

    # The same log in batches of each partition, in any interleaving, some delivered again, twice over.
    await empty(connection)
    deliveries = data.draw(_deliveries(by_partition(log)))
    for _ in range(2):
        await connection.execute("DELETE FROM ctl.projection_offsets")
        piecewise = ProjectionWriter(connector(database_url))
        for batch in deliveries:
            await piecewise.write(by_partition(batch))
        await piecewise.close()
        assert await content(connection) == expected


@st.composite
def _deliveries(draw: st.DrawFn, partitions: dict[tuple[str, int], list[Record]]) -> list[list[Record]]:
    queues = []
    for records in partitions.values():
        cuts = sorted({0, len(records), *draw(st.lists(st.integers(0, len(records)), max_size=5))})
        # A batch may reach back over what was delivered before.
        queues.append([records[max(0, a - draw(st.integers(0, 3))) : b] for a, b in pairwise(cuts)])
    deliveries = []
    while any(queues):
        queue = draw(st.sampled_from([queue for queue in queues if queue]))
        deliveries.append(queue.pop(0))
    return deliveries


async def test_a_corrected_projector_replaces_rows_of_the_same_records(
    connection: Connection, database_url: str, events: EventLog
) -> None:
    record = events.record(TOPIC, 0, events.message("a", 1))
    for rev in (1, 2, 1):
        await connection.execute("DELETE FROM ctl.projection_offsets")
        writer = ProjectionWriter(connector(database_url), projections=[msgspec.structs.replace(LEADS, rev=rev)])
        await writer.write({(TOPIC, 0): [record]})
        await writer.close()
    assert await rows(connection, "SELECT DISTINCT proj_rev FROM proj_v1.messages") == [(2,)]


async def test_positions_move_with_the_rows(writer: ProjectionWriter, events: EventLog) -> None:
    log = [events.record(TOPIC, 1, events.message("a", n)) for n in range(3)]
    assert await writer.positions(TOPIC) == {}
    written = await writer.write({(TOPIC, 1): log[:2]})
    assert (written.records, written.repeated) == (2, 0)
    written = await writer.write({(TOPIC, 1): log})
    assert (written.records, written.repeated) == (1, 2)
    assert await writer.positions(TOPIC) == {1: 3}
    assert (await writer.write({(TOPIC, 1): log})).records == 0


async def test_a_hole_is_refused_and_named(writer: ProjectionWriter, connection: Connection, events: EventLog) -> None:
    log = [events.record(TOPIC, 0, events.message("a", n)) for n in range(6)]
    await writer.write({(TOPIC, 0): log[:2]})
    with pytest.raises(PositionConflict) as skipped:
        await writer.write({(TOPIC, 0): log[4:]})
    assert skipped.value.positions == {(TOPIC, 0): 2}
    with pytest.raises(PositionConflict) as scattered:
        await writer.write({(TOPIC, 0): [log[2], log[4]]})
    conflict = scattered.value.conflicts[0]
    assert (conflict.stored, conflict.expected, conflict.offered) == (2, 3, 4)
    assert await rows(connection, "SELECT count(*) FROM proj_v1.messages") == [(2,)]
    await writer.write({(TOPIC, 0): log[2:]})
    assert await rows(connection, "SELECT count(*) FROM proj_v1.messages") == [(6,)]


async def test_a_writer_that_lost_its_partition_writes_nothing(
    writer: ProjectionWriter, database_url: str, connection: Connection, events: EventLog
) -> None:
    log = [events.record(TOPIC, 0, events.message("a", n)) for n in range(3)]
    await writer.write({(TOPIC, 0): log[:1]})
    successor = ProjectionWriter(connector(database_url))
    await successor.write({(TOPIC, 0): log[:2]})
    await successor.close()
    with pytest.raises(PositionConflict) as conflict:
        await writer.write({(TOPIC, 0): log[1:]})
    assert conflict.value.positions == {(TOPIC, 0): 2}
    assert await rows(connection, "SELECT count(*) FROM proj_v1.messages") == [(2,)]
    await writer.write({(TOPIC, 0): log[1:]})
    assert await rows(connection, "SELECT count(*) FROM proj_v1.messages") == [(3,)]


async def test_of_two_writers_at_once_one_wins(database_url: str, connection: Connection, events: EventLog) -> None:
    log = [events.record(TOPIC, 0, events.message("a", n)) for n in range(20)]
    writers = [ProjectionWriter(connector(database_url)) for _ in range(4)]
    outcomes = await asyncio.gather(*(w.write({(TOPIC, 0): log}) for w in writers), return_exceptions=True)
    for writer in writers:
        await writer.close()
    # A writer that comes so late that it reads the winner's position finds nothing left to do.
    wrote = [outcome for outcome in outcomes if isinstance(outcome, Written) and outcome.records]
    lost = [outcome for outcome in outcomes if isinstance(outcome, PositionConflict)]
    late = [outcome for outcome in outcomes if isinstance(outcome, Written) and outcome.repeated == len(log)]
    assert (len(wrote), len(lost) + len(late)) == (1, 3)
    assert await rows(connection, "SELECT next_offset FROM ctl.projection_offsets") == [(20,)]


async def test_a_bad_record_becomes_a_dead_letter_with_its_position(
    writer: ProjectionWriter, connection: Connection, events: EventLog
) -> None:
    good = [events.record(TOPIC, 0, events.message("a", n)) for n in range(2)]
    envelope = Envelope(id="1", type="message.received.v1", source="/test", time=datetime.now(UTC))
    bad = [
        events.raw(TOPIC, 0, b'{"secret": "no message"}', envelope.headers()),
        events.raw(TOPIC, 0, b"{}", [("ce_type", b"nobody\x00knows")]),
        events.raw(TOPIC, 0, None, envelope.headers()),
        events.record(TOPIC, 0, events.receipt(1, "webhooks.ghl", 0, 0)),
    ]
    written = await writer.write({(TOPIC, 0): [*good, *bad]})
    assert written.dead_letters == 4
    found = await rows(
        connection, 'SELECT "offset", error_class, reason, value, state FROM ctl.dead_letters ORDER BY "offset"'
    )
    assert [(row[0], row[1], row[4]) for row in found] == [
        (2, "UndecodableEvent", "open"),
        (3, "EnvelopeError", "open"),
        (4, "BadRecord", "open"),
        (5, "BadRecord", "open"),
    ]
    assert not any("secret" in row[2] for row in found)
    assert bytes(found[0][3]) == b'{"secret": "no message"}'
    assert await writer.positions(TOPIC) == {0: 6}


@pytest.mark.parametrize(
    "fields",
    [
        {"message_id": "not a uuid"},
        {"attachment_count": 2**70},
        {"sent_at": "0001-01-01T00:00:00+14:00"},
        {"sent_at": "2026-01-01T00:00:00"},
    ],
)
async def test_a_row_that_postgres_refuses_is_found_among_good_ones(
    writer: ProjectionWriter, connection: Connection, events: EventLog, fields: dict[str, Any]
) -> None:
    if isinstance(fields.get("sent_at"), str):
        fields = {"sent_at": datetime.fromisoformat(fields["sent_at"])}
    log = [events.record(TOPIC, 0, events.message("a", n)) for n in range(5)]
    log.append(events.record(TOPIC, 0, events.message("b", 5, **fields)))
    log += [events.record(TOPIC, 0, events.message("a", n)) for n in range(6, 11)]
    written = await writer.write({(TOPIC, 0): log})
    assert written.dead_letters == 1
    assert await rows(connection, 'SELECT "offset" FROM ctl.dead_letters') == [(5,)]
    assert await rows(connection, "SELECT count(*) FROM proj_v1.messages") == [(10,)]
    assert await writer.positions(TOPIC) == {0: 11}


async def test_a_nul_in_any_text_is_left_out_of_the_row(
    writer: ProjectionWriter, connection: Connection, events: EventLog
) -> None:
    """Postgres refuses it in every text and in jsonb, and the record would be a dead letter for ever."""
    log = [
        events.record(
            TOPIC,
            0,
            events.message(
                "a",
                0,
                text="a\x00b",
                body="\x00",
                subject="NUL\x00",
                provider_event="\x00x",
                account="\x00",
                reply_context={"a\x00": "b\x00c", "d": "\\u0000"},
                to_addresses=(Address(address="a\x00@x.io", name="\x00"),),
            ),
        ),
        events.record(TOPIC, 0, events.lead("a", 1, ("a@x.io", "b\x00@x.io", "c@x.io"))),
    ]
    assert (await writer.write({(TOPIC, 0): log})).dead_letters == 0
    found = await rows(connection, "SELECT text, body, subject, attrs -> 'reply_context' FROM proj_v1.messages")
    assert found == [("ab", "", "NUL", {"a": "bc", "d": "\\u0000"})]
    assert await rows(connection, "SELECT alternate_emails FROM proj_v1.leads") == [(["b@x.io", "c@x.io"],)]


async def test_a_value_too_large_for_its_index_is_a_bad_record_not_an_outage(
    writer: ProjectionWriter, connection: Connection, events: EventLog
) -> None:
    incompressible = "".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(250))
    log = [
        events.record(TOPIC, 0, events.lead("a", 1, ("a@x.io",))),
        # Our own programs can't write it: it is beyond its cap.
        events.wire(TOPIC, 0, "lead.changed.v1", msgspec.json.encode(events.lead("b", 2, (incompressible,)))),
    ]
    assert (await writer.write_when_possible({(TOPIC, 0): log})).dead_letters == 1
    assert await rows(connection, "SELECT count(*) FROM proj_v1.leads") == [(1,)]


async def test_a_batch_that_is_mostly_bad_stops_the_projection(
    writer: ProjectionWriter, connection: Connection, events: EventLog
) -> None:
    log = [events.record(TOPIC, 0, events.message("a", n)) for n in range(39)]
    log += [events.raw(TOPIC, 0, b"{}", []) for _ in range(11)]
    with pytest.raises(TooManyBadRecords, match="11 of 50 records of messages"):
        await writer.write({(TOPIC, 0): log})
    for table in ("proj_v1.messages", "ctl.dead_letters", "ctl.projection_offsets"):
        assert await rows(connection, f"TABLE {table}") == []


async def test_bad_records_in_a_row_stop_the_projection_across_batches(
    writer: ProjectionWriter, connection: Connection, events: EventLog
) -> None:
    log = [events.raw(TOPIC, 0, b"{}", []) for _ in range(50)]
    for start in range(0, 40, 20):
        await writer.write({(TOPIC, 0): log[start : start + 20]})
    with pytest.raises(TooManyBadRecords):
        await writer.write({(TOPIC, 0): log[40:]})
    assert await writer.positions(TOPIC) == {0: 40}
    assert await rows(connection, "SELECT count(*) FROM ctl.dead_letters") == [(40,)]


async def test_waits_while_postgres_is_away_and_goes_on(
    writer: ProjectionWriter, database_url: str, postgres_url: str, connection: Connection, events: EventLog
) -> None:
    log = [events.record(TOPIC, 0, events.message("a", n)) for n in range(4)]
    await writer.write({(TOPIC, 0): log[:2]})
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with capture_logs() as logs:
        async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as admin:
            await _allow_connections(admin, str(name), False)
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = %s AND application_name = 'headrace-projections'",
                [name],
            )
            writing = asyncio.create_task(writer.write_when_possible({(TOPIC, 0): log}))
            while not logs:  # noqa: ASYNC110 - the log line is the only sign there is
                await asyncio.sleep(0.05)
            assert not writing.done()
            await _allow_connections(admin, str(name), True)
            written = await writing
    assert (written.records, written.repeated) == (2, 2)
    *away, back = [line["event"] for line in logs]
    assert (set(away), back) == ({"projection.postgres_away"}, "projection.postgres_back")
    assert await rows(connection, "SELECT count(*) FROM proj_v1.messages") == [(4,)]


async def _allow_connections(admin: Connection, database: str, allowed: bool) -> None:
    statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    await admin.execute(statement.format(sql.Identifier(database), sql.Literal(allowed)))


async def test_an_error_that_waiting_cannot_heal_is_raised(database_url: str, events: EventLog) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("ALTER TABLE proj_v1.messages DROP CONSTRAINT pk_messages CASCADE")
    writer = ProjectionWriter(connector(database_url))
    with pytest.raises(psycopg.errors.InvalidColumnReference):
        await writer.write_when_possible({(TOPIC, 0): [events.record(TOPIC, 0, events.message("a", 1))]})
    await writer.close()


#: What stands in the way, what takes it away again, and what is said about it.
OBSTACLES = [
    (
        "ALTER TABLE proj_v1.leads RENAME TO away",
        "ALTER TABLE proj_v1.away RENAME TO leads",
        "headrace db migrate",
    ),
    ("ALTER SCHEMA ctl RENAME TO away", "ALTER SCHEMA away RENAME TO ctl", "headrace db migrate"),
    ("ALTER DATABASE {} SET default_transaction_read_only = on", "ALTER DATABASE {} RESET ALL", "read-only standby"),
]


@pytest.mark.parametrize(("obstacle", "remedy", "said"), OBSTACLES)
async def test_what_a_person_can_mend_in_the_database_is_waited_for_and_told(
    database_url: str, connection: Connection, events: EventLog, obstacle: str, remedy: str, said: str
) -> None:
    name = str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])
    await connection.execute("SET default_transaction_read_only = off")
    await connection.execute(obstacle.format(name).encode())
    writer = ProjectionWriter(connector(database_url))
    batch = {(TOPIC, 0): [events.record(TOPIC, 0, events.lead("a", 1, ("a@x.io",)))]}
    with capture_logs() as logs:
        writing = asyncio.create_task(writer.write_when_possible(batch))
        while not any(said in line["hint"] for line in logs):
            assert not writing.done()
            await asyncio.sleep(0.05)
        await connection.execute(remedy.format(name).encode())
        assert (await writing).records == 1
    await writer.close()


async def test_a_batch_that_takes_too_long_is_halved_down_to_the_record_that_waits(
    writer: ProjectionWriter, connection: Connection, events: EventLog
) -> None:
    log = [events.record(TOPIC, 0, events.message("a", n)) for n in range(8)]
    await connection.execute(
        "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF (SELECT count(*) FROM added) > 2 OR EXISTS (SELECT FROM added WHERE text = 'text 6') THEN "
        "RAISE query_canceled; END IF; RETURN NULL; END $$"
    )
    await connection.execute(
        "CREATE TRIGGER slow AFTER INSERT ON proj_v1.messages REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION public.slow()"
    )
    with capture_logs() as logs:
        writing = asyncio.create_task(writer.write_when_possible({(TOPIC, 0): log}))
        while not any(line["event"] == "projection.postgres_away" for line in logs):  # noqa: ASYNC110 - the only sign
            await asyncio.sleep(0.05)
        assert await rows(connection, "SELECT next_offset FROM ctl.projection_offsets") == [(6,)]
        assert "one record alone" in next(line["hint"] for line in logs if "hint" in line)
        await connection.execute("DROP TRIGGER slow ON proj_v1.messages")
        assert (await writing).records == 8
    assert await rows(connection, "SELECT count(*) FROM proj_v1.messages") == [(8,)]
    assert await rows(connection, "SELECT count(*) FROM ctl.dead_letters") == [(0,)]


async def test_a_partition_nobody_knows_begins_at_its_oldest_record_and_nowhere_else(
    writer: ProjectionWriter, connection: Connection, events: EventLog
) -> None:
    log = [events.record(TOPIC, 0, events.message("a", n)) for n in range(8)]
    await writer.write({(TOPIC, 0): log[:4]})
    await empty(connection)
    with pytest.raises(PositionConflict) as conflict:
        await writer.write({(TOPIC, 0): log[4:]})
    assert not conflict.value.is_overtaken
    with pytest.raises(DatabaseReplaced):
        await writer.check_positions({(TOPIC, 0): 4})
    writer.begin_at(TOPIC, 0, 2)
    await writer.write({(TOPIC, 0): log[2:]})
    await writer.check_positions({(TOPIC, 0): 8})


async def test_another_database_without_the_version_that_was_written_is_noticed(
    database_url: str, connection: Connection, events: EventLog
) -> None:
    create_version(database_url, 2)
    await connection.execute("UPDATE ctl.projection_versions SET state = 'previous' WHERE version = 1")
    await connection.execute("UPDATE ctl.projection_versions SET state = 'live' WHERE version = 2")
    log = [events.record(TOPIC, 0, events.message("a", n)) for n in range(2)]
    writer = ProjectionWriter(connector(database_url))
    try:
        await writer.write({(TOPIC, 0): log[:1]})
        await writer.close()  # as when a connection is lost
        await connection.execute("DELETE FROM ctl.projection_versions")
        with pytest.raises(DatabaseReplaced, match="leads version 2"):
            await writer.write({(TOPIC, 0): log[1:]})
    finally:
        await writer.close()


async def test_expired_offsets_are_passed_with_a_note(
    writer: ProjectionWriter, connection: Connection, events: EventLog
) -> None:
    log = [events.record(TOPIC, 0, events.message("a", n)) for n in range(8)]
    await writer.write({(TOPIC, 0): log[:2]})
    with pytest.raises(PositionConflict):
        await writer.pass_expired(TOPIC, 0, 3, 6)
    await writer.pass_expired(TOPIC, 0, 2, 6)
    await writer.write({(TOPIC, 0): log[6:]})
    assert await rows(connection, "SELECT from_offset, to_offset FROM ctl.expired_ranges") == [(2, 6)]
    assert await writer.positions(TOPIC) == {0: 8}


async def test_the_heartbeat_tells_the_lag(writer: ProjectionWriter, connection: Connection, events: EventLog) -> None:
    await writer.write({(TOPIC, 0): [events.record(TOPIC, 0, events.message("a", 1))]})
    await writer.beat({(TOPIC, 0): (0, 3), (TOPIC, 1): (5, 7)})
    found = await rows(
        connection, "SELECT projection, topic, partition_count, lag, is_stale FROM analytics.projection_freshness"
    )
    assert found == [("leads", "messages", 2, 4, False)]
