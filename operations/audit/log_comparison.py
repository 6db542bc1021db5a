"""What only a full audit does: reads the log itself, and compares it with the rows record by record."""

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any

from headrace.events.codec import UndecodableEvent, UnknownEventType
from headrace.events.envelope import EnvelopeError, header_map
from headrace.events.jobs import JobCancelled, JobDied, JobEvent, JobRequested, JobSucceeded
from headrace.events.messages import LeadSplit, Message, MessageMoved
from headrace.events.records import Record
from headrace.events.topics import MESSAGES
from headrace.kafka.log_offsets import LogOffsets, LogRange, Place
from headrace.kafka.log_records import in_chunks, read_ranges
from headrace.settings import Settings
from operations.audit.findings import Missing, TopicAudit
from operations.audit.job_rows import JobRowKey, JobRows
from operations.audit.webhook_rows import WebhookRows
from operations.records.settling import JobsSettled, Settled
from projections.projection import BadRecord, decode_event

_JobEnd = JobSucceeded | JobDied | JobCancelled
_OUTCOMES: Mapping[type[JobEvent], str] = {
    JobSucceeded: "succeeded",
    JobDied: "died",
    JobCancelled: "cancelled",
}


def compare_receipts(settings: Settings, rows: WebhookRows, settled: Settled) -> list[Missing]:
    """Reads the webhooks: the verdict at each place is about the receipt that stands there."""
    wrong: list[Missing] = []
    for place, log_range in settled.ranges.items():
        for chunk in in_chunks(read_ranges(settings, {place: LogRange(log_range.start, settled.judged_to[place])})):
            receipts = {record.offset: header_map(record.headers).get("ce_receiptid", "") for record in chunk}
            wrong += [
                Missing(kind="verdict", topic=place[0], partition=place[1], offset=o, receipt_id=receipts[o])
                for o in rows.mismatched(place, receipts)
            ]
    return wrong


def compare_messages(
    settings: Settings, log: LogOffsets, rows: WebhookRows, positions: Mapping[Place, int]
) -> tuple[TopicAudit, list[Missing]]:
    """Reads the messages: each that the projection has passed has its row, and so has what a split gave to whom."""
    totals = TopicAudit(topic=settings.topic(MESSAGES))
    unwritten_events: list[Missing] = []
    for place, log_range in log.ranges([totals.topic]).items():
        passed = LogRange(log_range.start, min(positions.get(place, log_range.start), log_range.end))
        totals.records += log_range.end - log_range.start
        totals.in_flight += log_range.end - passed.end
        for chunk in in_chunks(read_ranges(settings, {place: passed})):
            events = _events_among(chunk, Message | LeadSplit | MessageMoved)
            unwritten = _unwritten(rows, events)
            refused = rows.dead_receipts(events[offset].receipt_id for offset in unwritten)
            missing = [
                Missing(kind="row", topic=place[0], partition=place[1], offset=o, receipt_id=events[o].receipt_id)
                for o in unwritten
                if events[o].receipt_id not in refused
            ]
            unwritten_events += missing
            totals.missing += len(missing)
            totals.dead_lettered += len(unwritten) - len(missing)
    totals.proven = totals.records - totals.in_flight - totals.missing - totals.dead_lettered
    return totals, unwritten_events


def _unwritten(rows: WebhookRows, events: Mapping[int, Message | LeadSplit | MessageMoved]) -> list[int]:
    messages = {o: (e.workspace, e.message_id) for o, e in events.items() if isinstance(e, Message)}
    splits = {o: (e.workspace, e.new_lead_id) for o, e in events.items() if isinstance(e, LeadSplit)}
    moves = {o: (e.workspace, e.message_id) for o, e in events.items() if isinstance(e, MessageMoved)}
    return sorted((*rows.unwritten_messages(messages), *rows.unwritten_splits(splits), *rows.unwritten_moves(moves)))


def _events_among(records: Iterable[Record], kinds: type | UnionType) -> dict[int, Any]:
    """The events of these kinds by their offset."""
    return {record.offset: event for record in records if isinstance(event := _event_of(record), kinds)}


def _event_of(record: Record) -> Any:
    """The event of a record; None for what is a dead letter by the same errors."""
    try:
        return decode_event(record)
    except (EnvelopeError, UndecodableEvent, UnknownEventType, BadRecord):
        return None


def compare_jobs(settings: Settings, rows: JobRows, settled: JobsSettled) -> list[Missing]:
    """Reads the log of jobs: each request and each end that the projection has passed has its row."""
    missing: list[Missing] = []
    for place, log_range in settled.jobs.items():
        passed = LogRange(log_range.start, settled.projected_to[place])
        for chunk in in_chunks(read_ranges(settings, {place: passed})):
            events = _events_among(chunk, JobRequested | _JobEnd)
            unwritten = rows.unwritten({offset: _row_of(event) for offset, event in events.items()})
            refused = rows.refused_by_projection() if unwritten else set()
            missing += (
                _row_missing(place, offset, events[offset])
                for offset in unwritten
                if events[offset].receipt_id not in refused
            )
    return missing


def _row_of(event: JobRequested | _JobEnd) -> JobRowKey:
    return event.workspace, event.job_id, event.generation, _OUTCOMES.get(type(event))


def _row_missing(place: Place, offset: int, event: JobRequested | _JobEnd) -> Missing:
    return Missing(
        kind="row",
        topic=place[0],
        partition=place[1],
        offset=offset,
        receipt_id=event.receipt_id,
        message_id=event.message_id,
        job_id=event.job_id,
        job_type=event.type,
    )
