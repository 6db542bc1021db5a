"""Every step there is, and the jobs of the plan made of them: what the plan only names is done here."""

from collections.abc import Mapping

from headrace.events.enrichments import AnyEnrichment, MessageClassified
from headrace.events.job_plan import JOBS
from headrace.events.jobs import JobType
from streams.jobs.labelling import Labelled
from streams.jobs.step import Step
from streams.jobs.steps import (
    booking_decision,
    classify,
    decide_reply,
    draft,
    follow_up_timing,
    lead_state,
    opt_out_and_bounce,
    score,
)

#: Step's name → the step. Nothing is sent or booked by any of them.
STEP_BY_NAME: Mapping[str, Step] = {
    step.name: step
    for step in (
        opt_out_and_bounce.STEP,
        classify.STEP,
        lead_state.STEP,
        follow_up_timing.STEP,
        booking_decision.STEP,
        draft.STEP,
        decide_reply.STEP,
        score.STEP,
    )
}

#: Job type → its steps, in order.
JOB_TYPES: Mapping[JobType, tuple[Step, ...]] = {
    job.type: tuple(STEP_BY_NAME[name] for name in job.steps) for job in JOBS
}


def label_of(event: AnyEnrichment) -> Labelled | None:
    """What an event of `enrichments` says about a lead's label; None when it says nothing."""
    if not isinstance(event, MessageClassified):
        return None
    return Labelled(
        receipt_id=event.receipt_id,
        workspace=event.workspace,
        lead_id=event.lead_id,
        label=event.label,
        message_id=event.message_id,
        label_at=event.sent_at,
    )
