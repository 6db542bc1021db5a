"""What becomes of a step whose message takes too long to read: it concludes nothing, and a person decides."""

from typing import Any

from msgspec.structs import replace

from streams.ai.reading import Unreadable
from streams.jobs.step import Run, StepContext, StepOutcome
from streams.jobs.steps.concluding import skipped
from streams.jobs.steps.verdict import UNREADABLE_RULE

#: Tells later steps that an earlier one could not read the message.
_RESULT: dict[str, Any] = {UNREADABLE_RULE: True}


def skipped_when_unreadable(name: str, run: Run) -> Run:
    """The step, which has nothing to say about a message that can't be read."""

    async def run_or_skip(context: StepContext) -> StepOutcome:
        try:
            return await run(context)
        except Unreadable:
            return replace(skipped(context, name, UNREADABLE_RULE), result=_RESULT)

    return run_or_skip


def was_unreadable(context: StepContext) -> bool:
    """True when an earlier step of the job could not read the message."""
    return any(result.get(UNREADABLE_RULE) for result in context.results.values())
