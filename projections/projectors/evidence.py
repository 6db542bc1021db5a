"""LeadSuppressed and LeadSignalled → `lead_suppressions`, `lead_signals`: one row an event, kept for ever."""

from typing import Any

from headrace.events.envelope import read_attribute
from headrace.events.messages import LeadSignalled, LeadSuppressed
from headrace.events.records import Record
from projections.projection import RowOp


def project_suppression(record: Record, event: LeadSuppressed) -> list[RowOp]:
    """One reason not to write to the lead."""
    return [RowOp("lead_suppressions", {**_shared(record, event), "reason": event.reason})]


def project_signal(record: Record, event: LeadSignalled) -> list[RowOp]:
    """One thing the provider said about the lead."""
    return [RowOp("lead_signals", {**_shared(record, event), "signal": event.signal, "message_id": event.message_id})]


def _shared(record: Record, event: LeadSuppressed | LeadSignalled) -> dict[str, Any]:
    return {
        "workspace_id": event.workspace,
        "lead_id": event.lead_id,
        # The event's own id: two facts of one webhook stay two rows, a repeated record stays one.
        "event_id": read_attribute(record.headers, "ce_id"),
        "provider": event.provider,
        "provider_event": event.provider_event,
        "detail": event.detail,
        "occurred_at": event.occurred_at,
        "received_at": event.received_at,
        "receipt_id": event.receipt_id,
    }
