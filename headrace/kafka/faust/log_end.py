"""Notices that a log ends before what was read of it: an unclean election, or a broker that lost its last writes.

What comes next is written at offsets that are done already, and would be taken for old. Nobody can bring back what
was cut off, so a worker stops and says what a person has to do before it goes on: see `headrace.kafka.truncation`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from aiokafka import TopicPartition

from headrace.exit_status import NEEDS_A_PERSON
from headrace.kafka.faust.stops import Stop
from headrace.kafka.offsets import Partition
from headrace.kafka.truncation import appended_ms, cut_offset

#: What sets back positions that Kafka keeps, and those that Postgres keeps with the rows.
SET_BACK, SET_ROWS_BACK = "headrace topics truncated", "headrace proj truncated"


class Truncated(Stop):
    """A log ends, or begins anew, below a position."""

    status = NEEDS_A_PERSON

    def __init__(self, partition: Partition, position: int, cut: int, group: str, command: str = SET_BACK) -> None:
        topic, number = partition
        super().__init__(
            f"group {group} has read {topic}[{number}] up to offset {position}, but the log was cut at {cut}: the "
            "broker lost its newest records, and new ones stand at their offsets. Nothing is processed until "
            f"`{command}` has named what is gone and `{command} --execute` has set the positions back"
        )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker says about one partition."""

    topic: str
    partition: int
    oldest: int
    end: int
    #: The group's next offset; None when it never committed one.
    committed: int | None
    #: Until when what the group has done was appended, by its last commit; None when that does not say.
    appended_ms: int | None
    #: The first record appended after that; None when there is none.
    first_later: int | None

    def cut_below(self, position: int) -> int | None:
        """Where the log was cut, when that is below the position."""
        return cut_offset(position, self.end, self.first_later if position == self.committed else None)


async def ask_broker(consumer: Any, places: list[TopicPartition]) -> list[Answer]:
    """Offsets of these partitions, asked for through Faust's consumer."""
    thread = consumer._thread
    client = thread._ensure_consumer()

    async def ask() -> list[Answer]:
        commits = await client._coordinator.fetch_committed_offsets(places)
        times = {place: appended_ms(commit.metadata) for place, commit in commits.items()}
        appended = {place: ms for place, ms in times.items() if ms is not None}
        later = await client.offsets_for_times({place: ms + 1 for place, ms in appended.items()}) if appended else {}
        oldest, ends = await client.beginning_offsets(places), await client.end_offsets(places)
        return [
            Answer(
                topic=place.topic,
                partition=place.partition,
                oldest=oldest[place],
                end=ends[place],
                committed=commits[place].offset if place in commits and commits[place].offset >= 0 else None,
                appended_ms=appended.get(place),
                first_later=later[place].offset if later.get(place) is not None else None,
            )
            for place in places
        ]

    answers: list[Answer] = await thread.ask(ask)
    return answers


class LogEnds:
    """Compares positions with ends. A new leader may lag for a moment, so only the second look in a row counts."""

    def __init__(self) -> None:
        self._short: set[Partition] = set()

    def shorter(self, positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> Partition | None:
        """The first partition that ends before its position at this look and the one before it."""
        short = {partition for partition, end in ends.items() if positions[partition] > end}
        twice = short & self._short
        self._short = short
        return min(twice, default=None)
