"""What ingest knows of a webhook survives the record's headers, and senders leave nothing in memory."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headrace.events import webhooks
from headrace.events.webhooks import WebhookMeta, read_webhook, webhook_headers

_words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=100)


def meta(**changes: Any) -> WebhookMeta:
    return WebhookMeta(
        **({"receipt_id": "r", "provider": "ghl", "workspace": "acme", "route": "/webhooks/ghl"} | changes),
        received_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
        query={"workspace": "acme"},
    )


@given(_words.filter(bool), _words, _words.filter(bool), _words, _words)
def test_what_is_written_is_read(
    receipt_id: str, workspace: str, content_type: str, traceparent: str, reason: str
) -> None:
    written = meta(
        receipt_id=receipt_id,
        workspace=workspace,
        content_type=content_type,
        traceparent=traceparent,
        quarantine_reason=reason,
    )
    assert read_webhook(webhook_headers(written)) == written


def test_what_a_sender_chooses_is_not_remembered() -> None:
    webhook_headers(meta())
    before = webhooks._recurring_headers.cache_info().currsize
    for number in range(50):
        webhook_headers(meta(content_type=f"application/json; x={number}", traceparent=str(number)))
    assert webhooks._recurring_headers.cache_info().currsize == before


def test_what_a_sender_writes_into_headers_is_bounded_and_marked() -> None:
    wide = {f"key{number}": "v" for number in range(5_000)}
    written = meta(content_type="application/json; " + "x" * 60_000, traceparent="t" * 60_000)
    written = msgspec.structs.replace(written, query={"workspace": "acme" + "y" * 60_000, **wide})
    headers = webhook_headers(written)
    assert sum(len(name) + len(value) for name, value in headers) < 4_000
    read = read_webhook(headers)
    assert read.cut == ("query", "content_type", "traceparent")
    assert not read.query["workspace"].startswith("acme")
