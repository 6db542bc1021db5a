"""From one webhook record to its verdict and facts: pure, given what is remembered of its key."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from headrace.events.dead_letters import redrive_of
from headrace.events.inbox import InboxFact, InboxMessage
from headrace.events.receipts import ReceiptJudged, Verdict
from headrace.events.records import Record
from headrace.events.webhooks import WebhookMeta, read_webhook
from headrace.providers.adapter import Adapter, Normalised, Payload, Receipt
from headrace.providers.payload import UnreadableBody, read_payload
from streams.pipeline.seen import Seen, judge


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from a record: at most one verdict, the facts of a fresh webhook, what to remember."""

    meta: WebhookMeta
    receipt: ReceiptJudged | None = None
    facts: tuple[InboxFact, ...] = ()
    remember: Seen | None = None


def judge_record(record: Record, seen: Seen | None, adapters: Mapping[str, Adapter], memory: timedelta) -> Judged:
    """Judge one record of `webhooks.*`. Raises EnvelopeError or KeyError for a record ingest did not write."""
    meta = read_webhook(record.headers)
    if meta.quarantine_reason:
        return Judged(meta=meta, receipt=_verdict(record, meta, "quarantined", reason=meta.quarantine_reason))
    adapter = adapters[meta.provider]
    received_ms = round(meta.received_at.timestamp() * 1000)
    try:
        payload = read_payload(record.value or b"")
    except UnreadableBody as error:
        return Judged(meta=meta, receipt=_verdict(record, meta, "malformed", reason=str(error)))
    redrive = redrive_of(record.headers)
    judgement, remember = judge(
        seen,
        meta.receipt_id,
        received_ms,
        record.offset,
        memory,
        adapter.retry_window(payload),
        redrives=0 if redrive is None else redrive.generation,
    )
    if judgement == "already done":
        return Judged(meta=meta)
    if judgement == "duplicate":
        verdict = _verdict(
            record,
            meta,
            "duplicate",
            # Only here: a fresh webhook's name comes with its facts.
            provider_event=adapter.deliver(meta.workspace, payload).provider_event,
            first_receipt_id=remember.receipt_id,
            occurrence=remember.occurrence,
        )
        return Judged(meta=meta, receipt=verdict, remember=remember)
    normalised = _normalise(adapter, payload, record, meta)
    return Judged(
        meta=meta,
        receipt=_verdict_of(normalised, record, meta, remember.occurrence),
        facts=normalised.facts,
        remember=remember,
    )


def _normalise(adapter: Adapter, payload: Payload, record: Record, meta: WebhookMeta) -> Normalised:
    receipt = Receipt(
        receipt_id=meta.receipt_id,
        workspace=meta.workspace,
        dedupe_key=record.key.decode("utf-8", "replace"),
        received_at=meta.received_at,
        timezone=meta.timezone,
        query=meta.query,
    )
    return adapter.normalise(payload, receipt)


def _verdict_of(normalised: Normalised, record: Record, meta: WebhookMeta, occurrence: int) -> ReceiptJudged:
    messages = tuple(dict.fromkeys(fact.message_id for fact in normalised.facts if isinstance(fact, InboxMessage)))
    return _verdict(
        record,
        meta,
        normalised.verdict,
        reason=normalised.reason,
        provider_event=normalised.provider_event,
        occurrence=occurrence,
        message_ids=messages,
        fact_count=len(normalised.facts),
    )


def _verdict(record: Record, meta: WebhookMeta, verdict: Verdict, **details: Any) -> ReceiptJudged:
    return ReceiptJudged(
        receipt_id=meta.receipt_id,
        workspace=meta.workspace,
        provider=meta.provider,
        verdict=verdict,
        dedupe_key=record.key.decode("utf-8", "replace"),
        received_at=meta.received_at,
        stored_at=datetime.fromtimestamp(record.timestamp_ms / 1000, UTC),
        route=meta.route,
        source_topic=record.topic,
        source_partition=record.partition,
        source_offset=record.offset,
        body_bytes=len(record.value or b""),
        **details,
    )
