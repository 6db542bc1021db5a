"""Finds holes: offsets of a partition must follow each other, or records were skipped on the way."""

from collections.abc import Mapping, Sequence

import msgspec

from headrace.events.records import Record
from headrace.kafka.offsets import Partition


class Hole(msgspec.Struct, frozen=True):
    """Offsets `start` up to, not including, `end` never arrived."""

    topic: str
    partition: int
    start: int
    end: int


class Checked(msgspec.Struct, frozen=True):
    """The records not done before, in order, and the holes between and before them."""

    records: list[Record]
    holes: list[Hole]


class OffsetGuard:
    """Remembers the next expected offset of each partition, from the group's committed offset on.

    Headrace's topics are neither compacted nor transactional, so every offset exists.
    """

    def __init__(self) -> None:
        self._expected: dict[Partition, int] = {}
        #: The latest append time of a record that is done, milliseconds.
        self._appended_ms: dict[Partition, int] = {}

    def knows(self, partition: Partition) -> bool:
        """False until `start` was called for the partition."""
        return partition in self._expected

    def start(self, partition: Partition, offset: int, appended_ms: int | None = None) -> None:
        """The partition is ours from this offset on; what is done was appended until `appended_ms`, None if unknown."""
        self._expected[partition] = offset
        if appended_ms is not None:
            self._appended_ms[partition] = appended_ms

    def reused(self, partition: Partition, records: list[Record]) -> Record | None:
        """A record at an offset that is done, but appended later than all that is done: the log was cut below it.

        The broker stamps records as it appends them, so a record that only comes again is never later.
        """
        expected, done_ms = self._expected[partition], self._appended_ms.get(partition)
        if done_ms is None or not records or records[0].offset >= expected:
            return None
        return next((r for r in records if r.offset < expected and r.timestamp_ms > done_ms), None)

    def check(self, partition: Partition, records: list[Record]) -> Checked:
        """Compares a batch with what is expected. KeyError before `start`. Changes nothing: see `advance`."""
        expected = self._expected[partition]
        new: list[Record] = []
        holes: list[Hole] = []
        for record in records:
            if record.offset < expected:
                continue
            if record.offset > expected:
                holes.append(Hole(partition[0], partition[1], expected, record.offset))
            new.append(record)
            expected = record.offset + 1
        return Checked(new, holes)

    def advance(self, partition: Partition, next_offset: int, records: Sequence[Record] = ()) -> None:
        """Everything before this offset is done; the newest of it are these records."""
        self._expected[partition] = next_offset
        for record in records:
            if record.timestamp_ms > self._appended_ms.get(partition, -1):
                self._appended_ms[partition] = record.timestamp_ms

    def appended_ms(self, partition: Partition) -> int | None:
        """The latest append time of what is done; None when nothing is known."""
        return self._appended_ms.get(partition)

    def positions(self) -> dict[Partition, int]:
        """The next offset of every partition that is ours and has been read from."""
        return dict(self._expected)

    def reset(self) -> None:
        """Forget all partitions: the group rebalanced."""
        self._expected.clear()
        self._appended_ms.clear()


class TailWatch:
    """Finds the holes that no later record shows: what was lost at the end of a partition that is quiet since."""

    def __init__(self) -> None:
        self._seen: dict[Partition, tuple[int, int]] = {}

    def holes(self, positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> list[Hole]:
        """Where a partition stands as it stood at the last look, before an end that was there already then.

        Positions are the next offsets to process, ends those of the broker. The caller leaves time between looks, and
        looks only when nothing that was fetched waits: what is on its way is not lost.
        """
        holes = []
        for partition, position in positions.items():
            stood, end = self._seen.get(partition, (position, position))
            if stood == position < end:
                holes.append(Hole(*partition, position, end))
        self._seen = {partition: (position, ends[partition]) for partition, position in positions.items()}
        return holes
