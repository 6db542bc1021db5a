"""What the log says of a window's webhooks now: verdicts, what was forwarded, the newest record of each message."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from headrace.events.codec import UndecodableEvent, UnknownEventType
from headrace.events.envelope import EnvelopeError, header_map
from headrace.events.inbox import InboxMessage, InboxSignal, InboxSuppression
from headrace.events.messages import Message
from headrace.events.receipts import ReceiptJudged
from headrace.events.records import Record
from headrace.events.topics import INBOX, INBOX_BULK, MESSAGES, RECEIPTS
from headrace.kafka.log_offsets import LogOffsets, Place
from headrace.kafka.log_records import read_ranges
from headrace.settings import Settings
from operations.replay.webhooks.reading import Digest, Reading, about_lead_digest, content_digest, evidence_digest
from operations.replay.webhooks.window import Window, derived_ranges
from projections.projection import BadRecord, decode_event

#: Called with a phase and how many records were looked at in it.
Progress = Callable[[str, int], None]
_STEP = 5000


class _Named(msgspec.Struct):
    """The part of a message's JSON that tells whether it is wanted."""

    message_id: str = ""


class RecordedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a message that its row is made of, without its content."""

    receipt_id: str
    place: Place
    offset: int
    content: Digest


class Recorded(msgspec.Struct, kw_only=True):
    """All the log says. Verdicts and evidence by receipt id, messages by their own."""

    verdicts: dict[str, ReceiptJudged] = {}
    messages: dict[str, RecordedMessage] = {}
    evidence: dict[str, set[Digest]] = {}
    #: (receipt id, message id) → what the webhook was read to say about the lead.
    about_lead: dict[tuple[str, str], Digest] = {}


_named_decoder = msgspec.json.Decoder(_Named)


def recorded_of(
    settings: Settings, log: LogOffsets, window: Window, readings: Mapping[str, Reading], progress: Progress
) -> Recorded:
    """What is recorded of the receipts of these readings. Raises KafkaUnreachable."""
    found = Recorded()
    wanted_ids = {id_ for reading in readings.values() for id_ in reading.message_ids}
    takes: tuple[tuple[Callable[[Record], None], tuple[str, Iterable[Record]]], ...] = (
        (lambda record: _take_verdict(found, record), _records(settings, log, window, readings, RECEIPTS.name)),
        (lambda record: _take_fact(found, record), _records(settings, log, window, readings, INBOX.name)),
        (lambda record: _take_fact(found, record), _records(settings, log, window, readings, INBOX_BULK.name)),
    )
    for take, (phase, records) in takes:
        for number, record in enumerate(records, start=1):
            take(record)
            if number % _STEP == 0:
                progress(phase, number)
    ranges = derived_ranges(settings, log, window, MESSAGES)
    for number, record in enumerate(read_ranges(settings, ranges), start=1):
        _take_message(found, record, readings, wanted_ids)
        if number % _STEP == 0:
            progress("messages", number)
    return found


def _records(
    settings: Settings, log: LogOffsets, window: Window, readings: Mapping[str, Reading], name: str
) -> tuple[str, Iterable[Record]]:
    topic = {one.name: one for one in (RECEIPTS, INBOX, INBOX_BULK)}[name]
    ranges = derived_ranges(settings, log, window, topic)
    return name, (record for record in read_ranges(settings, ranges) if receipt_of(record) in readings)


def receipt_of(record: Record) -> str:
    """The receipt a record names; empty when it names none."""
    return header_map(record.headers).get("ce_receiptid", "")


def _take_verdict(found: Recorded, record: Record) -> None:
    event = _decoded(record)
    if isinstance(event, ReceiptJudged):
        found.verdicts[event.receipt_id] = event


def _take_fact(found: Recorded, record: Record) -> None:
    event = _decoded(record)
    if isinstance(event, InboxMessage):
        found.about_lead[event.receipt_id, event.message_id] = about_lead_digest(event)
    elif isinstance(event, InboxSuppression | InboxSignal):
        found.evidence.setdefault(event.receipt_id, set()).add(evidence_digest(event))


def _take_message(found: Recorded, record: Record, readings: Mapping[str, Reading], wanted_ids: set[str]) -> None:
    if receipt_of(record) not in readings and _message_id(record) not in wanted_ids:
        return
    event = _decoded(record)
    if isinstance(event, Message):
        known = found.messages.get(event.message_id)
        # The order in which rows replace each other: what stands in the row is what counts as recorded.
        if known is None or (known.place[1], known.offset) < (record.partition, record.offset):
            found.messages[event.message_id] = RecordedMessage(
                receipt_id=event.receipt_id,
                place=(record.topic, record.partition),
                offset=record.offset,
                content=content_digest(event),
            )


def _message_id(record: Record) -> str:
    try:
        return _named_decoder.decode(record.value or b"{}").message_id
    except msgspec.MsgspecError:
        return ""


def _decoded(record: Record) -> object:
    """None for what is a dead letter everywhere else."""
    try:
        event: object = decode_event(record)
    except (EnvelopeError, UnknownEventType, UndecodableEvent, BadRecord):
        return None
    return event
