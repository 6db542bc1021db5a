"""How the cost of reading something grows with its size: told as a ratio, so that it says nothing of the machine."""

import time
from collections.abc import Callable

#: The larger text is so many times the smaller one.
TIMES = 8
#: Of a reader whose cost grows with the size alone the ratio is TIMES, of a quadratic one its square.
MOST_GROWTH = 3 * TIMES
_TRIES = 2


def growth(read: Callable[[str], object], unit: str, size: int) -> float:
    """The processor's time for `size` characters of the unit, over that for an eighth of them; the best of a few."""
    small, large = (unit * (length // len(unit)) for length in (size // TIMES, size))
    return _least_seconds(read, large) / _least_seconds(read, small)


def _least_seconds(read: Callable[[str], object], text: str) -> float:
    return min(_seconds(read, text) for _ in range(_TRIES))


def _seconds(read: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    read(text)
    return time.process_time() - began
