"""Finds records of topics in a window of time, and follows topics as they grow. Nobody's position moves."""

import heapq
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import datetime

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from headrace.events.records import Record
from headrace.kafka.clients import KafkaUnreachable
from headrace.kafka.log_offsets import LogOffsets, LogRange, Place
from headrace.kafka.log_records import groupless, read_ranges, to_record
from headrace.settings import Settings
from operations.records.record_filter import RecordFilter
from operations.records.time_order import TimeOrder

#: Offsets of each partition looked at first for the newest records, and by how much more each time.
_FIRST_LOOK = 64
_WIDENED = 8
_TOLD_EVERY = 10_000
_POLL_SECONDS = 0.2
_POLL_RECORDS = 500


class Scanned(msgspec.Struct):
    """How far a scan is."""

    #: Records in the window.
    total: int = 0
    read: int = 0
    found: int = 0


def find(
    settings: Settings,
    topics: Iterable[str],
    wanted: RecordFilter,
    *,
    from_: datetime | None = None,
    to: datetime | None = None,
    limit: int | None = None,
    progress: Callable[[Scanned], None] = lambda _: None,
) -> Iterator[Record]:
    """The records that match, in the order of time; the earliest `limit` of them. `topics` are names on the broker.

    The window begins and ends at offsets out of the broker's time index, and all partitions are read at once.
    `progress` is told how far the scan is, now and then and at its end. Raises KafkaUnreachable or TopicsMissing.
    """
    counts = Scanned()
    ranges = wanted.ranges(LogOffsets(settings).window(topics, from_, to))
    counts.total = sum(log_range.end - log_range.start for log_range in ranges.values())
    order = TimeOrder((place for place, log_range in ranges.items() if log_range.end > log_range.start), limit)
    for record in read_ranges(settings, ranges):
        counts.read += 1
        if counts.read % _TOLD_EVERY == 0:
            progress(counts)
        order.passed(record, is_last=record.offset + 1 >= ranges[record.topic, record.partition].end)
        if wanted.matches(record):
            counts.found += 1
            order.hold(record)
        if order.is_holding:
            yield from order.due()
        if order.is_done:
            break
    yield from order.rest()
    progress(counts)


def newest(settings: Settings, ranges: Mapping[Place, LogRange], wanted: RecordFilter, count: int) -> list[Record]:
    """The newest records of the ranges that match, oldest first. Reads backwards in growing steps.

    Raises KafkaUnreachable.
    """
    records: list[Record] = []
    ends = {place: log_range.end for place, log_range in wanted.ranges(dict(ranges)).items()}
    look = max(_FIRST_LOOK, count)
    while count and len(records) < count and any(end > ranges[place].start for place, end in ends.items()):
        piece = {place: LogRange(max(ranges[place].start, end - look), end) for place, end in ends.items()}
        records += [record for record in read_ranges(settings, piece) if wanted.matches(record)]
        ends = {place: log_range.start for place, log_range in piece.items()}
        look *= _WIDENED
    return sorted(heapq.nlargest(count, records, key=_moment), key=_moment)


def follow(
    settings: Settings, positions: Mapping[Place, int], wanted: RecordFilter, trouble: Callable[[str], None]
) -> Generator[Record, None, None]:
    """The records that match from these offsets on, as they are written; ends only when the caller stops.

    `trouble` is told why nothing can be read for the moment, once each time, and "" when reading goes on.
    """
    outage = _Outage(trouble)
    # A record that retention removed while nobody could read: go on with the oldest that is left.
    consumer = Consumer({**groupless(settings), "auto.offset.reset": "earliest", "error_cb": outage.report})
    try:
        consumer.assign([TopicPartition(*place, offset) for place, offset in positions.items()])
        while True:
            for message in consumer.consume(_POLL_RECORDS, timeout=_POLL_SECONDS):
                error = message.error()
                if error is not None:
                    outage.report(error)
                    continue
                outage.over()
                record = to_record(message)
                if wanted.matches(record):
                    yield record
    except KafkaException as error:
        raise KafkaUnreachable(settings, error.args[0].str()) from error
    finally:
        consumer.close()


class _Outage:
    """Tells of trouble when it begins and when it ends, not at every try between."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._going_on = False

    def report(self, error: KafkaError) -> None:
        if not self._going_on:
            self._going_on = True
            self._tell(error.str())

    def over(self) -> None:
        if self._going_on:
            self._going_on = False
            self._tell("")


def _moment(record: Record) -> tuple[int, str, int, int]:
    return record.timestamp_ms, record.topic, record.partition, record.offset
