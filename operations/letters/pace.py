"""Keeps a redrive to its rate: how many at once, and how long to wait after them."""

import msgspec

#: At most so many are sent before anybody looks whether the run is to stop.
_MOST = 100


class Pace(msgspec.Struct, frozen=True):
    """At most so many records a second."""

    per_second: float

    @property
    def batch(self) -> int:
        """How many may go at once: about half a second's worth."""
        return max(1, min(_MOST, int(self.per_second / 2)))

    def delay(self, done: int, elapsed: float) -> float:
        """Seconds to wait when so many went in so many seconds."""
        return max(0.0, done / self.per_second - elapsed)
