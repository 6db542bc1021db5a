"""Every type of job and its steps, in order: reading this tells what happens to a message."""

from collections.abc import Mapping

from headrace.events.enrichments import AnyEnrichment, MessageClassified
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

#: What a person wrote is heard, understood, and answered in proposal. Nothing is sent or booked here.
POST_PROCESS: tuple[Step, ...] = (
    opt_out_and_bounce.STEP,
    classify.STEP,
    lead_state.STEP,
    follow_up_timing.STEP,
    booking_decision.STEP,
    draft.STEP,
    decide_reply.STEP,
)

JOB_TYPES: Mapping[JobType, tuple[Step, ...]] = {
    "SMS_INBOUND_POST_PROCESS": POST_PROCESS,
    "LINKEDIN_INBOUND_POST_PROCESS": POST_PROCESS,
    "SMARTLEAD_INBOUND_POST_PROCESS": POST_PROCESS,
    "INSTANTLY_INBOUND_POST_PROCESS": POST_PROCESS,
    "EMAIL_INBOUND_POST_PROCESS": POST_PROCESS,
    "LEAD_SCORING_POST_PROCESS": (score.STEP,),
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
