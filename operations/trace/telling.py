"""What of each row is told: what is open, and what people or models wrote by its length."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from headrace.events.visibility import Visibility
from operations.trace.lineage import Row
from projections.tables import proj_metadata, visibility_of
from projections.versions import FIRST_VERSION


class Telling(msgspec.Struct, frozen=True):
    """Which columns of a table have something to say beside the row's key and its place in the tree."""

    #: The event's own time, where the record can't be read.
    at: str
    columns: tuple[str, ...]


def _telling(at: str, columns: str) -> Telling:
    return Telling(at, tuple(columns.split()))


_AI = "ai_provider ai_model prompt_key prompt_version"
TELLINGS: Mapping[str, Telling] = {
    "webhook_receipts": _telling("received_at", "verdict reason provider provider_event occurrence fact_count"),
    "messages": _telling(
        "received_at",
        "channel direction source provider provider_event sent_at conversation_id lead_id provider_message_id "
        "campaign_id attachment_count is_automated subject text from_email",
    ),
    "leads": _telling("changed_at", "created_at campaign_id first_name last_name email phone"),
    "lead_merges": _telling("merged_at", "into_lead_id"),
    "lead_splits": _telling("split_at", "new_lead_id split_by run_id identities reason"),
    "message_moves": _telling("moved_at", "into_lead_id run_id"),
    "lead_suppressions": _telling("received_at", "reason provider_event lead_id detail"),
    "lead_signals": _telling("received_at", "signal provider_event lead_id message_id detail"),
    "dead_letters": _telling("last_failed_at", "stage error_class reason attempts"),
    "jobs": _telling("requested_at", "requested_by due_at from_start"),
    "job_progress": _telling("changed_at", "is_running attempt due_at step error_class reason"),
    "job_attempts": _telling(
        "started_at", "outcome ended_at step error_class reason spends_attempt next_due_at worker"
    ),
    "job_steps": _telling("finished_at", "skipped ends_job"),
    "job_ends": _telling("ended_at", "attempt step error_class reason ended_by"),
    "job_holds": _telling("changed_at", "is_paused changed_by"),
    "enrichments": _telling("concluded_at", f"event_type skip_reason {_AI}"),
    "message_labels": _telling(
        "concluded_at",
        "label answered_label confidence is_opt_out is_bounce has_proposed_time is_automated rule needs_review "
        "is_injection_suspected contains_phone evidence",
    ),
    "lead_states": _telling("concluded_at", "status label previous_label open_work is_automated"),
    "follow_ups": _telling("concluded_at", "kind due_at timezone precision confidence attempt"),
    "booking_decisions": _telling("concluded_at", "is_proposed reason process start_at timezone confidence"),
    "drafts": _telling("concluded_at", "draft_id channel failed_checks attempts body"),
    "reply_decisions": _telling(
        "concluded_at", "draft_id channel decision send_at reasons confidence threshold response_mode"
    ),
    "lead_scores": _telling("concluded_at", "fit intent overall reasoning"),
    "ai_interactions": _telling(
        "called_at",
        "feature provider model status input_tokens cached_tokens output_tokens cost_micro_usd latency_ms error_class "
        "error http_status response_id prompt_key prompt_version",
    ),
}
_VISIBILITIES: Mapping[str, Mapping[str, Visibility | None]] = {
    table.name: {column.name: visibility_of(column) for column in table.columns}
    for table in proj_metadata(FIRST_VERSION).tables.values()
}


def told(row: Row, *, texts: bool) -> dict[str, Any]:
    """The row's columns that have something to say; a text is `{"characters": n}` unless texts were asked for."""
    return {
        name: _shown(row[name], _VISIBILITIES[row.table][name], texts)
        for name in TELLINGS[row.table].columns
        if not _is_blank(row[name])
    }


def time_of(row: Row) -> datetime:
    """The time the row itself tells."""
    at: datetime = row[TELLINGS[row.table].at]
    return at


def _shown(value: Any, visibility: Visibility | None, texts: bool) -> Any:
    is_shown = visibility in ("open", "detail") or (texts and visibility == "masked")
    return value if is_shown else {"characters": len(str(value))}


def _is_blank(value: Any) -> bool:
    return value is None or value is False or value in ("", [], ())
