"""A record as it is shown: decoded as far as it can be, without secrets, and without text unless that was asked for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from headrace.events.codec import Codec, NewerEvent, UndecodableEvent, UnknownEventType
from headrace.events.envelope import EnvelopeError, header_map, read_envelope
from headrace.events.records import Record
from headrace.events.topics import ALL_TOPICS, DEAD_LETTERS, WEBHOOK_TOPICS, Topic
from headrace.events.webhooks import read_webhook
from headrace.settings import Settings
from operations.records.redaction import shown_bytes, shown_headers
from operations.records.shown_event import shown_event

_CODEC = Codec()


class ShownRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record. What it does not say is empty or None."""

    topic: str
    partition: int
    offset: int
    #: The broker's append time, aware UTC.
    at: datetime
    key: str
    #: The value's bytes; None is a tombstone.
    size: int | None
    #: Of the envelope, as far as it is readable.
    type: str = ""
    id: str = ""
    source: str = ""
    workspace: str = ""
    receipt_id: str = ""
    #: The typed event, upcast to its newest version, as plain JSON.
    event: dict[str, Any] | None = None
    #: Of a webhook: `POST`, and the path it came in by.
    method: str = ""
    path: str = ""
    #: Of what is no typed event: a webhook, a dead letter, a record that can't be decoded.
    headers: dict[str, str] | None = None
    #: The value as text, where it was asked for.
    body: str | None = None
    #: Why it can't be decoded.
    problem: str = ""


class Shower:
    """Shows records of one installation. `texts`: with message texts and bodies."""

    def __init__(self, settings: Settings, *, texts: bool = False) -> None:
        self._topics: Mapping[str, Topic] = {settings.topic(topic): topic for topic in ALL_TOPICS}
        self._texts = texts

    def show(self, record: Record) -> ShownRecord:
        """The record, never an error: what can't be decoded says so."""
        headers = header_map(record.headers)
        shown = ShownRecord(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            at=datetime.fromtimestamp(record.timestamp_ms / 1000, UTC),
            key=record.key.decode("utf-8", "replace"),
            size=None if record.value is None else len(record.value),
            type=headers.get("ce_type", ""),
            id=headers.get("ce_id", ""),
            source=headers.get("ce_source", ""),
            workspace=headers.get("ce_workspace", ""),
            receipt_id=headers.get("ce_receiptid", ""),
        )
        topic = self._topics.get(record.topic)
        if topic in WEBHOOK_TOPICS:
            return self._webhook(shown, record)
        if topic == DEAD_LETTERS and "dlq_stage" in headers:
            return self._foreign(shown, record)
        return self._event(shown, record)

    def _event(self, shown: ShownRecord, record: Record) -> ShownRecord:
        if record.value is None:
            return msgspec.structs.replace(shown, headers=shown_headers(record.headers))
        try:
            event = _CODEC.decode(read_envelope(record.headers).type, record.value)
        except (EnvelopeError, UnknownEventType, UndecodableEvent, NewerEvent) as error:
            return self._foreign(shown, record, str(error))
        return msgspec.structs.replace(shown, event=shown_event(event, texts=self._texts))

    def _webhook(self, shown: ShownRecord, record: Record) -> ShownRecord:
        try:
            provider = read_webhook(record.headers).provider
        except (EnvelopeError, msgspec.MsgspecError) as error:
            # msgspec's message may quote the query.
            reason = str(error) if isinstance(error, EnvelopeError) else "its headers are not those of a webhook"
            return self._foreign(shown, record, reason)
        return msgspec.structs.replace(self._foreign(shown, record), method="POST", path=f"/webhooks/{provider}")

    def _foreign(self, shown: ShownRecord, record: Record, problem: str = "") -> ShownRecord:
        """Bytes that are no event of ours: headers, and the value where it was asked for."""
        body = shown_bytes(record.value) if self._texts and record.value is not None else None
        return msgspec.structs.replace(shown, headers=shown_headers(record.headers), body=body, problem=problem)
