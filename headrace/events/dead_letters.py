"""Dead letters: how one is named, what a record that was sent again says of itself, and what was done about letters.

The letters themselves stand in the topic `dead-letters` as they were; these events stand between them.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from headrace.events.caps import Actor, CutFields, Key, PlainName, Reason, Ref, Word
from headrace.events.envelope import EnvelopeError, Headers, header_map

#: On a record that was sent again: the letter it was, and how often it was sent by now.
LETTER_HEADER = "ce_letter"
GENERATION_HEADER = "ce_generation"
#: What a stage says of a record it sets aside.
FAILURE_HEADERS = "dlq_"
#: On a letter without its record's value, which was too large for the topic: its bytes.
OMITTED_HEADER = "dlq_omitted_bytes"
#: The stage of webhooks that ingest could not assign.
QUARANTINE = "quarantine"
#: Before the name of a projection that refused a record.
PROJECT = "project:"


class LetterId(msgspec.Struct, frozen=True, order=True):
    """Where a record stood, and who gave up on it."""

    topic: str
    partition: int
    offset: int
    stage: str

    def __str__(self) -> str:
        """As people type it: `webhooks.ghl:3:1207:dedupe`."""
        return f"{self.topic}:{self.partition}:{self.offset}:{self.stage}"


def read_letter_id(text: str) -> LetterId:
    """The inverse of `str`. Raises ValueError."""
    topic, partition, offset, stage = (*text.split(":", 3), "", "", "")[:4]
    if not (topic and partition.isdecimal() and offset.isdecimal() and stage):
        raise ValueError(f"{text!r} names no dead letter; one looks like webhooks.ghl:3:1207:dedupe")
    return LetterId(topic, int(partition), int(offset), stage)


class Redrive(msgspec.Struct, frozen=True):
    """Which letter a record was, and its generation: 1 when it was first sent again."""

    letter_id: str
    generation: int

    def headers(self) -> Headers:
        """What a record that is sent again carries beside its own headers."""
        return [(LETTER_HEADER, self.letter_id.encode()), (GENERATION_HEADER, str(self.generation).encode())]

    @property
    def stage(self) -> str:
        """Who gave up on it. Raises ValueError for an unreadable id."""
        return read_letter_id(self.letter_id).stage


def redrive_of(headers: Headers) -> Redrive | None:
    """What a record says of its being sent again; None for one that came the first time. Raises EnvelopeError."""
    # Asked of every record there is: neither a dictionary nor a generator for those without such a header.
    for name, _ in headers:
        if name == LETTER_HEADER:
            return _read_redrive(header_map(headers))
    return None


def _read_redrive(found: Mapping[str, str]) -> Redrive:
    generation = found.get(GENERATION_HEADER, "")
    if not generation.isdecimal() or int(generation) < 1:
        raise EnvelopeError(f"a record that was sent again has no usable {GENERATION_HEADER}")
    return Redrive(found[LETTER_HEADER], int(generation))


def original_headers(headers: Headers) -> Headers:
    """The headers a record had before anybody set it aside or sent it again."""
    ours = (LETTER_HEADER, GENERATION_HEADER)
    return [(name, value) for name, value in headers if name not in ours and not name.startswith(FAILURE_HEADERS)]


class DeadLetterEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every event about a dead letter says."""

    letter_id: Key
    #: How often the letter was sent again by then; 0 before the first time.
    generation: int
    receipt_id: Ref = ""
    workspace: Ref = ""
    at: datetime
    cut: CutFields = ()


class DeadLetterRedriven(DeadLetterEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A person sent the record again; it now stands there."""

    by: Actor
    run_id: PlainName
    topic: PlainName
    partition: int
    offset: int


class DeadLetterFixed(DeadLetterEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A worker has processed the record that was sent again, the one at this place."""

    stage: Word
    topic: PlainName
    partition: int
    offset: int


class DeadLetterDiscarded(DeadLetterEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A person decided that nothing is to be done about it. The record is kept."""

    by: Actor
    run_id: PlainName
    reason: Reason
