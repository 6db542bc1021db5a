"""What follows a failed attempt: another one, later, or death. Values in, values out, tested as a table."""

import hashlib
import math
from collections.abc import Sequence
from typing import get_args

import msgspec

from headrace.events.jobs import ErrorClass

#: Faults that are not the job's: it is put off without spending an attempt.
BLAMELESS: frozenset[ErrorClass] = frozenset({"over_budget", "dependency_down"})
#: Longest time a job without blame is put off at once, seconds: it should go on soon after the fault is gone.
LONGEST_DEFERRAL = 600.0
#: A delay becomes up to so much longer, so that jobs that failed together don't come back together.
JITTER = 0.2
#: And never more than so much longer, seconds: whoever waits for midnight shall not wait for the morning.
LONGEST_JITTER = 600.0
#: What a dependency may ask to wait, seconds: a day, the longest there is. More is a mistake, or worse.
LONGEST_ASKED = 90_000.0
_KNOWN: frozenset[str] = frozenset(get_args(ErrorClass))


class Again(msgspec.Struct, frozen=True):
    """Try again after so many seconds."""

    delay: float
    spends_attempt: bool


class Dead(msgspec.Struct, frozen=True):
    """No attempt is left, or none would help."""


def error_class_of(name: str) -> ErrorClass:
    """The error class of a step's failure. Raises ValueError for a name that is none: a bug of the step."""
    if name not in _KNOWN:
        raise ValueError(f"{name!r} is no error class; use one of {', '.join(sorted(_KNOWN))}")
    return name  # type: ignore[return-value]


def after_failure(
    error_class: ErrorClass,
    *,
    spent: int,
    deferrals: int,
    tiers: Sequence[float],
    retry_after: float | None,
    seed: str,
) -> Again | Dead:
    """Decide. `spent`: attempts so far, the failed one included. `deferrals`: blameless delays in a row before this.

    `seed` makes the jitter: the same job and attempt always wait equally long.
    """
    if error_class == "permanent":
        return Dead()
    asked = asked_seconds(retry_after)
    if error_class in BLAMELESS:
        patience = min(tiers[min(deferrals, len(tiers) - 1)], LONGEST_DEFERRAL) if tiers else LONGEST_DEFERRAL
        return Again(jittered(max(patience, asked), seed), spends_attempt=False)
    if spent > len(tiers):
        return Dead()
    return Again(jittered(max(tiers[spent - 1], asked), seed), spends_attempt=True)


def asked_seconds(retry_after: float | None) -> float:
    """What a dependency asked for, as far as that is a time to wait."""
    if retry_after is None or math.isnan(retry_after):
        return 0.0
    return min(max(0.0, retry_after), LONGEST_ASKED)


def jittered(delay: float, seed: str) -> float:
    """The delay, made up to `JITTER` longer, but at most by `LONGEST_JITTER`."""
    digest = hashlib.blake2b(seed.encode(), digest_size=4).digest()
    return delay + min(JITTER * delay, LONGEST_JITTER) * int.from_bytes(digest) / 2**32
