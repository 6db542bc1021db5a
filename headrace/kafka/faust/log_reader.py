"""Reads a known range of offsets straight from Kafka, outside any consumer group: the way to fill a hole."""

from collections.abc import AsyncGenerator

import msgspec

from headrace.events.records import Record
from headrace.kafka.faust.offset_guard import Hole
from headrace.kafka.groupless_consumer import TopicPartition, groupless_consumer, to_record
from headrace.settings import Settings


class Piece(msgspec.Struct, frozen=True):
    """A part of a hole: its offsets from `start` up to, not including, `end`, and the records that are still there."""

    start: int
    end: int
    records: list[Record]


async def pieces(settings: Settings, hole: Hole, size: int) -> AsyncGenerator[Piece, None]:
    """The hole in order, at most `size` records at a time. Retention may have removed its beginning."""
    partition = TopicPartition(hole.topic, hole.partition)
    consumer = groupless_consumer(settings, size)
    await consumer.start()
    try:
        consumer.assign([partition])
        oldest = (await consumer.beginning_offsets([partition]))[partition]
        start, position = hole.start, max(hole.start, oldest)
        consumer.seek(partition, position)
        while position < hole.end:
            fetched = (await consumer.getmany(partition, timeout_ms=1000)).get(partition, [])
            if not fetched:
                continue
            position = min(fetched[-1].offset + 1, hole.end)
            yield Piece(start, position, [to_record(raw) for raw in fetched if raw.offset < hole.end])
            start = position
        if start < hole.end:
            yield Piece(start, hole.end, [])
    finally:
        await consumer.stop()
