"""What a redrive has sent by now, read from the log: a run that was cut off need not send it again.

A record is sent first and noted in `dead-letters` then. What was sent and not noted is found by the letter it names.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from headrace.events.codec import UndecodableEvent, UnknownEventType
from headrace.events.dead_letters import DeadLetterRedriven, Redrive, redrive_of
from headrace.events.envelope import EnvelopeError, header_map
from headrace.events.jobs import JobRequested
from headrace.events.records import Record
from headrace.events.topics import DEAD_LETTERS, INBOX, INBOX_BULK, JOBS, MESSAGES, REPLY_TOPICS, WEBHOOKS_BULK
from headrace.kafka.faust.dead_letters import letter_event
from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import read_ranges
from headrace.settings import Settings
from projections.projection import decode_event

#: Where a redrive sends to.
TARGETS = (*REPLY_TOPICS, WEBHOOKS_BULK, INBOX, INBOX_BULK, MESSAGES, JOBS)
#: The ledger's clock may be ahead of the brokers'.
_SKEW = timedelta(minutes=1)


class SentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record that was sent again."""

    letter_id: str
    generation: int
    topic: str
    partition: int
    offset: int
    #: The letter's own key, under which it is noted.
    key: bytes
    receipt_id: str = ""
    workspace: str = ""
    #: Of a job that was asked for again, and the life it was asked for.
    job_id: str | None = None
    job_generation: int = 0

    @property
    def place(self) -> tuple[str, int, int]:
        """Where it stands."""
        return self.topic, self.partition, self.offset


def sent_record(redrive: Redrive, record: Record, request: JobRequested | None) -> SentRecord:
    """What is to be known of a record that was sent again. `request`: the job it asks for, if it asks for one."""
    headers = header_map(record.headers)
    return SentRecord(
        letter_id=redrive.letter_id,
        generation=redrive.generation,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        receipt_id=headers.get("ce_receiptid", ""),
        workspace=headers.get("ce_workspace", ""),
        job_id=None if request is None else request.job_id,
        job_generation=0 if request is None else request.generation,
    )


def note_of(settings: Settings, sent: SentRecord, run_id: str, by: str, at: datetime) -> OutRecord:
    """The event that tells of a record that was sent again."""
    event = DeadLetterRedriven(
        letter_id=sent.letter_id,
        generation=sent.generation,
        receipt_id=sent.receipt_id,
        workspace=sent.workspace,
        at=at,
        by=by,
        run_id=run_id,
        topic=sent.topic,
        partition=sent.partition,
        offset=sent.offset,
    )
    return letter_event(settings, sent.key, event, "/cli/dlq", f"{sent.topic}:{sent.partition}:{sent.offset}")


def noted_since(settings: Settings, began: datetime, run_id: str) -> dict[tuple[str, int, int], str]:
    """Place → letter, of what was noted by this run since it began. Raises KafkaUnreachable."""
    return {place: event.letter_id for place, event in _notes(settings, began) if event.run_id == run_id}


def sent_since(settings: Settings, began: datetime) -> tuple[list[SentRecord], list[SentRecord]]:
    """All that was sent since a moment, and those of it that nobody noted. Raises KafkaUnreachable."""
    sent = list(_sent(settings, began))
    noted = {place for place, _ in _notes(settings, began)}
    return sent, [one for one in sent if one.place not in noted]


def _sent(settings: Settings, began: datetime) -> Iterator[SentRecord]:
    for record in _records(settings, [settings.topic(topic) for topic in TARGETS], began):
        try:
            redrive = redrive_of(record.headers)
        except EnvelopeError:
            continue
        if redrive is not None:
            request = _request_of(record) if record.topic == settings.topic(JOBS) else None
            yield sent_record(redrive, record, request)


def _notes(settings: Settings, began: datetime) -> Iterator[tuple[tuple[str, int, int], DeadLetterRedriven]]:
    for record in _records(settings, [settings.topic(DEAD_LETTERS)], began):
        if header_map(record.headers).get("ce_type", "").startswith("dead.letter.redriven."):
            event: DeadLetterRedriven = decode_event(record)
            yield (event.topic, event.partition, event.offset), event


def _records(settings: Settings, topics: Iterable[str], began: datetime) -> Iterator[Record]:
    return read_ranges(settings, LogOffsets(settings).window(topics, began - _SKEW))


def _request_of(record: Record) -> JobRequested | None:
    try:
        event = decode_event(record)
    except (EnvelopeError, UnknownEventType, UndecodableEvent):
        return None
    return event if isinstance(event, JobRequested) else None
