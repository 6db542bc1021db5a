"""What of each row is told: codes, ids and numbers as they are, and what people or models wrote by its length."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from operations.trace.lineage import Row


class Telling(msgspec.Struct, frozen=True):
    """How rows of a table are told."""

    #: The event's own time, where the record can't be read.
    at: str
    #: Columns that are told as they are.
    codes: Sequence[str] = ()
    #: Columns that hold texts or tell who a person is.
    texts: Sequence[str] = ()


def _words(names: str) -> tuple[str, ...]:
    return tuple(names.split())


_AI = ("ai_provider", "ai_model", "prompt_key", "prompt_version")
TELLINGS: Mapping[str, Telling] = {
    "webhook_receipts": Telling(
        "received_at", ("verdict", "reason", "provider", "provider_event", "occurrence", "fact_count")
    ),
    "messages": Telling(
        "received_at",
        _words("channel direction source provider provider_event sent_at conversation_id lead_id provider_message_id")
        + _words("campaign_id attachment_count is_automated"),
        ("subject", "text", "from_email"),
    ),
    "leads": Telling("changed_at", ("created_at", "campaign_id"), ("first_name", "last_name", "email", "phone")),
    "lead_merges": Telling("merged_at", ("into_lead_id",)),
    "lead_splits": Telling("split_at", ("new_lead_id", "split_by", "run_id"), ("identities", "reason")),
    "message_moves": Telling("moved_at", ("into_lead_id", "run_id")),
    "lead_suppressions": Telling("received_at", ("reason", "provider_event", "lead_id"), ("detail",)),
    "lead_signals": Telling("received_at", ("signal", "provider_event", "lead_id", "message_id"), ("detail",)),
    "dead_letters": Telling("last_failed_at", ("stage", "error_class", "reason", "attempts")),
    "jobs": Telling("requested_at", ("requested_by", "due_at", "from_start")),
    "job_progress": Telling("changed_at", ("is_running", "attempt", "due_at", "step", "error_class", "reason")),
    "job_attempts": Telling(
        "started_at",
        ("outcome", "ended_at", "step", "error_class", "reason", "spends_attempt", "next_due_at", "worker"),
    ),
    "job_steps": Telling("finished_at", ("skipped", "ends_job")),
    "job_ends": Telling("ended_at", ("attempt", "step", "error_class", "reason", "ended_by")),
    "job_holds": Telling("changed_at", ("is_paused", "changed_by")),
    "enrichments": Telling("concluded_at", ("event_type", "skip_reason", *_AI)),
    "message_labels": Telling(
        "concluded_at",
        _words("label answered_label confidence is_opt_out is_bounce has_proposed_time is_automated rule")
        + _words("needs_review is_injection_suspected"),
        ("contains_phone", "evidence"),
    ),
    "lead_states": Telling("concluded_at", ("status", "label", "previous_label", "open_work", "is_automated")),
    "follow_ups": Telling("concluded_at", ("kind", "due_at", "timezone", "precision", "confidence", "attempt")),
    "booking_decisions": Telling(
        "concluded_at", ("is_proposed", "reason", "process", "start_at", "timezone", "confidence")
    ),
    "drafts": Telling("concluded_at", ("draft_id", "channel", "failed_checks", "attempts"), ("body",)),
    "reply_decisions": Telling(
        "concluded_at",
        ("draft_id", "channel", "decision", "send_at", "reasons", "confidence", "threshold", "response_mode"),
    ),
    "lead_scores": Telling("concluded_at", ("fit", "intent", "overall"), ("reasoning",)),
    "ai_interactions": Telling(
        "called_at",
        _words("feature provider model status input_tokens cached_tokens output_tokens cost_micro_usd latency_ms")
        + _words("error_class error http_status response_id prompt_key prompt_version"),
    ),
}


def told(row: Row, *, texts: bool) -> dict[str, Any]:
    """The row's columns that have something to say; a text is `{"characters": n}` unless texts were asked for."""
    telling = TELLINGS[row.table]
    found = {name: row[name] for name in telling.codes if not _is_blank(row[name])}
    for name in telling.texts:
        value = row[name]
        if not _is_blank(value):
            found[name] = value if texts else {"characters": len(str(value))}
    return found


def time_of(row: Row) -> datetime:
    """The time the row itself tells."""
    at: datetime = row[TELLINGS[row.table].at]
    return at


def _is_blank(value: Any) -> bool:
    return value is None or value is False or value in ("", [], ())
