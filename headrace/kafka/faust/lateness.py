"""How far an agent is behind the end of its topics, in seconds, without asking a broker or trusting two clocks.

The time from a record's append to its end here is a delay plus the difference of two clocks. Only what is more than the
least of the last minutes counts, so that the difference of the clocks drops out.
"""

import time
from collections.abc import Callable

#: Seconds of which the least delay is kept, and those before them: clocks drift.
_WINDOW = 300.0
#: Who did nothing for so long, seconds, has nothing to do.
_FRESH = 1.0


class Lateness:
    """`now`: the wall clock, seconds. `clock`: one that only runs forward."""

    def __init__(self, now: Callable[[], float] = time.time, clock: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._clock = clock
        #: When the oldest record of the batch in hand was appended, milliseconds.
        self._oldest_ms: int | None = None
        self._delay, self._ended_at = 0.0, float("-inf")
        self._least = self._least_before = float("inf")
        self._window_ends = float("-inf")

    def begin(self, oldest_ms: int) -> None:
        """A batch is in hand whose oldest record was appended then."""
        self._oldest_ms = oldest_ms

    def end(self) -> None:
        """It is done."""
        if self._oldest_ms is None:
            return
        self._delay, self._ended_at = self._since(self._oldest_ms), self._clock()
        self._oldest_ms = None
        if self._ended_at >= self._window_ends:
            self._least_before, self._least = self._least, float("inf")
            self._window_ends = self._ended_at + _WINDOW
        self._least = min(self._least, self._delay)

    @property
    def seconds(self) -> float:
        """0 for who is as quick as ever, and before the first batch."""
        least = min(self._least, self._least_before)
        if self._oldest_ms is not None:
            return max(0.0, self._since(self._oldest_ms) - least)
        return max(0.0, self._delay - least) if self._clock() - self._ended_at < _FRESH else 0.0

    def _since(self, appended_ms: int) -> float:
        return self._now() - appended_ms / 1000
