"""The event after which nobody writes to a lead any more."""

from headrace.events.inbox import SuppressionReason
from headrace.events.messages import LeadSuppressed
from headrace.events.topics import MESSAGES
from streams.jobs.step import Emitted, JobInput

#: Rule → reason, where it is not the lead's wish.
_REASONS: dict[str, SuppressionReason] = {
    "abuse": "blacklisted",
    "wrong-number": "wrong_person",
    "dead-mailbox": "bounced",
}


def suppression(job: JobInput, rule: str, *, opt_out: bool, bounce: bool) -> tuple[Emitted, ...]:
    """Suppresses the lead for what its message says; nothing for a lead that is suppressed. Twice is once."""
    if job.suppressed_reason is not None:
        return ()
    reason: SuppressionReason = "unsubscribed" if opt_out else "bounced" if bounce else _REASONS[rule]
    message = job.message
    event = LeadSuppressed(
        receipt_id=message.receipt_id,
        workspace=job.workspace,
        lead_id=job.lead_id,
        provider=message.provider,
        reason=reason,
        occurred_at=message.sent_at,
        received_at=message.received_at,
        provider_event=message.provider_event,
        detail=rule,
    )
    return (Emitted(topic=MESSAGES.name, event=event),)
