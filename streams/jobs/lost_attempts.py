"""What follows an attempt whose worker was lost. Values in, values out.

A job that ends its process takes every job in flight with it, and nobody can tell which of them did it. So a job that
was in flight in one lost worker after another is tried in ever smaller company, and in the end alone: the innocent
ones get through, and the one that is alone when its worker dies is proven guilty.
"""

from collections.abc import Sequence
from math import isqrt

from streams.jobs.retries import Again, Dead, jittered

#: Why such an attempt is repeated, and why its job dies.
WORKER_LOST = "worker lost"
LOST_ALONE = "worker lost with this job alone in it"
#: Lost attempts after which nothing changes: a worker that is killed or redeployed shall delay nobody.
FORGIVEN = 1
#: A job that was alone in so many lost workers dies.
LONE_LOSSES = 3


def company(losses: int, slots: int) -> int:
    """How many jobs may be in flight with one that lost so many attempts, itself included.

    The square root makes as many groups of suspects as a group has members: the fewest rounds and deaths until the
    guilty one is alone.
    """
    if losses <= FORGIVEN:
        return slots
    return isqrt(slots) if losses == FORGIVEN + 1 else 1


def after_loss(losses: int, lone_losses: int, *, alone: bool, tiers: Sequence[float], seed: str) -> Again | Dead:
    """Decide. Both counts include this loss; `alone` says whether nothing else was in flight in that worker.

    An attempt lost in company is given back. `seed` makes the jitter, see `retries.jittered`.
    """
    if lone_losses >= LONE_LOSSES:
        return Dead()
    if losses <= FORGIVEN or not tiers:
        return Again(0.0, spends_attempt=alone)
    tier = tiers[min(losses - FORGIVEN, len(tiers)) - 1]
    return Again(jittered(tier, seed), spends_attempt=alone)
