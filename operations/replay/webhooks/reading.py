"""What a webhook means by today's adapters: pure, and small enough to keep for every webhook of a window."""

import hashlib
from typing import Any, Literal

import msgspec

from headrace.events.codec import Codec
from headrace.events.inbox import InboxMessage, InboxSignal, InboxSuppression
from headrace.events.messages import Message, MessageReceived, MessageSent
from headrace.events.records import Record
from headrace.events.webhooks import WebhookMeta
from headrace.kafka.log_offsets import Place
from headrace.providers.adapter import Adapter, Normalised, Receipt
from headrace.providers.payload import UnreadableBody, read_payload
from streams.pipeline.resolve import resolved

_CODEC = Codec()

#: 128 bits over a fact's content.
Digest = bytes


class MessageRead(msgspec.Struct, frozen=True):
    """A message as it is read today."""

    message_id: str
    content: Digest
    #: Over what the webhook says about the lead: identities and person. Messages don't keep it.
    about_lead: Digest


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as it is read today, without its content."""

    receipt_id: str
    workspace: str
    place: Place
    offset: int
    verdict: Literal["fresh", "ignored", "malformed"]
    reason: str
    provider_event: str
    messages: tuple[MessageRead, ...]
    #: Suppressions and signals.
    evidence: tuple[Digest, ...]
    fact_count: int

    @property
    def message_ids(self) -> tuple[str, ...]:
        """Each once, in the order read."""
        return tuple(message.message_id for message in self.messages)


def normalised(record: Record, meta: WebhookMeta, adapter: Adapter) -> Normalised:
    """What the adapter makes of the body: verdict and facts. An unreadable body is malformed, as when it came."""
    try:
        payload = read_payload(record.value or b"")
    except UnreadableBody as error:
        return Normalised(verdict="malformed", reason=str(error))
    receipt = Receipt(
        receipt_id=meta.receipt_id,
        workspace=meta.workspace,
        dedupe_key=record.key.decode("utf-8", "replace"),
        received_at=meta.received_at,
        timezone=meta.timezone,
        query=meta.query,
    )
    return adapter.normalise(payload, receipt)


def read(record: Record, meta: WebhookMeta, adapter: Adapter) -> Reading:
    """The webhook's reading."""
    found = normalised(record, meta, adapter)
    messages = {fact.message_id: fact for fact in found.facts if isinstance(fact, InboxMessage)}
    return Reading(
        receipt_id=meta.receipt_id,
        workspace=meta.workspace,
        place=(record.topic, record.partition),
        offset=record.offset,
        verdict=found.verdict,
        reason=found.reason,
        provider_event=found.provider_event,
        messages=tuple(
            MessageRead(id_, content_digest(as_message(fact, "")), about_lead_digest(fact))
            for id_, fact in messages.items()
        ),
        evidence=tuple(evidence_digest(fact) for fact in found.facts if not isinstance(fact, InboxMessage)),
        fact_count=len(found.facts),
    )


def as_message(fact: InboxMessage, lead_id: str) -> Message:
    """The fact as the message of a lead."""
    message = resolved(fact, lead_id)
    if not isinstance(message, MessageReceived | MessageSent):
        raise TypeError(f"{type(message).__name__} is no message")
    return message


def content_digest(message: Message) -> Digest:
    """Over all a message says, but whose it is: leads are merged, and their messages stay the same."""
    return _digest(_CODEC.type_of(message), msgspec.structs.replace(message, lead_id=""))


def about_lead_digest(fact: InboxMessage) -> Digest:
    """Over what a message's webhook says about the lead."""
    return _digest("about", [sorted(fact.identities, key=lambda one: (one.kind, one.value)), fact.person])


def evidence_digest(fact: InboxSuppression | InboxSignal) -> Digest:
    """Over a suppression or signal. Whom it concerns is not part of it: see `about_lead_digest`."""
    what = fact.reason if isinstance(fact, InboxSuppression) else f"{fact.signal} {fact.message_id}"
    return _digest(type(fact).__name__, [fact.provider_event, what, fact.occurred_at, fact.detail])


def _digest(kind: str, content: Any) -> Digest:
    return hashlib.blake2b(kind.encode() + b"\x1f" + msgspec.json.encode(content), digest_size=16).digest()
