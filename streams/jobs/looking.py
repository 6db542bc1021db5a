"""Runs a step over what the log says now, also if that changed while the step waited for a model."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from streams.jobs.step import JobInput, Overtaken, Step, StepContext, StepOutcome


class Look(msgspec.Struct, frozen=True):
    """What a step rests on."""

    job: JobInput
    #: When it was read; None: when the attempt began.
    saw_at: datetime | None = None


#: Reads the log's tables as they are.
LookAgain = Callable[[], Look]
#: The world of a step over a look. The second says whether the look is outdated.
ContextOf = Callable[[Look, Callable[[], bool]], StepContext]


def newest_look(step: Step, known: Look, look_again: LookAgain) -> Look:
    """Another look once the step is overtaken, and the same one until then."""
    if step.overtaken is None or step.overtaken(known.job):
        return known
    fresh = look_again()
    return fresh if step.overtaken(fresh.job) else known


async def run_looking(step: Step, look: Look, look_again: LookAgain, context_of: ContextOf) -> tuple[StepOutcome, Look]:
    """The outcome, and the look it rests on: one that still holds if it is written before anything else is awaited.

    A step is overtaken by facts over which it asks no model: it is run once more, and pays for nothing.
    """
    first = newest_look(step, look, look_again)
    try:
        outcome = await step.run(context_of(first, lambda: newest_look(step, first, look_again) is not first))
    except Overtaken:
        second = newest_look(step, first, look_again)
    else:
        second = newest_look(step, first, look_again)
        if second is first:
            return outcome, first
    return await step.run(context_of(second, lambda: False)), second
