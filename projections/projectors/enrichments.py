"""Enrichments → `enrichments`, one row a step, and beside it the table of each kind of conclusion."""

from typing import Any

import msgspec

from headrace.events.enrichments import (
    AnyEnrichment,
    BookingDeclined,
    BookingProposed,
    DraftCreated,
    DraftRejected,
    Enrichment,
    FollowUpScheduled,
    LeadScored,
    LeadStateChanged,
    MessageClassified,
    MessageScreened,
    PersonNeeded,
    ReplyDecided,
    StepSkipped,
)
from headrace.events.envelope import read_attribute
from headrace.events.records import Record
from headrace.events.topics import ENRICHMENTS
from projections.projection import Projection, RowOp

#: Fields that have columns, and texts that have a table of their own.
_NOT_DETAILS = frozenset(Enrichment.__struct_fields__) - {"withdrawn"} | {"body", "reasoning", "reason"}


def project_conclusion(record: Record, event: AnyEnrichment) -> list[RowOp]:
    """The step's row alone: it had nothing to do, or found nothing."""
    return [_step(record, event, _concluded(event))]


def project_label(record: Record, event: MessageClassified) -> list[RowOp]:
    """The label of a message."""
    shared = _concluded(event)
    row = {
        **shared,
        "label": event.label,
        "answered_label": event.answered_label,
        "confidence": event.confidence,
        "is_opt_out": event.opt_out,
        "is_bounce": event.bounce,
        "contains_phone": event.contains_phone,
        "has_proposed_time": event.proposed_time,
        "is_automated": event.is_automated,
        "rule": event.rule or None,
        "evidence": event.evidence or None,
        "needs_review": event.needs_review,
        "is_injection_suspected": event.injection_suspected,
    }
    return [_step(record, event, shared), RowOp("message_labels", row)]


def project_state(record: Record, event: LeadStateChanged) -> list[RowOp]:
    """What the message makes of its lead; views take the newest message's."""
    shared = _concluded(event)
    row = {
        **shared,
        "status": event.status,
        "label": event.label,
        "previous_label": event.previous_label,
        "is_automated": event.is_automated,
        "open_work": event.open_work,
    }
    return [_step(record, event, shared), RowOp("lead_states", row)]


def project_follow_up(record: Record, event: FollowUpScheduled) -> list[RowOp]:
    """When to write again."""
    shared = _concluded(event)
    row = {
        **shared,
        "kind": event.kind,
        "due_at": event.due_at,
        "timezone": event.timezone.name,
        "timezone_evidence": event.timezone.evidence,
        "day": event.day,
        "precision": event.precision,
        "confidence": event.confidence,
        "attempt": event.attempt,
    }
    return [_step(record, event, shared), RowOp("follow_ups", row)]


def project_booking(record: Record, event: BookingProposed | BookingDeclined) -> list[RowOp]:
    """The slot that may be booked, or why none."""
    proposed = event if isinstance(event, BookingProposed) else None
    shared = _concluded(event)
    row = {
        **shared,
        "is_proposed": proposed is not None,
        "reason": event.reason if isinstance(event, BookingDeclined) else None,
        "process": event.process,
        "start_at": proposed.start_at if proposed else None,
        "timezone": proposed.timezone.name if proposed else None,
        "timezone_evidence": proposed.timezone.evidence if proposed else None,
        "confidence": proposed.confidence if proposed else None,
        "minutes_later": proposed.minutes_later if proposed else None,
    }
    return [_step(record, event, shared), RowOp("booking_decisions", row)]


def project_draft(record: Record, event: DraftCreated | DraftRejected) -> list[RowOp]:
    """The draft, or the checks that refused it."""
    shared = _concluded(event)
    row = {
        **shared,
        "draft_id": event.draft_id,
        "channel": event.channel,
        "body": event.body if isinstance(event, DraftCreated) else None,
        "failed_checks": event.failed_checks if isinstance(event, DraftRejected) else (),
        "attempts": event.attempts,
    }
    return [_step(record, event, shared), RowOp("drafts", row)]


def project_reply_decision(record: Record, event: ReplyDecided) -> list[RowOp]:
    """Whether the draft may go out by itself."""
    shared = _concluded(event)
    row = {
        **shared,
        "draft_id": event.draft_id,
        "channel": event.channel,
        "decision": event.decision,
        "send_at": event.send_at,
        "reasons": event.reasons,
        "confidence": event.confidence,
        "threshold": event.threshold,
        "response_mode": event.response_mode,
    }
    return [_step(record, event, shared), RowOp("reply_decisions", row)]


def project_need(record: Record, event: PersonNeeded) -> list[RowOp]:
    """A person has to answer, and why."""
    shared = _concluded(event)
    row = {**shared, "step": event.step, "reason": event.reason, "fields": event.fields}
    return [_step(record, event, shared), RowOp("person_needs", row)]


def project_score(record: Record, event: LeadScored) -> list[RowOp]:
    """The lead's score as of the message."""
    shared = _concluded(event)
    row = {
        **shared,
        "fit": event.fit,
        "intent": event.intent,
        "overall": event.overall,
        "reasoning": event.reasoning,
    }
    return [_step(record, event, shared), RowOp("lead_scores", row)]


def _step(record: Record, event: AnyEnrichment, shared: dict[str, Any]) -> RowOp:
    row = {
        **shared,
        "step": event.step,
        "job_type": event.job_type,
        "event_type": read_attribute(record.headers, "ce_type"),
        "skip_reason": event.reason if isinstance(event, StepSkipped) else None,
        "details": _details(event),
    }
    return RowOp("enrichments", row)


def _details(event: AnyEnrichment) -> dict[str, Any]:
    """What the event says of its own, without anybody's text."""
    fields: dict[str, Any] = msgspec.to_builtins(event)
    own = {name: value for name, value in fields.items() if name not in _NOT_DETAILS}
    return own | ({"reason": event.reason} if isinstance(event, BookingDeclined | PersonNeeded) else {})


def _concluded(event: Enrichment) -> dict[str, Any]:
    ai = event.ai
    return {
        "workspace_id": event.workspace,
        "lead_id": event.lead_id,
        "message_id": event.message_id,
        "job_id": event.job_id,
        "concluded_at": event.at,
        "sent_at": event.sent_at,
        "received_at": event.received_at,
        "ai_provider": ai.provider if ai else None,
        "ai_model": ai.model if ai else None,
        "prompt_key": ai.prompt_key if ai else None,
        "prompt_version": ai.prompt_version if ai else None,
        "prompt_sha256": ai.prompt_sha256 if ai else None,
        "receipt_id": event.receipt_id,
    }


PROJECTION = Projection(
    name="enrichments",
    topic=ENRICHMENTS,
    rev=1,
    tables=(
        "enrichments",
        "message_labels",
        "lead_states",
        "follow_ups",
        "booking_decisions",
        "drafts",
        "reply_decisions",
        "person_needs",
        "lead_scores",
    ),
    projectors={
        StepSkipped: project_conclusion,
        MessageScreened: project_conclusion,
        MessageClassified: project_label,
        LeadStateChanged: project_state,
        FollowUpScheduled: project_follow_up,
        BookingProposed: project_booking,
        BookingDeclined: project_booking,
        DraftCreated: project_draft,
        DraftRejected: project_draft,
        ReplyDecided: project_reply_decision,
        PersonNeeded: project_need,
        LeadScored: project_score,
    },
)
