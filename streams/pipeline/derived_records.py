"""Events as Kafka records: the envelope, key and partition of everything the pipeline derives."""

from headrace.events.codec import Codec
from headrace.events.dead_letters import QUARANTINE, read_letter_id, redrive_of
from headrace.events.envelope import Envelope
from headrace.events.ids import event_id
from headrace.events.inbox import InboxFact
from headrace.events.messages import LeadEvent, LeadSignalled, LeadSuppressed, Message
from headrace.events.receipts import ReceiptJudged
from headrace.events.records import Record
from headrace.events.topics import MESSAGES
from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings


def fact_record(
    codec: Codec, settings: Settings, topic: str, fact: InboxFact, index: int, traceparent: str
) -> OutRecord:
    """A fact for the inbox, keyed by workspace. `index` tells the facts of one webhook apart."""
    type_ = codec.type_of(fact)
    envelope = Envelope(
        id=event_id(type_, fact.receipt_id, str(index)),
        type=type_,
        source="/pipeline/dedupe",
        time=fact.received_at,
        subject=fact.workspace,
        receipt_id=fact.receipt_id,
        workspace=fact.workspace,
        provider=fact.provider,
        traceparent=traceparent,
    )
    key = fact.workspace.encode()
    return OutRecord(topic, key_partition(key, settings.partitions), key, codec.encode(fact), envelope.headers())


def receipt_record(codec: Codec, topic: str, receipt: ReceiptJudged, record: Record, traceparent: str) -> OutRecord:
    """A verdict, under the key and partition of the record it judges.

    A webhook that left quarantine had a verdict there, under another key: the new one stands behind that, so that it
    takes its place.
    """
    key, partition = record.key, record.partition
    redrive = redrive_of(record.headers)
    if redrive is not None and redrive.stage == QUARANTINE:
        key, partition = receipt.receipt_id.encode(), read_letter_id(redrive.letter_id).partition
    type_ = codec.type_of(receipt)
    envelope = Envelope(
        id=event_id(type_, receipt.receipt_id),
        type=type_,
        source="/pipeline/dedupe",
        time=receipt.received_at,
        subject=receipt.dedupe_key,
        receipt_id=receipt.receipt_id,
        workspace=receipt.workspace,
        provider=receipt.provider,
        traceparent=traceparent,
    )
    return OutRecord(topic, partition, key, codec.encode(receipt), envelope.headers())


def lead_record(codec: Codec, settings: Settings, event: LeadEvent, cause: Envelope, index: int) -> OutRecord:
    """An event of a lead, keyed by the lead. `cause` is the fact it follows from, `index` its place in its type."""
    type_ = codec.type_of(event)
    envelope = Envelope(
        id=event_id(type_, cause.id, str(index)),
        type=type_,
        source="/pipeline/resolve",
        time=cause.time,
        subject=event.lead_id,
        receipt_id=event.receipt_id,
        workspace=event.workspace,
        provider=event.provider if isinstance(event, Message | LeadSuppressed | LeadSignalled) else "",
        traceparent=cause.traceparent,
    )
    key = event.lead_id.encode()
    return OutRecord(
        settings.topic(MESSAGES),
        key_partition(key, settings.partitions),
        key,
        codec.encode(event),
        envelope.headers(),
    )
