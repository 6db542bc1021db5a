"""Which jobs a message leads to, and the names of their steps: who does the work and who audits it agree here."""

from collections.abc import Mapping

from headrace.events.ids import derived_id
from headrace.events.jobs import JobType

#: Provider of an inbound message → the job that looks after it.
POST_PROCESS: Mapping[str, JobType] = {
    "ghl": "SMS_INBOUND_POST_PROCESS",
    "unipile": "LINKEDIN_INBOUND_POST_PROCESS",
    "smartlead": "SMARTLEAD_INBOUND_POST_PROCESS",
    "instantly": "INSTANTLY_INBOUND_POST_PROCESS",
    "emailbison": "EMAIL_INBOUND_POST_PROCESS",
}
#: Follows a post-process job that succeeded.
SCORING: JobType = "LEAD_SCORING_POST_PROCESS"

_POST_PROCESS_STEPS = (
    "opt_out_and_bounce",
    "classify",
    "lead_state",
    "follow_up_timing",
    "booking_decision",
    "draft",
    "decide_reply",
)
#: Job type → its steps, in order. A job that succeeded has finished or skipped each of them.
STEPS: Mapping[JobType, tuple[str, ...]] = {
    **dict.fromkeys(POST_PROCESS.values(), _POST_PROCESS_STEPS),
    SCORING: ("score",),
}


def job_id(message_id: str, type_: str) -> str:
    """The id of a job: asking twice is asking once."""
    return derived_id("job", message_id, type_)
