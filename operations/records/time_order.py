"""Puts what partitions hold in the order of time while they are still being read, and keeps no more than it must."""

import heapq
from collections.abc import Iterable, Iterator

from headrace.events.records import Record
from headrace.kafka.log_offsets import Place

_Entry = tuple[int, str, int, int, Record]
#: Read but not yet due, beyond the limit, before what can't come first is let go.
_SLACK = 1000


class TimeOrder:
    """`limit`: how many of the earliest records are wanted; None is all.

    A record is given out once every partition has been read past its time, which the broker's clock makes ascend.
    """

    def __init__(self, places: Iterable[Place], limit: int | None = None) -> None:
        self._read_to = dict.fromkeys(places, -1)
        self._held: list[_Entry] = []
        self._left = limit

    @property
    def is_done(self) -> bool:
        """True once as many were given out as are wanted."""
        return self._left == 0

    @property
    def is_holding(self) -> bool:
        """True while a wanted record was not given out."""
        return bool(self._held)

    def passed(self, record: Record, *, is_last: bool) -> None:
        """A record of a partition was read, wanted or not."""
        place = (record.topic, record.partition)
        if is_last:
            self._read_to.pop(place, None)
        else:
            self._read_to[place] = record.timestamp_ms

    def hold(self, record: Record) -> None:
        """The record is wanted."""
        entry = (record.timestamp_ms, record.topic, record.partition, record.offset, record)
        heapq.heappush(self._held, entry)
        if self._left is not None and len(self._held) > self._left + _SLACK:
            self._held = heapq.nsmallest(self._left, self._held)

    def due(self) -> Iterator[Record]:
        """What nothing unread can come before, in order."""
        horizon = min(self._read_to.values(), default=None)
        while self._held and not self.is_done and (horizon is None or self._held[0][0] < horizon):
            yield self._given()

    def rest(self) -> Iterator[Record]:
        """All that is left, once everything is read."""
        while self._held and not self.is_done:
            yield self._given()

    def _given(self) -> Record:
        if self._left is not None:
            self._left -= 1
        return heapq.heappop(self._held)[-1]
