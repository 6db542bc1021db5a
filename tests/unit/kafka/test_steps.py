"""No step outlives its generation, and a hole of any size is processed a piece at a time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import pytest

from headrace.events.records import Record
from headrace.kafka.faust import following
from headrace.kafka.faust.following import BATCH_RECORDS, Batch, Follower
from headrace.kafka.faust.log_reader import Piece
from headrace.kafka.faust.offset_guard import Hole
from headrace.kafka.offsets import Partition
from headrace.settings import Settings
from tests.unit.kafka.quiet_app import quiet_app


class Stepping(Follower):
    """Remembers the sizes of its batches. Its partitions begin at offset 0."""

    def __init__(self, app: Any) -> None:
        super().__init__(app, Settings(), "own", frozenset({"messages"}), self.read)
        self.batches: list[list[int]] = []
        self.began, self.may_end = asyncio.Event(), asyncio.Event()
        self.may_end.set()

    async def read(self, batch: Batch) -> None:
        self.began.set()
        await self.may_end.wait()
        self.batches += [[record.offset for record in records] for records in batch.values()]

    async def _starts(self, partition: Partition) -> dict[Partition, tuple[int, int | None]]:
        return {partition: (0, None)}


class Acks:
    def __init__(self) -> None:
        self.acked: list[int] = []

    async def ack(self, event: Any) -> None:
        self.acked.append(event.message.offset)


def records(first: int, end: int) -> list[Record]:
    return [Record("messages", 0, offset, b"k", b"v", [], 0) for offset in range(first, end)]


def event(app: Any, first: int, end: int) -> Any:
    message = type("Message", (), {})()
    message.topic, message.partition, message.offset = "messages", 0, end - 1
    message.generation_id = app.consumer_generation_id
    return type("Event", (), {"value": records(first, end), "message": message})()


async def in_pieces(_settings: Settings, hole: Hole, size: int) -> AsyncGenerator[Piece, None]:
    for start in range(hole.start, hole.end, size):
        end = min(start + size, hole.end)
        yield Piece(start, end, records(start, end))


async def test_a_hole_is_processed_in_pieces_before_what_stands_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "pieces", in_pieces)
    app, stream = quiet_app(), Acks()
    follower = Stepping(app)
    end = 3 * BATCH_RECORDS
    await follower._step(stream, [event(app, 0, 2), event(app, end, end + 2)])
    assert [batch[0] for batch in follower.batches] == [0, 2, BATCH_RECORDS + 2, 2 * BATCH_RECORDS + 2, end]
    assert max(map(len, follower.batches)) == BATCH_RECORDS
    assert [offset for batch in follower.batches for offset in batch] == list(range(end + 2))
    assert stream.acked == [1, end + 1]


async def test_a_rebalance_ends_the_filling_and_nothing_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    app, stream = quiet_app(), Acks()

    async def interrupted(settings: Settings, hole: Hole, size: int) -> AsyncGenerator[Piece, None]:
        async for piece in in_pieces(settings, hole, size):
            yield piece
            app.rebalancing = True

    monkeypatch.setattr(following, "pieces", interrupted)
    follower = Stepping(app)
    await follower._step(stream, [event(app, 2 * BATCH_RECORDS, 2 * BATCH_RECORDS + 1)])
    assert follower.batches == [list(range(BATCH_RECORDS))]
    assert stream.acked == []


async def test_partitions_are_handed_on_when_the_step_under_way_has_ended() -> None:
    app, stream = quiet_app(), Acks()
    follower = Stepping(app)
    follower.may_end.clear()
    await follower._queue.put(event(app, 0, 1))
    stepping = asyncio.create_task(follower._step_for_ever(stream))
    await follower.began.wait()
    app.rebalancing = True
    handing_on = asyncio.create_task(follower._end_step(app, set()))
    await asyncio.sleep(0.05)
    assert not handing_on.done()
    follower.may_end.set()
    await handing_on
    # None begins while the group rebalances, and what was fetched before it is fetched again.
    await follower._queue.put(event(app, 1, 2))
    await asyncio.sleep(0.05)
    app.consumer_generation_id = 2
    app.rebalancing = False
    app.tables = type("Tables", (), {"actives_ready": False})()
    await asyncio.sleep(0.05)
    assert follower.batches == [[0]]
    assert stream.acked == [0]
    stepping.cancel()
    with suppress(asyncio.CancelledError):
        await stepping
