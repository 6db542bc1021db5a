"""Ids are derived from what they name, so that processing twice gives the same ids."""

import hashlib
from collections.abc import Iterable
from uuid import UUID

NAMESPACE = UUID("6c0b2a1e-6f0a-5c53-9a3e-2f7a57b1d001")
#: A dedupe key is a Kafka key and an index key: longer id parts are replaced by their SHA-256.
LONGEST_READABLE_ID = 160
#: ASCII unit separator: cannot be typed into a provider id by accident, so parts never run together.
_SEPARATOR = "\x1f"


def derived_id(kind: str, *parts: str) -> str:
    """The UUIDv5 (RFC 9562 §5.5) of a kind of thing and the parts that identify it, as text.

    Spelled out, because several are made for each webhook and the standard library's takes four times as long.
    """
    name = _SEPARATOR.join((kind, *parts)).encode()
    digest = bytearray(hashlib.sha1(NAMESPACE.bytes + name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def message_id(workspace: str, provider: str, direction: str, provider_id: str) -> str:
    """The id of a message: one provider message is one id, however many webhooks mention it."""
    return derived_id("message", workspace, provider, direction, provider_id)


def lead_id(workspace: str, identity_kind: str, identity_value: str) -> str:
    """The id of a lead, from the first identity it was seen with."""
    return derived_id("lead", workspace, identity_kind, identity_value)


def conversation_id(workspace: str, provider: str, thread: str) -> str:
    """The id of a provider's thread."""
    return derived_id("conversation", workspace, provider, thread)


def event_id(event_type: str, *parts: str) -> str:
    """The CloudEvents id of a derived event."""
    return derived_id("event", event_type, *parts)


def dedupe_key(workspace: str, provider: str, event: str, identifier: str) -> str:
    """The idempotency key of a webhook: readable where the provider's id is short, hashed where it is not."""
    readable = len(identifier) <= LONGEST_READABLE_ID and identifier.isprintable()
    return f"{workspace}:{provider}:{event}:{identifier if readable else 'sha256-' + _sha256(identifier)}"


def content_fingerprint(parts: Iterable[str]) -> str:
    """32 hex digits over parts, for webhooks without an id of their own."""
    return _sha256(_SEPARATOR.join(parts))[:32]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
