"""A partition whose next event only a newer program can read waits for that program; everything else goes on."""

from types import SimpleNamespace
from typing import Any

import pytest

from headrace.events.codec import Codec, NewerEvent, is_newer
from headrace.events.envelope import Envelope, parse_time, read_envelope
from headrace.events.records import Record
from headrace.kafka.faust.following import Batch, Follower
from headrace.kafka.faust.watchdog import Watchdog
from headrace.kafka.offsets import Partition
from headrace.settings import Settings
from tests.unit.kafka.quiet_app import quiet_app

MERGED = b'{"receipt_id":"r","workspace":"w","lead_id":"a","into_lead_id":"b","merged_at":"2026-03-02T09:00:00Z"}'


class Reader(Follower):
    """Decodes everything before it notes anything, as agents do. Its log begins at offset 0."""

    def __init__(self, app: Any) -> None:
        super().__init__(app, Settings(), "reader", frozenset({"messages"}), self.read)
        self.seen: list[tuple[int, int]] = []

    async def read(self, batch: Batch) -> None:
        for records in batch.values():
            for record in records:
                Codec().decode(read_envelope(record.headers).type, record.value or b"")
        self.seen += [(record.partition, record.offset) for records in batch.values() for record in records]

    async def _starts(self, partition: Partition) -> dict[Partition, tuple[int, int | None]]:
        return {partition: (0, None)}


class Acks:
    """A stream that remembers what was acknowledged."""

    def __init__(self) -> None:
        self.acked: list[tuple[int, int]] = []

    async def ack(self, event: Any) -> None:
        self.acked.append((event.message.partition, event.message.offset))


def event(app: Any, partition: int, first: int, *versions: int) -> Any:
    """A fetched batch of one partition, one record for each version."""
    time = parse_time("2026-03-02T09:00:00Z")
    records = [
        Record(
            "messages",
            partition,
            first + number,
            b"k",
            MERGED,
            Envelope(id="1", type=f"lead.merged.v{version}", source="/t", time=time).headers(),
            0,
        )
        for number, version in enumerate(versions)
    ]
    message = SimpleNamespace(
        topic="messages",
        partition=partition,
        offset=first + len(records) - 1,
        generation_id=app.consumer_generation_id,
    )
    return SimpleNamespace(value=records, message=message)


async def test_what_is_before_the_newer_event_is_done_and_nothing_of_its_partition_after() -> None:
    app, stream = quiet_app(), Acks()
    reader = Reader(app)
    await reader._step(stream, [event(app, 0, 0, 1, 1, 2, 1), event(app, 1, 0, 1, 1)])
    await reader._step(stream, [event(app, 0, 4, 1), event(app, 1, 2, 1)])
    assert sorted(reader.seen) == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    assert stream.acked == [(1, 1), (1, 2)]
    assert reader.held == {("messages", 0)}
    assert await reader.position(("messages", 0)) == 2


async def test_after_a_rebalance_it_looks_again() -> None:
    app, stream = quiet_app(), Acks()
    reader = Reader(app)
    await reader._step(stream, [event(app, 0, 0, 2)])
    app.consumer_generation_id = 2
    await reader._step(stream, [event(app, 0, 0, 1, 1)])
    assert reader.seen == [(0, 0), (0, 1)]
    assert stream.acked == [(0, 1)]
    assert reader.held == set()


async def test_a_newer_event_that_is_none_of_the_records_stops_the_process() -> None:
    app = quiet_app()
    reader = Reader(app)

    async def fail(_batch: Batch) -> None:
        raise NewerEvent("not one of these records")

    reader._process = fail
    with pytest.raises(NewerEvent):
        await reader._step(Acks(), [event(app, 0, 0, 1)])


async def test_the_watchdog_does_not_call_a_held_partition_stuck() -> None:
    app = quiet_app()
    reader = Reader(app)
    await reader._step(Acks(), [event(app, 0, 0, 2)])
    watchdog = Watchdog(app, [reader], 60, lambda: 0)
    assert watchdog._movable({("messages", 0): 9, ("messages", 1): 9}) == {("messages", 1): 9}


@pytest.mark.parametrize(
    ("type_", "newer"),
    [
        ("lead.merged.v1", False),
        ("lead.merged.v2", True),
        ("lead.merged.v99", True),
        ("lead.merged.vx", False),
        ("lead.merged", False),
        ("", False),
        ("what.v9", False),
        ("webhook.received.v9", False),
    ],
)
def test_only_our_own_events_can_be_newer(type_: str, newer: bool) -> None:
    assert is_newer(type_) is newer
