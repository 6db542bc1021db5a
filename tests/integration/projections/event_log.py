"""A log made of events: records as the pipeline writes them, for tests that project them into real Postgres."""

from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.events.codec import Codec
from headrace.events.envelope import Envelope
from headrace.events.ids import derived_id
from headrace.events.inbox import Identity
from headrace.events.messages import (
    LeadChanged,
    LeadMerged,
    LeadSignalled,
    LeadSplit,
    LeadSuppressed,
    MessageMoved,
    MessageReceived,
    MessageSent,
)
from headrace.events.receipts import ReceiptJudged
from headrace.events.records import Record

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class EventLog:
    """Builds events with defaults, and records from events, each at the next offset of its partition."""

    def __init__(self) -> None:
        self._next: dict[tuple[str, int], int] = {}
        self._codec = Codec()

    def record(self, topic: str, partition: int, event: object, key: bytes = b"key") -> Record:
        """The event as the next record."""
        receipt_id = getattr(event, "receipt_id", "")
        return self.wire(topic, partition, self._codec.type_of(event), self._codec.encode(event), receipt_id, key)

    def wire(
        self, topic: str, partition: int, type_: str, value: bytes, receipt_id: str = "", key: bytes = b"key"
    ) -> Record:
        """The bytes of an event as the next record."""
        offset = self._next.get((topic, partition), 0)
        envelope = Envelope(
            id=derived_id("test", topic, str(partition), str(offset)),
            type=type_,
            source="/test",
            time=START,
            receipt_id=receipt_id,
        )
        return self.raw(topic, partition, value, envelope.headers(), key)

    def raw(
        self,
        topic: str,
        partition: int,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
        key: bytes = b"key",
    ) -> Record:
        """Any bytes as the next record."""
        offset = self._next.get((topic, partition), 0)
        self._next[topic, partition] = offset + 1
        timestamp_ms = round(START.timestamp() * 1000) + offset
        return Record(topic, partition, offset, key, value, headers, timestamp_ms)

    def message(self, lead: str, number: int, *, inbound: bool = True, **fields: Any) -> MessageReceived | MessageSent:
        """A message of a lead, `number` minutes after the start."""
        cls = MessageReceived if inbound else MessageSent
        shared: dict[str, Any] = {
            "receipt_id": derived_id("receipt", str(number)),
            "workspace": "acme",
            "provider": "smartlead",
            "lead_id": lead_id(lead),
            "message_id": derived_id("message", str(number)),
            "conversation_id": derived_id("conversation", lead),
            "channel": "email",
            "direction": "inbound" if inbound else "outbound",
            "source": "direct",
            "provider_event": "EMAIL_REPLY",
            "provider_message_id": f"<{number}@mx>",
            "sent_at": START + timedelta(minutes=number),
            "received_at": START + timedelta(minutes=number, seconds=1),
            "text": f"text {number}",
            "body": f"body {number}",
        }
        return cls(**(shared | fields))

    def lead(self, lead: str, number: int, emails: tuple[str, ...], **fields: Any) -> LeadChanged:
        """The state number `number` of a lead."""
        shared: dict[str, Any] = {
            "receipt_id": derived_id("receipt", str(number)),
            "workspace": "acme",
            "lead_id": lead_id(lead),
            "created_at": START,
            "changed_at": START + timedelta(minutes=number),
            "identities": tuple(Identity(kind="email", value=email) for email in emails),
            "email": emails[0] if emails else None,
            "alternate_emails": emails[1:],
        }
        return LeadChanged(**(shared | fields))

    def merge(self, lead: str, into: str) -> LeadMerged:
        """`lead` lives on as `into`."""
        return LeadMerged(
            receipt_id=derived_id("receipt", lead, into),
            workspace="acme",
            lead_id=lead_id(lead),
            into_lead_id=lead_id(into),
            merged_at=START,
        )

    def split(self, lead: str, into: str) -> LeadSplit:
        """Something of `lead` is `into`'s from now on."""
        return LeadSplit(
            receipt_id=derived_id("run", lead, into),
            workspace="acme",
            lead_id=lead_id(lead),
            new_lead_id=lead_id(into),
            identities=(),
            split_at=START,
            by="kim",
        )

    def move(self, lead: str, number: int, into: str) -> MessageMoved:
        """Message `number`, which came in for `lead`, is `into`'s."""
        return MessageMoved(
            receipt_id=derived_id("run", lead, into),
            workspace="acme",
            lead_id=lead_id(lead),
            message_id=derived_id("message", str(number)),
            into_lead_id=lead_id(into),
            moved_at=START,
        )

    def suppression(self, lead: str, number: int, **fields: Any) -> LeadSuppressed:
        """An unsubscription, `number` minutes after the start."""
        shared: dict[str, Any] = {
            "receipt_id": derived_id("receipt", str(number)),
            "workspace": "acme",
            "lead_id": lead_id(lead),
            "provider": "smartlead",
            "reason": "unsubscribed",
            "occurred_at": START + timedelta(minutes=number),
            "received_at": START + timedelta(minutes=number),
            "provider_event": "LEAD_UNSUBSCRIBED",
        }
        return LeadSuppressed(**(shared | fields))

    def signal(self, lead: str, number: int) -> LeadSignalled:
        """The provider calls the lead interested."""
        return LeadSignalled(
            receipt_id=derived_id("receipt", str(number)),
            workspace="acme",
            lead_id=lead_id(lead),
            provider="smartlead",
            signal="interested",
            occurred_at=START,
            received_at=START,
            provider_event="LEAD_INTERESTED",
        )

    def receipt(self, number: int, topic: str, partition: int, offset: int, **fields: Any) -> ReceiptJudged:
        """The verdict on the record at that place."""
        shared: dict[str, Any] = {
            "receipt_id": derived_id("receipt", str(number)),
            "workspace": "acme",
            "provider": "smartlead",
            "verdict": "fresh",
            "dedupe_key": f"acme:smartlead:reply:{number}",
            "received_at": START,
            "source_topic": topic,
            "source_partition": partition,
            "source_offset": offset,
            "body_bytes": 10,
            "message_ids": (derived_id("message", str(number)),),
            "fact_count": 1,
        }
        return ReceiptJudged(**(shared | fields))


def lead_id(name: str) -> str:
    """The id of a lead by its name in the test."""
    return derived_id("lead", name)
