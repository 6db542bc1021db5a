"""The moments of the log that a step may have seen, the likeliest first: workers fold at a pace of their own. Pure."""

from collections.abc import Iterable, Iterator
from itertools import islice, product

from operations.replay.decide.known import Moment

#: How long a worker may take to fold what was written before an attempt began, milliseconds.
FOLD_LAG = 5_000
#: And how much it may fold between the attempt's beginning and its look at the tables.
FOLD_AHEAD = 500
#: Where the log has a sign of what the step saw, it may have been so late, milliseconds: it is looked for.
LONGEST_LAG = 3_600_000
#: Views that are tried for one step, and those that are searched for the sign.
_VIEWS, SEARCHED = 64, 200


def moments(saw_ms: int, facts: Iterable[int], labels: Iterable[int]) -> Iterator[Moment]:
    """The moment by the log, then those it can't be told from: between whatever became known about then."""
    pairs = product(cuts(saw_ms, facts, FOLD_LAG), cuts(saw_ms, labels, FOLD_LAG))
    return islice((Moment(*pair, heard=saw_ms) for pair in pairs), _VIEWS)


def cuts(saw_ms: int, changes: Iterable[int], lag: int) -> list[int]:
    """Moments between changes, the nearest first."""
    near = {at for at in changes if saw_ms - lag < at <= saw_ms + FOLD_AHEAD}
    before = sorted((at - 1 for at in near if at <= saw_ms), reverse=True)
    return [saw_ms, *before, *sorted(at for at in near if at > saw_ms)]
