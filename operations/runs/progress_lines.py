"""What long work says of itself: a line every two seconds with how far it is, how fast, and how long it will take."""

import time
from collections import deque
from collections.abc import Callable

#: Takes one line for a person.
Say = Callable[[str], None]

#: Seconds between two lines.
TELL_SECONDS = 2.0
#: Seconds that the speed is the mean of: long enough to be steady, short enough to follow a change.
_SPEED_SECONDS = 30.0


class ProgressLines:
    """Tells of one piece of work. Call `done` as often as you like."""

    def __init__(
        self,
        name: str,
        total: int,
        say: Say,
        *,
        already: int = 0,
        unit: str = "events",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`already` was done before, by a run that is resumed: no part of the speed. `now` gives seconds."""
        self._name = name
        self._total = total
        self._say = say
        self._unit = unit
        self._now = now
        self._seen: deque[tuple[float, int]] = deque([(now(), already)])
        self._told = now()

    def done(self, done: int) -> bool:
        """So many of all are done. True when it is time to tell, and a line was said."""
        at = self._now()
        if at - self._told < TELL_SECONDS:
            return False
        self._told = at
        self._seen.append((at, done))
        while len(self._seen) > 2 and at - self._seen[0][0] > _SPEED_SECONDS:
            self._seen.popleft()
        began, before = self._seen[0]
        self._say(progress_line(self._name, done, self._total, (done - before) / (at - began), self._unit))
        return True


def progress_line(name: str, done: int, total: int, per_second: float, unit: str = "events") -> str:
    """`leads: 120,000 of 500,000 events, 41,000/s, 10 s left`."""
    told = f"{name}: {done:,} of {total:,} {unit}, {per_second:,.0f}/s"
    return f"{told}, {duration((total - done) / per_second)} left" if per_second > 0 and total > done else told


def duration(seconds: float) -> str:
    """A time that work will take, to the precision of an estimate: `40 s`, `12 min`, `3.5 h`."""
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
