"""Records nobody could process go to `dead-letters` whole, with where they came from and why; and back, once mended."""

from datetime import UTC, datetime

import msgspec

from headrace.events.caps import TooLarge
from headrace.events.codec import Codec
from headrace.events.dead_letters import OMITTED_HEADER, DeadLetterEvent, DeadLetterFixed, redrive_of
from headrace.events.envelope import Envelope, format_time, header_map
from headrace.events.ids import event_id
from headrace.events.records import Record
from headrace.events.topics import DEAD_LETTERS, record_limit
from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings

_CODEC = Codec()


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a record is set aside. Nothing in it may quote the lead."""

    #: Who gave up, such as `dedupe`.
    stage: str
    error_class: str
    reason: str
    attempts: int
    first_at: datetime
    last_at: datetime


def dead_letter(settings: Settings, record: Record, stage: str, error: Exception) -> OutRecord:
    """The record as a dead letter after one attempt.

    The reason is the error's class alone, unless it is about sizes: a message may quote the lead. Times are the
    broker's append time of the record, so that a second attempt writes the same bytes.
    """
    appended = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
    name = type(error).__name__
    # The message of the former quotes nobody.
    why = str(error) if isinstance(error, TooLarge) else name
    failure = Failure(
        stage=stage,
        error_class=name,
        reason=f"{stage} could not process it: {why}",
        attempts=1,
        first_at=appended,
        last_at=appended,
    )
    return set_aside(settings, record, failure)


def set_aside(settings: Settings, record: Record, failure: Failure) -> OutRecord:
    """The record as a dead letter: key, value and headers as they were, the rest in `dlq_*` headers."""
    headers = [
        *record.headers,
        ("dlq_stage", failure.stage.encode()),
        ("dlq_topic", record.topic.encode()),
        ("dlq_partition", str(record.partition).encode()),
        ("dlq_offset", str(record.offset).encode()),
        ("dlq_error_class", failure.error_class.encode()),
        ("dlq_reason", failure.reason.encode()),
        ("dlq_attempts", str(failure.attempts).encode()),
        ("dlq_first_at", format_time(failure.first_at).encode()),
        ("dlq_last_at", format_time(failure.last_at).encode()),
    ]
    letter = OutRecord(
        settings.topic(DEAD_LETTERS),
        key_partition(record.key, settings.partitions),
        record.key,
        record.value,
        headers,
    )
    return letter if letter.bytes <= record_limit(letter.topic) else without_value(letter)


def without_value(letter: OutRecord) -> OutRecord:
    """The letter of a record that `dead-letters` does not take whole: it is read where it stood, as the headers say."""
    omitted = (OMITTED_HEADER, str(len(letter.value or b"")).encode())
    return msgspec.structs.replace(letter, value=None, headers=[*letter.headers, omitted])


def fixed_letter(settings: Settings, record: Record, stage: str) -> list[OutRecord]:
    """What to send once a record is processed: nothing, unless a person had sent it again. Raises EnvelopeError.

    Sent with all else that follows from the record, so that whoever sees it processed sees the letter fixed.
    """
    redrive = redrive_of(record.headers)
    if redrive is None:
        return []
    headers = header_map(record.headers)
    event = DeadLetterFixed(
        letter_id=redrive.letter_id,
        generation=redrive.generation,
        receipt_id=headers.get("ce_receiptid", ""),
        workspace=headers.get("ce_workspace", ""),
        # The broker's append time of the record: done twice, it is the same event.
        at=datetime.fromtimestamp(record.timestamp_ms / 1000, UTC),
        stage=stage,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
    )
    return [letter_event(settings, record.key, event, f"/{stage}", f"{record.partition}:{record.offset}")]


def letter_event(settings: Settings, key: bytes, event: DeadLetterEvent, source: str, *parts: str) -> OutRecord:
    """An event about a dead letter, beside the letters of its key. `parts` tell it from others of its generation."""
    type_ = _CODEC.type_of(event)
    envelope = Envelope(
        id=event_id(type_, event.letter_id, str(event.generation), *parts),
        type=type_,
        source=source,
        time=event.at,
        subject=event.letter_id,
        receipt_id=event.receipt_id,
        workspace=event.workspace,
    )
    partition = key_partition(key, settings.partitions)
    return OutRecord(settings.topic(DEAD_LETTERS), partition, key, _CODEC.encode(event), envelope.headers())
