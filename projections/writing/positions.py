"""How far each projection is, in `ctl`: moved by compare-and-set in the transaction that writes the rows."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from psycopg import AsyncCursor

from headrace.kafka.offsets import Partition
from projections.named_sql import NamedSql

_SQL = NamedSql(__file__)


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A partition's position goes from `start` to `end`. `known` is False before its first batch."""

    topic: str
    partition: int
    start: int
    end: int
    known: bool
    #: Broker's append time of the newest record, milliseconds since the epoch.
    newest_ms: int


class Projected(msgspec.Struct, frozen=True):
    """How far a partition is projected."""

    next_offset: int
    #: Broker's append time of the newest record, milliseconds since the epoch.
    newest_ms: int


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """A batch does not continue where Postgres is."""

    topic: str
    partition: int
    #: The next offset Postgres waits for; None when it knows nothing of the partition.
    stored: int | None
    #: The offset that should have come.
    expected: int
    #: The offset that came.
    offered: int


class PositionConflict(Exception):
    """Nothing was written: read the missing range, or go on from `positions`."""

    def __init__(self, conflicts: Iterable[Conflict]) -> None:
        self.conflicts = tuple(conflicts)
        #: What Postgres has for each conflicting partition.
        self.positions: Mapping[Partition, int | None] = {(c.topic, c.partition): c.stored for c in self.conflicts}
        #: Another writer was faster with the same records: dropping them is all it takes.
        self.is_overtaken = all(c.stored is not None and c.stored > c.offered for c in self.conflicts)
        told = "; ".join(
            f"{c.topic}[{c.partition}]: Postgres is at {c.stored}, expected {c.expected}, got {c.offered}"
            for c in self.conflicts
        )
        super().__init__(f"the batch does not continue the projection ({told})")


class DatabaseReplaced(RuntimeError):
    """What was written before is not there any more. Whoever starts again finds out what is."""


def check_not_behind(
    stored: Mapping[Partition, int], begins: Mapping[Partition, int], written: Mapping[Partition, int]
) -> None:
    """Raises DatabaseReplaced when a stored position is before one that was committed. All are next offsets."""
    for place, position in written.items():
        if stored.get(place, begins.get(place, 0)) < position:
            raise DatabaseReplaced(
                f"Postgres is at {stored.get(place)} in {place[0]}[{place[1]}], and this program had written up to "
                f"{position}: the database was restored or made anew. Going on from the positions it has"
            )


class Positions:
    """The positions of some projections, each in one version."""

    def __init__(self, names: Mapping[str, str], versions: Mapping[str, int]) -> None:
        """`names`: topic on the broker → its projection. `versions`: projection → version."""
        self._names = names
        self._versions = {topic: versions[name] for topic, name in names.items()}

    async def read(self, cursor: AsyncCursor[Any]) -> dict[Partition, int]:
        """Next offset of each partition Postgres knows."""
        await cursor.execute(_SQL["read"], self._which())
        return {(topic, partition): next_offset async for topic, partition, next_offset in cursor}

    async def read_newest(self, cursor: AsyncCursor[Any]) -> dict[Partition, Projected]:
        """How far each partition is, with the time of its newest record."""
        await cursor.execute(_SQL["newest"], self._which())
        return {
            (topic, partition): Projected(next_offset, round(newest.timestamp() * 1000))
            async for topic, partition, next_offset, newest in cursor
        }

    def _which(self) -> list[list[Any]]:
        return [list(self._names.values()), list(self._names), list(self._versions.values())]

    async def move(self, cursor: AsyncCursor[Any], moves: Iterable[Move]) -> list[Move]:
        """Compare and set. Returns the moves that did not fit; the caller then rolls back."""
        moves = sorted(moves, key=lambda move: (move.topic, move.partition))
        done: set[Partition] = set()
        continued = [move for move in moves if move.known]
        if continued:
            starts = [move.start for move in continued]
            await cursor.execute(_SQL["move"], [*self._arrays(continued), starts], prepare=True)
            done.update(await cursor.fetchall())
        begun = [move for move in moves if not move.known]
        if begun:
            await cursor.execute(_SQL["begin"], self._arrays(begun))
            done.update(await cursor.fetchall())
        return [move for move in moves if (move.topic, move.partition) not in done]

    async def expire(self, cursor: AsyncCursor[Any], place: Partition, start: int, end: int) -> bool:
        """Move over offsets the broker no longer has, and note them. False when the position is not at `start`."""
        topic, partition = place
        where = {
            "projection": self._names[topic],
            "version": self._versions[topic],
            "topic": topic,
            "partition": partition,
        }
        await cursor.execute(_SQL["expire"], {**where, "start": start, "end": end})
        return await cursor.fetchone() is not None

    async def beat(self, cursor: AsyncCursor[Any], places: Iterable[Partition]) -> None:
        """Say that these partitions are being followed, even if nothing comes."""
        ordered = sorted(places)
        names, numbers = [self._names[topic] for topic, _ in ordered], [self._versions[topic] for topic, _ in ordered]
        await cursor.execute(_SQL["beat"], [names, numbers, [t for t, _ in ordered], [p for _, p in ordered]])

    def _arrays(self, moves: list[Move]) -> list[list[Any]]:
        return [
            [self._names[move.topic] for move in moves],
            [self._versions[move.topic] for move in moves],
            [move.topic for move in moves],
            [move.partition for move in moves],
            [move.end for move in moves],
            [datetime.fromtimestamp(move.newest_ms / 1000, UTC) for move in moves],
        ]


async def observe_broker(cursor: AsyncCursor[Any], ranges: Mapping[Partition, tuple[int, int]]) -> None:
    """Remember the broker's (start, end) offsets, so that SQL alone can tell the lag."""
    places = sorted(ranges)
    starts, ends = [ranges[place][0] for place in places], [ranges[place][1] for place in places]
    await cursor.execute(_SQL["observe"], [[t for t, _ in places], [p for _, p in places], starts, ends])
