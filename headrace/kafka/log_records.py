"""Reads ranges of the log without a consumer group, so that nobody's position moves."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from headrace.events.records import Record
from headrace.kafka.clients import KafkaUnreachable, confluent_config
from headrace.kafka.log_offsets import LogRange, Place
from headrace.settings import Settings

#: Records fetched in one call.
_CHUNK = 2000
#: Records of a chunk for Postgres.
_QUESTION = 5000
#: How long the broker may hold a fetch at a partition's end, milliseconds: the next range waits for the answer.
_FETCH_WAIT_MS = 10
#: Offsets between two wanted ones that are read sooner than a new place is sought.
_NEAR = 200
#: Seconds to wait for a full chunk.
_LINGER = 0.2
#: Seconds without any record before the broker counts as gone.
_SILENCE = 15.0
_T = TypeVar("_T")


def read_ranges(settings: Settings, ranges: Mapping[Place, LogRange]) -> Iterator[Record]:
    """All records of the ranges, each partition in order. Raises KafkaUnreachable."""
    return chain.from_iterable(_read(settings, [ranges]))


def read_offsets(settings: Settings, place: Place, offsets: Iterable[int]) -> Iterator[Record]:
    """The records at these offsets of a partition, in order. Raises KafkaUnreachable."""
    yield from read_positions(settings, {place: offsets})


def read_positions(settings: Settings, wanted: Mapping[Place, Iterable[int]]) -> Iterator[Record]:
    """The records at these offsets of several partitions, and no others. Raises KafkaUnreachable."""
    chosen = {place: frozenset(offsets) for place, offsets in wanted.items()}
    runs = {place: runs_of(offsets) for place, offsets in chosen.items()}
    longest = max(map(len, runs.values()), default=0)
    rounds = ({place: own[number] for place, own in runs.items() if number < len(own)} for number in range(longest))
    for record in chain.from_iterable(_read(settings, rounds)):
        if record.offset in chosen[record.topic, record.partition]:
            yield record


def in_pieces(things: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """The things in lists of at most so many."""
    remaining = iter(things)
    while piece := list(islice(remaining, size)):
        yield piece


def in_chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    """The records in lists of a size that one question to Postgres can be about."""
    yield from in_pieces(records, _QUESTION)


def groupless(settings: Settings) -> dict[str, Any]:
    """librdkafka's configuration of a consumer that belongs to no group: it is assigned, and commits nothing."""
    return {
        **confluent_config(settings),
        "group.id": "headrace-without-group",
        "enable.auto.commit": False,
        # The default of a second halves the speed of catching up.
        "fetch.queue.backoff.ms": 5,
        # What waits to be taken, MiB times 1024: the default of 64 MiB for each consumer is no faster.
        "queued.max.messages.kbytes": 16 * 1024,
        "log_level": 0,
    }


def read_chunks(settings: Settings, ranges: Mapping[Place, LogRange], size: int) -> Iterator[list[Record]]:
    """All records of the ranges in lists of about `size`, each partition in order. Raises KafkaUnreachable."""
    chunk: list[Record] = []
    for records in _read(settings, [ranges], min(size, _CHUNK)):
        chunk += records
        if len(chunk) >= size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def runs_of(offsets: Iterable[int]) -> list[LogRange]:
    """Ranges that hold all these offsets: those near each other are in one, with what is between them."""
    runs: list[LogRange] = []
    for offset in sorted(offsets):
        if runs and offset < runs[-1].end + _NEAR:
            runs[-1] = LogRange(runs[-1].start, offset + 1)
        else:
            runs.append(LogRange(offset, offset + 1))
    return runs


def _read(
    settings: Settings, rounds: Iterable[Mapping[Place, LogRange]], at_once: int = _CHUNK
) -> Iterator[list[Record]]:
    consumer = Consumer(
        {
            **groupless(settings),
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": _FETCH_WAIT_MS,
        }
    )
    try:
        for ranges in rounds:
            yield from _read_round(settings, consumer, ranges, at_once)
    except KafkaException as error:
        raise KafkaUnreachable(settings, str(error.args[0].str())) from error
    finally:
        consumer.close()


def _read_round(
    settings: Settings, consumer: Consumer, ranges: Mapping[Place, LogRange], at_once: int
) -> Iterator[list[Record]]:
    open_ranges = {place: log_range for place, log_range in ranges.items() if log_range.end > log_range.start}
    if not open_ranges:
        return
    consumer.assign([TopicPartition(*place, log_range.start) for place, log_range in open_ranges.items()])
    left = sum(log_range.end - log_range.start for log_range in open_ranges.values())
    while open_ranges:
        # Never more than is wanted: a call comes back as soon as it has what it asked for.
        messages = consumer.consume(max(1, min(at_once, left)), timeout=_LINGER)
        if not messages:
            messages = consumer.consume(1, timeout=_SILENCE)
        if not messages:
            raise KafkaUnreachable(settings, f"nothing came for {_SILENCE:.0f} s")
        records = _within(settings, messages, open_ranges)
        left -= len(records)
        yield records


def _within(settings: Settings, messages: list[Message], open_ranges: dict[Place, LogRange]) -> list[Record]:
    fetched = []
    for message in messages:
        error = message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise KafkaUnreachable(settings, error.str())
            # Compaction removed what the range ended with.
            open_ranges.pop((message.topic(), message.partition()), None)
            continue
        record = to_record(message)
        place = (record.topic, record.partition)
        log_range = open_ranges.get(place)
        if log_range is not None:
            if record.offset < log_range.end:
                fetched.append(record)
            if record.offset + 1 >= log_range.end:
                del open_ranges[place]
    return fetched


def to_record(message: Message) -> Record:
    """A fetched message as ours."""
    headers = message.headers() or []
    if None in [value for _, value in headers]:
        headers = [(name, value or b"") for name, value in headers]
    return Record(
        message.topic(),
        message.partition(),
        message.offset(),
        message.key() or b"",
        message.value(),
        headers,
        message.timestamp()[1],
    )
