"""How a step hands a message over to a person: with one reason, and nothing left standing of the steps behind it."""

from collections.abc import Sequence

from msgspec.structs import replace

from headrace.events.enrichments import PersonNeeded
from headrace.events.job_plan import STEPS
from headrace.events.needs_person import StepReason
from streams.jobs.step import ForPerson, Run, StepContext, StepOutcome
from streams.jobs.steps.concluding import concluded, skipped

#: Why the steps behind the one that handed over are not needed.
NEEDS_PERSON = "needs_person"


def needs_person(context: StepContext, step: str, reason: StepReason, fields: Sequence[str] = ()) -> StepOutcome:
    """The outcome of a step that leaves the message to a person."""
    return concluded(context, step, PersonNeeded, reason=reason, fields=tuple(fields), result={NEEDS_PERSON: reason})


def handing_over(name: str, run: Run) -> Run:
    """The step; where a model has no answer that can be used, it ends the job and a person answers."""

    async def run_or_hand_over(context: StepContext) -> StepOutcome:
        try:
            return await run(context)
        except ForPerson as failure:
            return _handed_over(context, name, failure)

    return run_or_hand_over


def _handed_over(context: StepContext, name: str, failure: ForPerson) -> StepOutcome:
    """What an earlier life of the job concluded in a later step is unsaid, for the person decides it now."""
    outcome = needs_person(context, name, failure.person_reason, failure.fields)
    names = STEPS.get(context.job.type, ())
    later = names[names.index(name) + 1 :] if name in names else ()
    unsaid = [emitted for step in later for emitted in skipped(context, step, NEEDS_PERSON).emitted]
    return replace(outcome, emitted=(*outcome.emitted, *unsaid), ends_job=NEEDS_PERSON)
