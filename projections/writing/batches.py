"""Batches of records: what of them is new, where they don't continue the projection, and how to cut one smaller."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import msgspec

from headrace.events.records import Record
from headrace.kafka.offsets import Partition
from projections.writing.positions import Conflict

Batch = Mapping[Partition, Sequence[Record]]


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What one call committed."""

    #: Records projected, dead letters included.
    records: int
    #: Records below the position: done before, dropped now.
    repeated: int
    dead_letters: int

    def __add__(self, other: "Written") -> "Written":
        return Written(
            records=self.records + other.records,
            repeated=self.repeated + other.repeated,
            dead_letters=self.dead_letters + other.dead_letters,
        )


NOTHING = Written(records=0, repeated=0, dead_letters=0)


def continuing(
    batch: Batch, known: Mapping[Partition, int], begins: Mapping[Partition, int]
) -> tuple[dict[Partition, Sequence[Record]], list[Conflict]]:
    """The records at and above each position, and where they do not follow it or each other.

    `known`: the position of each partition that Postgres knows. `begins`: where the others begin; 0 when that is not
    given. A database that was made anew knows no partition: whatever comes next must not be taken for a beginning.
    """
    new: dict[Partition, Sequence[Record]] = {}
    conflicts: list[Conflict] = []
    for place, records in batch.items():
        stored = known.get(place)
        rest = _ascending(records if stored is None else [r for r in records if r.offset >= stored])
        if not rest:
            continue
        first = begins.get(place, 0) if stored is None else stored
        jump = next(((at, r.offset) for at, r in enumerate(rest, first) if r.offset != at), None)
        if jump is not None:
            conflicts.append(offered(*place, *jump, stored))
        new[place] = rest
    return new, conflicts


def pieces(batch: Batch, most: int) -> Iterator[Batch]:
    """The batch in pieces of at most so many records, those of each partition in their order."""
    piece: dict[Partition, Sequence[Record]] = {}
    room = most
    for place, records in batch.items():
        rest = records
        while rest:
            piece[place], rest = rest[:room], rest[room:]
            room -= len(piece[place])
            if not room:
                yield piece
                piece, room = {}, most
    if piece:
        yield piece


def count(batch: Batch) -> int:
    """Its records."""
    return sum(map(len, batch.values()))


def offered(topic: str, partition: int, expected: int, came: int, stored: int | None = None) -> Conflict:
    """That another offset came than was expected."""
    return Conflict(topic=topic, partition=partition, stored=stored, expected=expected, offered=came)


def _ascending(records: Sequence[Record]) -> Sequence[Record]:
    """The records in offset order, each once: a batch put together from two reads may overlap itself."""
    if all(left.offset < right.offset for left, right in pairwise(records)):
        return records
    by_offset = {record.offset: record for record in records}
    return [by_offset[offset] for offset in sorted(by_offset)]
