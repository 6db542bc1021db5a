"""The raw record of a webhook: the body byte for byte as value, all that is known about the request in headers."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from events.envelope import Envelope, Headers, header_map, read_envelope

WEBHOOK_RECEIVED = "webhook.received.v1"
_QUERY = "ce_query"
_TIMEZONE = "ce_timezone"
_REASON = "ce_quarantinereason"
_ROUTE = "ce_route"


class WebhookMeta(msgspec.Struct, frozen=True, kw_only=True):
    """What ingest knows about a webhook besides its body. Carries no secret."""

    receipt_id: str
    provider: str
    #: Empty in quarantine, when nobody knows whose it is.
    workspace: str
    #: The gateway's clock, aware UTC.
    received_at: datetime
    #: IANA name of the workspace's time zone at that moment, for payloads with local times.
    timezone: str = "UTC"
    #: Query parameters without the secret ones.
    query: dict[str, str] = {}
    content_type: str = "application/json"
    #: The path it was posted to; empty for webhooks stored before it was noted.
    route: str = ""
    traceparent: str = ""
    #: Only in `webhooks.quarantine`: `unknown workspace` or `unreadable body`.
    quarantine_reason: str = ""


def webhook_headers(meta: WebhookMeta) -> Headers:
    """The record's headers."""
    envelope = Envelope(
        id=meta.receipt_id,
        type=WEBHOOK_RECEIVED,
        source=f"/ingest/{meta.provider}",
        time=meta.received_at,
        receipt_id=meta.receipt_id,
        workspace=meta.workspace,
        provider=meta.provider,
        traceparent=meta.traceparent,
        content_type=meta.content_type,
    )
    headers = envelope.headers()
    headers.append((_TIMEZONE, meta.timezone.encode()))
    if meta.route:
        headers.append((_ROUTE, meta.route.encode()))
    if meta.query:
        headers.append((_QUERY, msgspec.json.encode(meta.query)))
    if meta.quarantine_reason:
        headers.append((_REASON, meta.quarantine_reason.encode()))
    return headers


def read_webhook(headers: Iterable[tuple[str, bytes | None]]) -> WebhookMeta:
    """The inverse of `webhook_headers`. Raises EnvelopeError when the record is not a webhook's."""
    pairs = list(headers)
    envelope = read_envelope(pairs)
    extras = header_map(pairs)
    return WebhookMeta(
        receipt_id=envelope.id,
        provider=envelope.provider,
        workspace=envelope.workspace,
        received_at=envelope.time,
        timezone=extras.get(_TIMEZONE, "UTC"),
        query=msgspec.json.decode(extras.get(_QUERY, "{}"), type=dict[str, str]),
        content_type=envelope.content_type,
        route=extras.get(_ROUTE, ""),
        traceparent=envelope.traceparent,
        quarantine_reason=extras.get(_REASON, ""),
    )
