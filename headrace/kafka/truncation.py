"""Logs that end before what a consumer group has read of them, and the way on: set the group back to the cut.

A group's commit carries the append time of the newest record it has done. The broker stamps records as it appends
them, so the first record after that time is the first the group has not done, wherever it stands: at an offset below
the group's position it proves that the log was cut there and written anew, however far it has grown since.
"""

from collections.abc import Iterable, Sequence
from functools import partial

import msgspec
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from headrace.events.topics import ALL_TOPICS
from headrace.kafka.broker_queries import ask_brokers
from headrace.kafka.clients import KafkaUnreachable, confluent_config
from headrace.kafka.log_offsets import committed_partitions
from headrace.refusal import Refusal
from headrace.settings import Settings

#: The consumer groups of an installation whose positions decide, without its prefix. The projections go by Postgres'.
GROUPS = ("pipeline", "bulk", "jobs")
_TIMEOUT = 10.0
#: Kafka notices after ten seconds that a worker has gone.
_LEAVING_SECONDS = 15.0


class GroupIsActive(Refusal):
    """Positions of a group can only be set while nobody is in it."""

    def __init__(self, group: str) -> None:
        super().__init__(
            f"group {group} still has workers: stop every `headrace run {group.rpartition('.')[2]}`, and say it again"
        )


class Truncation(msgspec.Struct, frozen=True, kw_only=True):
    """A partition whose log was cut below a group's position."""

    group: str
    topic: str
    partition: int
    #: The group's next offset: what is before was done.
    position: int
    #: The first offset that does not hold any more what the group has done.
    cut: int
    #: The log's end.
    end: int


def commit_metadata(appended: int | None) -> str:
    """What goes with a committed offset: until when what is done was appended, milliseconds.

    With a NUL at its end: confluent-kafka reads on behind a metadata that has none.
    """
    return "" if appended is None else f"{appended}\0"


def appended_ms(metadata: str | None) -> int | None:
    """The inverse; None where the metadata says nothing."""
    digits = (metadata or "").rstrip("\0")
    return int(digits) if digits.isdigit() else None


def cut_offset(position: int, end: int, first_later: int | None) -> int | None:
    """Where a log was cut below a position, None where it was not. `first_later`: the first record not yet done."""
    cut = end if first_later is None else min(end, first_later)
    return cut if cut < position else None


def truncations(settings: Settings, groups: Sequence[str], topics: Iterable[str] | None = None) -> list[Truncation]:
    """Every cut below a position of these groups, in all declared topics or in the named ones.

    `groups` and `topics` are names on the broker. Raises KafkaUnreachable.
    """
    names = [settings.topic(topic) for topic in ALL_TOPICS] if topics is None else list(topics)
    return [cut for group in groups for cut in ask_brokers(settings, partial(_truncations, settings, group, names))]


def accept(settings: Settings, cuts: Iterable[Truncation]) -> None:
    """Set each group back to the cuts, once it is empty. Raises GroupIsActive, KafkaUnreachable."""
    by_group: dict[str, list[Truncation]] = {}
    for cut in cuts:
        by_group.setdefault(cut.group, []).append(cut)
    leaving = Retrying(
        retry=retry_if_exception_type(GroupIsActive),
        wait=wait_fixed(1.0),
        stop=stop_after_delay(_LEAVING_SECONDS),
        reraise=True,
    )
    for group, of_group in by_group.items():
        leaving(_set_back, settings, group, of_group)


def _truncations(settings: Settings, group: str, topics: list[str]) -> list[Truncation]:
    admin = _admin(settings)
    there = admin.list_topics(timeout=_TIMEOUT).topics
    places = [TopicPartition(name, number) for name in topics if name in there for number in there[name].partitions]
    committed = [place for place in committed_partitions(settings, group, places) if place.offset >= 0]
    ends = _offsets(admin, committed, {})
    known = {(place.topic, place.partition): appended_ms(place.metadata) for place in committed}
    times = {place: ms for place, ms in known.items() if ms is not None}
    later = _offsets(admin, [place for place in committed if (place.topic, place.partition) in times], times)
    cuts = []
    for place in committed:
        where = (place.topic, place.partition)
        first_later = later.get(where, -1)
        cut = cut_offset(place.offset, ends[where], None if first_later < 0 else first_later)
        if cut is not None:
            cuts.append(
                Truncation(
                    group=group,
                    topic=place.topic,
                    partition=place.partition,
                    position=place.offset,
                    cut=cut,
                    end=ends[where],
                )
            )
    return cuts


def _offsets(
    admin: AdminClient, places: list[TopicPartition], times: dict[tuple[str, int], int]
) -> dict[tuple[str, int], int]:
    """Ends, or the first offset after each time."""
    if not places:
        return {}
    specs = {
        TopicPartition(place.topic, place.partition): OffsetSpec.for_timestamp(times[place.topic, place.partition] + 1)
        if times
        else OffsetSpec.latest()
        for place in places
    }
    futures = admin.list_offsets(specs, request_timeout=_TIMEOUT)
    return {(place.topic, place.partition): future.result().offset for place, future in futures.items()}


def _set_back(settings: Settings, group: str, cuts: list[Truncation]) -> None:
    positions = [TopicPartition(cut.topic, cut.partition, cut.cut) for cut in cuts]
    request = [ConsumerGroupTopicPartitions(group, positions)]
    # Kept until the answer is here: a client that nobody holds is gone, and its answer never comes.
    admin = _admin(settings)
    try:
        future = admin.alter_consumer_group_offsets(request, request_timeout=_TIMEOUT)[group]
        refused = [place.error for place in future.result().topic_partitions if place.error is not None]
    except KafkaException as error:
        refused = [error.args[0]]
    if not refused:
        return
    if refused[0].code() in (KafkaError.UNKNOWN_MEMBER_ID, KafkaError.NON_EMPTY_GROUP):
        raise GroupIsActive(group)
    raise KafkaUnreachable(settings, refused[0].str())


def _admin(settings: Settings) -> AdminClient:
    return AdminClient({**confluent_config(settings), "log_level": 0})
