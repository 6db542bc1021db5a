"""The raw record of a webhook: the body byte for byte as value, all that is known about the request in headers."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

import msgspec

from headrace.events.caps import CutFields, ForeignId, Name, Ref, Word, capped, keys
from headrace.events.envelope import (
    CONTENT_TYPE,
    ID,
    RECEIPT_ID,
    TIME,
    TRACEPARENT,
    Envelope,
    Headers,
    format_time,
    header_map,
    read_envelope,
)

WEBHOOK_RECEIVED = "webhook.received.v1"
_QUERY = "ce_query"
_TIMEZONE = "ce_timezone"
_REASON = "ce_quarantinereason"
_ROUTE = "ce_route"
_CUT = "ce_cut"
_ANY_TIME = datetime.fromtimestamp(0, UTC)


class WebhookMeta(msgspec.Struct, frozen=True, kw_only=True):
    """What ingest knows about a webhook besides its body. Carries no secret."""

    receipt_id: Ref
    provider: Word
    #: Empty in quarantine, when nobody knows whose it is.
    workspace: Ref
    #: The gateway's clock, aware UTC.
    received_at: datetime
    #: IANA name of the workspace's time zone at that moment, for payloads with local times.
    timezone: Word = "UTC"
    #: Query parameters without the secret ones.
    query: Annotated[dict[Word, ForeignId], keys(32)] = {}
    content_type: Name = "application/json"
    #: The path it was posted to; empty for webhooks stored before it was noted.
    route: Name = ""
    traceparent: Name = ""
    #: Only in `webhooks.quarantine`: `unknown workspace` or `unreadable body`.
    quarantine_reason: Word = ""
    #: What the sender chose and was longer than its cap.
    cut: CutFields = ()


def webhook_headers(meta: WebhookMeta) -> Headers:
    """The record's headers, each within its cap: most of them a stranger wrote."""
    meta = capped(meta)
    receipt_id = meta.receipt_id.encode()
    headers = [
        (ID, receipt_id),
        (TIME, format_time(meta.received_at).encode()),
        (RECEIPT_ID, receipt_id),
        *_recurring_headers(meta.provider, meta.workspace, meta.timezone, meta.route),
    ]
    if meta.content_type:
        headers.append((CONTENT_TYPE, meta.content_type.encode()))
    if meta.traceparent:
        headers.append((TRACEPARENT, meta.traceparent.encode()))
    if meta.query:
        headers.append((_QUERY, msgspec.json.encode(meta.query)))
    if meta.quarantine_reason:
        headers.append((_REASON, meta.quarantine_reason.encode()))
    if meta.cut:
        headers.append((_CUT, ",".join(meta.cut).encode()))
    return headers


@lru_cache(4096)
def _recurring_headers(provider: str, workspace: str, timezone: str, route: str) -> tuple[tuple[str, bytes], ...]:
    """What the webhooks of one account share: to spell it out for each took a tenth of ingest's own time.

    Nothing a sender chooses is among it, or senders could fill the memory.
    """
    envelope = Envelope(
        id="",
        type=WEBHOOK_RECEIVED,
        source=f"/ingest/{provider}",
        time=_ANY_TIME,
        workspace=workspace,
        provider=provider,
        content_type="",
    )
    headers = [header for header in envelope.headers() if header[0] != TIME]
    headers.append((_TIMEZONE, timezone.encode()))
    if route:
        headers.append((_ROUTE, route.encode()))
    return tuple(headers)


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
        cut=tuple(filter(None, extras.get(_CUT, "").split(","))),
    )


def quarantine_reason(headers: Iterable[tuple[str, bytes | None]]) -> str:
    """Why ingest put the webhook into quarantine; empty for one that it could assign."""
    return header_map(list(headers)).get(_REASON, "")
