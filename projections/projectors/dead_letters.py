"""Records of `dead-letters` → `dead_letters`: where each came from and why; `dead_letter_events`: what came of it.

The record itself stays in Kafka.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec

from headrace.events.dead_letters import (
    DeadLetterDiscarded,
    DeadLetterEvent,
    DeadLetterFixed,
    DeadLetterRedriven,
    LetterId,
    Redrive,
    read_letter_id,
    redrive_of,
)
from headrace.events.envelope import header_map, parse_time
from headrace.events.ids import derived_id
from headrace.events.records import Record
from headrace.events.topics import DEAD_LETTERS
from projections.projection import BadRecord, Projection, RowOp, decode_event

_EVENTS = ("dead.letter.redriven.", "dead.letter.fixed.", "dead.letter.discarded.")


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """What a dead letter's `dlq_*` headers say."""

    stage: str
    topic: str
    partition: int
    offset: int
    error_class: str
    reason: str
    attempts: int
    first_at: datetime
    last_at: datetime
    workspace: str | None
    receipt_id: str | None
    #: The letter it was before, when a person had sent it again.
    redrive: Redrive | None


def read_dead_letter(record: Record) -> DeadLetter | DeadLetterEvent:
    """The origin of a dead letter, whose own bytes are not looked at, or what was done about one.

    Raises BadRecord, EnvelopeError and what `decode_event` raises.
    """
    found = header_map(record.headers)
    if "dlq_stage" not in found and found.get("ce_type", "").startswith(_EVENTS):
        event: DeadLetterEvent = decode_event(record)
        return event
    try:
        return DeadLetter(
            stage=found["dlq_stage"],
            topic=found["dlq_topic"],
            partition=int(found["dlq_partition"]),
            offset=int(found["dlq_offset"]),
            error_class=found["dlq_error_class"],
            reason=found["dlq_reason"],
            attempts=int(found["dlq_attempts"]),
            first_at=parse_time(found["dlq_first_at"]),
            last_at=parse_time(found["dlq_last_at"]),
            workspace=found.get("ce_workspace"),
            receipt_id=found.get("ce_receiptid"),
            redrive=redrive_of(record.headers),
        )
    except KeyError as missing:
        raise BadRecord(f"a dead letter without the header {missing}") from None
    except ValueError as error:
        raise BadRecord(f"a dead letter with an unreadable header ({type(error).__name__})") from None


def project_dead_letter(_record: Record, letter: DeadLetter) -> list[RowOp]:
    """One row for each record and stage that failed, however often it is dead-lettered again.

    One that had been sent again is also something that became of the letter it was.
    """
    row = {
        "origin_topic": letter.topic,
        "origin_partition": letter.partition,
        "origin_offset": letter.offset,
        "stage": letter.stage,
        "error_class": letter.error_class,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "first_failed_at": letter.first_at,
        "last_failed_at": letter.last_at,
        "workspace_id": letter.workspace,
        "receipt_id": letter.receipt_id,
    }
    failed = [] if letter.redrive is None else [_failed_again(letter, letter.redrive)]
    return [RowOp("dead_letters", row), *failed]


def project_redrive(_record: Record, event: DeadLetterRedriven) -> list[RowOp]:
    """It was sent again."""
    who = {"changed_by": event.by, "run_id": event.run_id}
    return [_about(event, "redriven", {**who, **_place(event.topic, event.partition, event.offset)})]


def project_fix(_record: Record, event: DeadLetterFixed) -> list[RowOp]:
    """It went through."""
    place = _place(event.topic, event.partition, event.offset)
    return [_about(event, "fixed", {"stage": event.stage, **place})]


def project_discard(_record: Record, event: DeadLetterDiscarded) -> list[RowOp]:
    """Nobody wants it any more."""
    return [_about(event, "discarded", {"changed_by": event.by, "run_id": event.run_id, "reason": event.reason})]


def _failed_again(letter: DeadLetter, redrive: Redrive) -> RowOp:
    values = {
        "letter_id": redrive.letter_id,
        "generation": redrive.generation,
        "stage": letter.stage,
        "error_class": letter.error_class,
        "reason": letter.reason,
        "happened_at": letter.last_at,
        "workspace_id": letter.workspace,
        "receipt_id": letter.receipt_id,
        **_place(letter.topic, letter.partition, letter.offset),
    }
    return _row("failed", values)


def _about(event: DeadLetterEvent, kind: Literal["redriven", "fixed", "discarded"], more: dict[str, Any]) -> RowOp:
    values = {
        "letter_id": event.letter_id,
        "generation": event.generation,
        "stage": _known(event.letter_id).stage,
        "happened_at": event.at,
        "workspace_id": event.workspace or None,
        "receipt_id": event.receipt_id or None,
        **more,
    }
    return _row(kind, values)


def _row(kind: str, values: dict[str, Any]) -> RowOp:
    row: dict[str, Any] = dict.fromkeys(_OPTIONAL) | values | {"event": kind}
    # By what happened to which record: told twice, it is one row.
    parts = (row["letter_id"], kind, row["generation"], row["stage"], *(row[name] for name in _RECORD))
    return RowOp("dead_letter_events", row | {"event_id": derived_id("dead letter event", *map(str, parts))})


def _place(topic: str, partition: int, offset: int) -> dict[str, Any]:
    return dict(zip(_RECORD, (topic, partition, offset), strict=True))


def _known(letter_id: str) -> LetterId:
    try:
        return read_letter_id(letter_id)
    except ValueError as error:
        raise BadRecord(str(error)) from None


_RECORD = ("record_topic", "record_partition", "record_offset")
_OPTIONAL = (*_RECORD, "error_class", "reason", "changed_by", "run_id")


PROJECTION = Projection(
    name="dead_letters",
    topic=DEAD_LETTERS,
    rev=1,
    tables=("dead_letters", "dead_letter_events"),
    projectors={
        DeadLetter: project_dead_letter,
        DeadLetterRedriven: project_redrive,
        DeadLetterFixed: project_fix,
        DeadLetterDiscarded: project_discard,
    },
    decode=read_dead_letter,
)
