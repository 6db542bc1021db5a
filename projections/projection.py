"""What a projection is: a topic, and pure functions from its records to row operations. No clock, no I/O, no chance."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from headrace.events.codec import Codec
from headrace.events.envelope import read_attribute
from headrace.events.records import Record
from headrace.events.topics import Topic

if TYPE_CHECKING:
    from sqlalchemy import MetaData


class RowOp(NamedTuple):
    """One row to put into a table of the read model. The writer adds the lineage columns `src_*` and `proj_rev`."""

    table: str
    #: Every other column of the table by name, None where it has no value.
    values: Mapping[str, Any]


class BadRecord(ValueError):
    """The record can't be projected; the message names what is wrong, never the content."""


Projector = Callable[[Record, Any], list[RowOp]]
Decode = Callable[[Record], Any]

_CODEC = Codec()


def decode_event(record: Record) -> Any:
    """The typed event of a record.

    Raises ValueError for a bad record (EnvelopeError, UnknownEventType, UndecodableEvent, BadRecord), and NewerEvent.
    """
    if record.value is None:
        raise BadRecord("a tombstone has no event; this topic has none")
    return _CODEC.decode(read_attribute(record.headers, "ce_type"), record.value)


class Projection(msgspec.Struct, frozen=True, kw_only=True):
    """One topic's way into its tables."""

    name: str
    topic: Topic
    #: Raised when a projector is corrected, so that replaying the same records replaces their rows.
    rev: int
    tables: Sequence[str]
    #: Event class → its projector.
    projectors: Mapping[type, Projector]
    decode: Decode = decode_event
    #: Declares the tables of a read model that brings its own; None where `projections.tables` has them.
    declare: "Callable[[MetaData], None] | None" = None

    def project(self, record: Record) -> list[RowOp]:
        """The rows a record stands for. Raises ValueError (BadRecord and the errors of `decode`) and NewerEvent."""
        event = self.decode(record)
        projector = self.projectors.get(type(event))
        if projector is None:
            raise BadRecord(f"{type(event).__name__} does not belong into the topic {self.topic.name!r}")
        return projector(record, event)
