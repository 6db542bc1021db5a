"""What a message makes of its lead: status, current label, and what becomes of the work that is open for it."""

from headrace.events.enrichments import LeadStateChanged, LeadStatus, MessageLabel, OpenWork
from streams.jobs.step import JobInput, Step, StepContext, StepOutcome, is_suppressed
from streams.jobs.steps.concluding import concluded, skipped
from streams.jobs.steps.verdict import MACHINE, Verdict, verdict_of

NAME = "lead_state"

STATUS: dict[MessageLabel, LeadStatus] = {
    "Meeting Booked": "meeting-booked",
    "Meeting Requested": "meeting-requested",
    "Call Requested": "qualified",
    "Information Requested": "qualified",
    "Interested": "qualified",
    "Follow Up": "new",
    "Objection": "new",
    "Not Interested": "not-interested",
    "Blacklist": "blacklisted",
    "Out of Office": "new",
    "Automated Reply": "new",
    "Neutral": "new",
}


async def run(context: StepContext) -> StepOutcome:
    """The state as of this message; a newer message that has its label already decides alone."""
    job, verdict = context.job, verdict_of(context)
    ends_contact = job.suppressed_reason is not None or verdict.opt_out or _is_sure_blacklist(verdict)
    if not ends_contact and is_outdated(job, verdict.label):
        return skipped(context, NAME, "newer_message_decides")
    return concluded(
        context,
        NAME,
        LeadStateChanged,
        status="blacklisted" if ends_contact else STATUS[verdict.label],
        label=verdict.label,
        previous_label=job.label if job.label_at is not None and job.label_at < job.message.sent_at else None,
        is_automated=verdict.is_automated,
        open_work=_open_work(verdict, ends_contact=ends_contact),
    )


def is_outdated(job: JobInput, label: MessageLabel) -> bool:
    """A newer message decides; but a machine's one never against a person's."""
    if job.label is None or job.label_at is None or job.label_at <= job.message.sent_at:
        return False
    return not (job.label in MACHINE and label not in MACHINE)


def _open_work(verdict: Verdict, *, ends_contact: bool) -> OpenWork:
    if ends_contact:
        return "cancel"
    return "keep" if verdict.is_automated else "pause"


def _is_sure_blacklist(verdict: Verdict) -> bool:
    return verdict.label == "Blacklist" and bool(verdict.rule)


STEP = Step(NAME, run, deadline=10.0, overtaken=is_suppressed)
