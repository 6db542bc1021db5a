"""The differences of a window in full: which fields change, and the records that would put it right."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from headrace.events.codec import Codec
from headrace.events.envelope import read_envelope
from headrace.events.inbox import InboxFact, InboxMessage
from headrace.events.messages import Message
from headrace.events.receipts import ReceiptJudged
from headrace.events.records import Record
from headrace.events.topics import INBOX, INBOX_BULK, RECEIPTS, WEBHOOKS_BULK
from headrace.events.webhooks import WebhookMeta
from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.log_offsets import spans_of
from headrace.kafka.log_records import in_pieces, read_ranges
from headrace.providers.adapter import Adapter, Normalised
from headrace.settings import Settings
from operations.records.field_changes import FieldChange, changes_between
from operations.replay.webhooks.comparison import Difference
from operations.replay.webhooks.reading import as_message, evidence_digest, normalised
from operations.replay.webhooks.recorded import Recorded
from operations.replay.webhooks.window import Window, webhooks_of
from projections.projection import decode_event
from streams.jobs.requests import asks_for_work
from streams.pipeline.derived_records import fact_record, receipt_record

#: Webhooks whose content is held in memory at a time.
CHUNK = 10_000
SOURCE = "/replay/webhooks"


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done about one webhook."""

    difference: Difference
    #: Message id → the fields that change.
    changes: dict[str, tuple[FieldChange, ...]]
    #: Messages and facts: to be acknowledged before the verdict is sent.
    facts: tuple[OutRecord, ...]
    verdict: OutRecord | None


class CorrectionRecords:
    """Builds the records of one run. Ids are those of the records they correct."""

    def __init__(self, settings: Settings, run_id: str) -> None:
        self._settings = settings
        self._run_id = run_id
        self._codec = Codec()

    def message(self, recorded: Record, before: Message, after: Message) -> OutRecord:
        """The message as it is read now, beside the record it corrects: same lead, same partition, same id."""
        envelope = read_envelope(recorded.headers)
        # What was no work before, such as a bounce that is a person's reply after all, still has to be asked for.
        asks_anew = asks_for_work(after) and not asks_for_work(before)
        corrected = msgspec.structs.replace(
            envelope,
            type=self._codec.type_of(after),
            source=SOURCE,
            correction="" if asks_anew else self._run_id,
        )
        return OutRecord(
            recorded.topic, recorded.partition, recorded.key, self._codec.encode(after), corrected.headers()
        )

    def fact(self, webhook: Record, meta: WebhookMeta, fact: InboxFact, index: int) -> OutRecord:
        """A fact nobody read before: it takes the way every fact takes."""
        is_bulk = webhook.topic == self._settings.topic(WEBHOOKS_BULK)
        topic = self._settings.topic(INBOX_BULK if is_bulk else INBOX)
        return fact_record(self._codec, self._settings, topic, fact, index, meta.traceparent)

    def verdict(self, webhook: Record, meta: WebhookMeta, verdict: ReceiptJudged) -> OutRecord:
        """The verdict as it would be given now."""
        return receipt_record(self._codec, self._settings.topic(RECEIPTS), verdict, webhook, meta.traceparent)


def corrections(
    settings: Settings,
    window: Window,
    adapter: Adapter,
    differences: Iterable[Difference],
    recorded: Recorded,
    records: CorrectionRecords,
) -> Iterator[Correction]:
    """The corrections for these differences. Reads both sides again, in pieces that fit into memory."""
    for chunk in in_pieces(differences, CHUNK):
        by_place = {(*one.reading.place, one.reading.offset): one for one in chunk}
        wanted = {id_ for one in chunk for id_ in one.changed}
        messages = _messages(settings, recorded, wanted)
        for webhook, meta in webhooks_of(settings, spans_of(by_place), window):
            difference = by_place.get((webhook.topic, webhook.partition, webhook.offset))
            if difference is not None:
                found = normalised(webhook, meta, adapter)
                yield _correction(webhook, meta, found, difference, messages, records)


def _messages(settings: Settings, recorded: Recorded, wanted: Iterable[str]) -> dict[str, Record]:
    """The records of these messages, as their rows are made of them."""
    by_place = {(*recorded.messages[id_].place, recorded.messages[id_].offset): id_ for id_ in wanted}
    found: dict[str, Record] = {}
    for record in read_ranges(settings, spans_of(by_place)):
        id_ = by_place.get((record.topic, record.partition, record.offset))
        if id_ is not None:
            found[id_] = record
    return found


def _correction(
    webhook: Record,
    meta: WebhookMeta,
    found: Normalised,
    difference: Difference,
    messages: Mapping[str, Record],
    records: CorrectionRecords,
) -> Correction:
    changes: dict[str, tuple[FieldChange, ...]] = {}
    out: list[OutRecord] = []
    unheard = set(difference.new_evidence)
    for index, fact in enumerate(found.facts):
        if isinstance(fact, InboxMessage):
            if fact.message_id in difference.changed and fact.message_id not in changes:
                record = messages[fact.message_id]
                before: Any = decode_event(record)
                after = as_message(fact, before.lead_id)
                changes[fact.message_id] = tuple(changes_between(before, after))
                out.append(records.message(record, before, after))
            elif fact.message_id in difference.new:
                out.append(records.fact(webhook, meta, fact, index))
        elif (digest := evidence_digest(fact)) in unheard:
            unheard.discard(digest)
            out.append(records.fact(webhook, meta, fact, index))
    verdict = records.verdict(webhook, meta, _verdict(difference)) if difference.is_verdict_changed else None
    if not difference.is_written:
        return Correction(difference=difference, changes=changes, facts=(), verdict=None)
    return Correction(difference=difference, changes=changes, facts=tuple(out), verdict=verdict)


def _verdict(difference: Difference) -> ReceiptJudged:
    reading = difference.reading
    return msgspec.structs.replace(
        difference.verdict,
        verdict=reading.verdict,
        reason=reading.reason,
        provider_event=reading.provider_event,
        message_ids=reading.message_ids,
        fact_count=reading.fact_count,
    )
