"""Where the log begins and ends, and how far a consumer group has come: offsets only, no record is read."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ListOffsetsResultInfo, OffsetSpec

from headrace.kafka.broker_queries import ask_brokers
from headrace.kafka.clients import confluent_config
from headrace.kafka.offsets import OffsetRange, Partition
from headrace.refusal import Refusal
from headrace.settings import Settings

Place = Partition
LogRange = OffsetRange

_TIMEOUT = 10.0
_T = TypeVar("_T")


class TopicsMissing(Refusal):
    """The broker lacks topics; the message says which and what to do."""


def spans_of(places: Iterable[tuple[str, int, int]]) -> dict[Place, LogRange]:
    """The stretch of each partition that holds these places: topic, partition, offset."""
    spans: dict[Place, LogRange] = {}
    for topic, partition, offset in places:
        known = spans.get((topic, partition), LogRange(offset, offset + 1))
        spans[topic, partition] = LogRange(min(known.start, offset), max(known.end, offset + 1))
    return spans


class LogOffsets:
    """Asks the brokers. Every method raises KafkaUnreachable when none answers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # librdkafka would print its own view of an outage to stderr; ours is the exception.
        self._admin = AdminClient({**confluent_config(settings), "log_level": 0})

    def ranges(self, topics: Iterable[str]) -> dict[Place, LogRange]:
        """The range of each partition. Raises TopicsMissing."""
        places = self._places(topics)
        starts = self._offsets(places, OffsetSpec.earliest())
        ends = self._offsets(places, OffsetSpec.latest())
        return {place: LogRange(starts[place], ends[place]) for place in places}

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """The end offset of each partition."""
        return self._offsets(list(places), OffsetSpec.latest())

    def at(self, moment: datetime, ranges: Mapping[Place, LogRange]) -> dict[Place, int]:
        """The first offset of each partition that is not older than the moment; its end where there is none.

        By the broker's append time, out of its index: no record is read. `moment` is aware.
        """
        offsets = self._offsets(list(ranges), OffsetSpec.for_timestamp(round(moment.timestamp() * 1000)))
        return {
            place: offset if 0 <= offset < ranges[place].end else ranges[place].end for place, offset in offsets.items()
        }

    def first_after(self, moments: Mapping[Place, int]) -> dict[Place, int | None]:
        """The first offset of each partition appended later than its moment, in milliseconds; None where there is none.

        By the broker's append time, out of its index: no record is read.
        """
        wanted = {TopicPartition(*place): OffsetSpec.for_timestamp(ms + 1) for place, ms in moments.items()}
        listed = self._asked(lambda: self._listed(wanted)) if wanted else {}
        return {place: one.offset if one.offset >= 0 else None for place, one in listed.items()}

    def newest_ms(self, places: Iterable[Place]) -> dict[Place, int]:
        """When the broker appended the newest record of each partition, in milliseconds; without empty partitions."""
        wanted = {TopicPartition(*place): OffsetSpec.max_timestamp() for place in places}
        listed = self._asked(lambda: self._listed(wanted)) if wanted else {}
        return {place: one.timestamp for place, one in listed.items() if one.timestamp >= 0}

    def window(
        self, topics: Iterable[str], from_: datetime | None = None, to: datetime | None = None
    ) -> dict[Place, LogRange]:
        """What was appended from `from_` on and before `to`, aware; None is the log's own end. Raises TopicsMissing."""
        ranges = self.ranges(topics)
        starts = {place: range_.start for place, range_ in ranges.items()} if from_ is None else self.at(from_, ranges)
        ends = {place: range_.end for place, range_ in ranges.items()} if to is None else self.at(to, ranges)
        return {place: LogRange(starts[place], max(starts[place], ends[place])) for place in ranges}

    def committed(self, group: str, places: Iterable[Place]) -> dict[Place, int]:
        """The group's next offset in each partition it has committed; the others are left out."""
        wanted = [TopicPartition(topic, partition) for topic, partition in places]
        committed = self._asked(lambda: committed_partitions(self._settings, group, wanted))
        return {(place.topic, place.partition): place.offset for place in committed if place.offset >= 0}

    def _places(self, topics: Iterable[str]) -> list[Place]:
        known: Mapping[str, Any] = self._asked(lambda: self._admin.list_topics(timeout=_TIMEOUT).topics)
        wanted = list(topics)
        missing = [topic for topic in wanted if topic not in known]
        if missing:
            raise TopicsMissing(
                f"Kafka at {self._settings.kafka_bootstrap} has no topic {', '.join(missing)}: run "
                "`headrace topics create`, or correct HEADRACE_TOPIC_PREFIX"
            )
        return [(topic, partition) for topic in wanted for partition in sorted(known[topic].partitions)]

    def _offsets(self, places: list[Place], spec: OffsetSpec) -> dict[Place, int]:
        wanted = {TopicPartition(topic, partition): spec for topic, partition in places}
        return {place: one.offset for place, one in self._asked(lambda: self._listed(wanted)).items()}

    def _listed(self, wanted: Mapping[TopicPartition, OffsetSpec]) -> dict[Place, ListOffsetsResultInfo]:
        futures = self._admin.list_offsets(dict(wanted), request_timeout=_TIMEOUT)
        return {(place.topic, place.partition): future.result() for place, future in futures.items()}

    def _asked(self, ask: Callable[[], _T]) -> _T:
        return ask_brokers(self._settings, ask)


def committed_partitions(settings: Settings, group: str, wanted: list[TopicPartition]) -> list[TopicPartition]:
    """What the group has committed of each partition, with its metadata. Raises KafkaException."""
    # By a consumer that joins nothing. AdminClient's own question crashes the process now and then (librdkafka
    # 2.16) while the broker makes the topic of all commits, which it does when it is first asked.
    consumer = Consumer({**confluent_config(settings), "group.id": group, "log_level": 0})
    try:
        committed: list[TopicPartition] = consumer.committed(wanted, timeout=_TIMEOUT)
    finally:
        consumer.close()
    for failed in (place.error for place in committed if place.error is not None):
        raise KafkaException(failed)
    return committed
