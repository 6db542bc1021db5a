"""Notices that the log lost its end: rows stand for records that are gone, and others may have come in their place.

A broker that loses power, or a leader elected uncleanly, can come back with less than it had acknowledged. New records
then get offsets that were projected before, and would be dropped as repeated. The log's length alone shows that only
until it has grown again, so the time is looked at, too: no record below the position was appended later than the newest
one that was projected.
"""

from collections.abc import Mapping

import msgspec

from headrace.exit_status import NEEDS_A_PERSON
from headrace.kafka.faust.stops import Stop
from headrace.kafka.offsets import Partition
from projections.writing.positions import Projected

_WHAT_TO_DO = (
    "What Kafka acknowledged was lost, and rows stand for it. `headrace proj truncated` names these rows; with "
    "--execute it removes them and has the partition projected again from what the log has now"
)


class Cut(msgspec.Struct, frozen=True):
    """A partition that lost its end."""

    topic: str
    partition: int
    #: What is here and beyond was written after the loss, or is gone.
    first_lost: int
    #: Where Postgres is.
    position: int
    #: Where the log ends now.
    end: int


class LogCut(Stop):
    """Postgres is ahead of the log; the message says what to do."""

    status = NEEDS_A_PERSON

    def __init__(self, cuts: list[Cut]) -> None:
        self.cuts = cuts
        places = "; ".join(
            f"{cut.topic}[{cut.partition}] lost what it had from offset {cut.first_lost} on, ends at {cut.end} and is "
            f"projected up to {cut.position}"
            for cut in cuts
        )
        super().__init__(f"{places}. {_WHAT_TO_DO}")


def find_cuts(
    projected: Mapping[Partition, Projected],
    ends: Mapping[Partition, int],
    first_later: Mapping[Partition, int | None],
) -> list[Cut]:
    """The partitions that lost their end.

    `ends`: asked for after `projected` was read. `first_later`: the first offset that was appended later than the
    newest projected record, None when there is none.
    """
    cuts = []
    for place, known in sorted(projected.items()):
        if place not in ends:
            continue
        later = first_later.get(place)
        first_lost = ends[place] if later is None else min(later, ends[place])
        if first_lost < known.next_offset:
            cuts.append(Cut(*place, first_lost, known.next_offset, ends[place]))
    return cuts


def later_than(projected: Mapping[Partition, Projected]) -> dict[Partition, int]:
    """The moments, milliseconds, to ask the log for `first_later` with."""
    return {place: known.newest_ms + 1 for place, known in projected.items()}
