"""Record headers: CloudEvents 1.0 in Kafka's binary mode, W3C trace context, and Headrace's lineage extensions.

Sources: CloudEvents Kafka protocol binding 1.0.2 §3.2; W3C Trace Context §3.2.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

Headers = list[tuple[str, bytes]]

#: Names of the headers that differ from record to record.
ID, TIME, RECEIPT_ID = "ce_id", "ce_time", "ce_receiptid"
CONTENT_TYPE, TRACEPARENT = "content-type", "traceparent"

_REQUIRED = (ID, "ce_type", "ce_source", TIME)
_REQUIRED_SET = frozenset(_REQUIRED)


class EnvelopeError(ValueError):
    """The headers are not those of a Headrace record; the message names what is missing or wrong."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What every record says about itself, outside its value."""

    #: Unique id of the record's event: a receipt id (UUIDv7) for webhooks, a derived UUIDv5 for the rest.
    id: str
    #: Stable name and version, such as `message.received.v1`.
    type: str
    #: URI reference of the producer, such as `/ingest/ghl` or `/pipeline/dedupe`.
    source: str
    #: When the fact reached the gateway, aware UTC. Derived events carry their cause's time.
    time: datetime
    #: What the event is about: a lead, a workspace, a dedupe key.
    subject: str = ""
    #: The receipt that caused it all: lineage from any row back to the raw bytes.
    receipt_id: str = ""
    workspace: str = ""
    provider: str = ""
    traceparent: str = ""
    content_type: str = "application/json"
    #: The run whose replay wrote it, in place of what an earlier record under the same id says. It asks for no work:
    #: what is to be done about the fact was asked for by the first record.
    correction: str = ""

    def headers(self) -> Headers:
        """The headers as Kafka takes them. Empty optional attributes are left out."""
        pairs = [
            ("ce_specversion", "1.0"),
            (ID, self.id),
            ("ce_type", self.type),
            ("ce_source", self.source),
            (TIME, format_time(self.time)),
            (CONTENT_TYPE, self.content_type),
            ("ce_subject", self.subject),
            (RECEIPT_ID, self.receipt_id),
            ("ce_workspace", self.workspace),
            ("ce_provider", self.provider),
            (TRACEPARENT, self.traceparent),
            ("ce_correction", self.correction),
        ]
        return [(name, value.encode()) for name, value in pairs if value]


def read_envelope(headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
    """The envelope of a record. Raises EnvelopeError when a required attribute is missing or unreadable."""
    found = header_map(headers)
    missing = [name for name in _REQUIRED if name not in found]
    if missing:
        raise EnvelopeError(f"record headers lack {', '.join(missing)}")
    return Envelope(
        id=found["ce_id"],
        type=found["ce_type"],
        source=found["ce_source"],
        time=parse_time(found["ce_time"]),
        subject=found.get("ce_subject", ""),
        receipt_id=found.get("ce_receiptid", ""),
        workspace=found.get("ce_workspace", ""),
        provider=found.get("ce_provider", ""),
        traceparent=found.get("traceparent", ""),
        content_type=found.get("content-type", "application/json"),
        correction=found.get("ce_correction", ""),
    )


def read_attribute(headers: Sequence[tuple[str, bytes | None]], name: str) -> str:
    """A required attribute such as `ce_type`, for a third of what `read_envelope` costs, whose errors it raises."""
    found = dict(headers)
    if not found.keys() >= _REQUIRED_SET:
        read_envelope(headers)
    parse_time((found["ce_time"] or b"").decode("utf-8", "replace"))
    return (found[name] or b"").decode("utf-8", "replace")


def header_map(headers: Iterable[tuple[str, bytes | None]] | Sequence[tuple[str, bytes]]) -> dict[str, str]:
    """Headers as text by name; the last of a repeated name wins."""
    return {name: (value or b"").decode("utf-8", "replace") for name, value in headers}


def format_time(time: datetime) -> str:
    """RFC 3339 with microseconds, the one spelling used on the wire. Refuses naive times."""
    if time.tzinfo is None:
        raise EnvelopeError("a time without a zone can't go on the wire")
    return time.isoformat(timespec="microseconds")


def parse_time(text: str) -> datetime:
    """The inverse of `format_time`. Raises EnvelopeError for anything that is not an aware RFC 3339 time."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise EnvelopeError(f"{text!r} is not an RFC 3339 time") from error
    if time.tzinfo is None:
        raise EnvelopeError(f"{text!r} has no time zone")
    return time
