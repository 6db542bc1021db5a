"""Every way a webhook record can be judged: one verdict each, and facts only when it is fresh."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from headrace.events.envelope import EnvelopeError
from headrace.events.receipts import ReceiptJudged
from headrace.events.records import Record
from headrace.events.webhooks import WebhookMeta, webhook_headers
from headrace.providers.registry import ADAPTERS
from streams.pipeline.dedupe import Judged, judge_record
from streams.pipeline.seen import Seen

AT = datetime(2026, 3, 2, 15, 5, tzinfo=UTC)
MEMORY = timedelta(days=30)
REPLY = {"contact_id": "c1", "location": {"id": "L"}, "message": {"body": "Yes"}}


def webhook(body: dict[str, Any] | bytes, offset: int = 0, minute: int = 0, **meta: str) -> Record:
    value = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"receipt_id": f"receipt-{offset}", "provider": "ghl", "workspace": "acme"} | meta
    headers = webhook_headers(WebhookMeta(received_at=AT + timedelta(minutes=minute), **told))  # type: ignore[arg-type]
    return Record("webhooks.ghl", 3, offset, b"acme:ghl:workflow:k", value, headers, 0)


def judged(record: Record, seen: Seen | None = None) -> Judged:
    return judge_record(record, seen, ADAPTERS, MEMORY)


def verdict(result: Judged) -> ReceiptJudged:
    assert result.receipt is not None
    return result.receipt


def test_a_fresh_webhook_gives_its_facts_and_tells_where_its_body_lies() -> None:
    record = webhook(REPLY, offset=7)
    result = judged(record)
    (fact,) = result.facts
    told = verdict(result)
    assert (told.verdict, told.reason, told.provider_event, told.fact_count) == ("fresh", "", "workflow", 1)
    assert told.message_ids == (fact.message_id,)  # type: ignore[union-attr]
    assert (told.source_topic, told.source_partition, told.source_offset) == ("webhooks.ghl", 3, 7)
    assert (told.receipt_id, told.dedupe_key, told.received_at) == ("receipt-7", "acme:ghl:workflow:k", AT)
    assert told.body_bytes == len(record.value or b"")


def test_a_repeat_within_the_retry_window_names_the_first_and_has_no_facts() -> None:
    first = judged(webhook(REPLY))
    again = judged(webhook(REPLY, offset=1, minute=10), first.remember)
    told = verdict(again)
    assert (told.verdict, told.first_receipt_id, told.message_ids, again.facts) == ("duplicate", "receipt-0", (), ())


def test_the_same_words_later_are_another_message_and_its_retry_is_not() -> None:
    first = judged(webhook(REPLY))
    second = judged(webhook(REPLY, offset=1, minute=20), first.remember)
    retry = judged(webhook(REPLY, offset=2, minute=30), second.remember)
    assert [verdict(one).verdict for one in (first, second, retry)] == ["fresh", "fresh", "duplicate"]
    assert verdict(first).message_ids != verdict(second).message_ids
    assert (verdict(second).occurrence, verdict(retry).first_receipt_id) == (2, "receipt-1")


def test_two_true_yeses_and_a_retry_read_again_from_the_log_change_no_verdict() -> None:
    records = [webhook(REPLY), webhook(REPLY, offset=1, minute=20), webhook(REPLY, offset=2, minute=30)]
    seen: Seen | None = None
    for record in records:
        seen = judged(record, seen).remember or seen
    for record in records:
        again = judged(record, seen)
        assert (again.receipt, again.facts, again.remember) == (None, (), None)


def test_a_replay_from_nothing_gives_the_same_messages() -> None:
    records = [webhook(REPLY), webhook(REPLY, offset=1, minute=20), webhook(REPLY, offset=2, minute=30)]

    def all_of() -> list[tuple[object, ...]]:
        seen: Seen | None = None
        found: list[tuple[object, ...]] = []
        for record in records:
            result = judged(record, seen)
            seen = result.remember
            found.append((result.receipt, result.facts))
        return found

    assert all_of() == all_of()


@pytest.mark.parametrize(
    ("body", "expected", "reason"),
    [
        (REPLY | {"message": {"body": " "}}, "ignored", "empty message"),
        ({"location": {"id": "L"}, "message": {"body": "Yes"}}, "malformed", "no contact_id"),
        ({"type": "ContactCreate", "locationId": "L", "id": "c"}, "ignored", "unhandled event: ContactCreate"),
        (b"{", "malformed", "the body is not JSON"),
    ],
)
def test_what_has_no_facts_says_why(body: dict[str, Any] | bytes, expected: str, reason: str) -> None:
    result = judged(webhook(body))
    assert (verdict(result).verdict, verdict(result).reason, result.facts) == (expected, reason, ())


def test_a_verdict_tells_where_the_webhook_was_posted_and_when_kafka_had_it() -> None:
    record = webhook(REPLY, route="/api/webhooks/ghl/sms")
    stored = msgspec.structs.replace(record, timestamp_ms=1_772_463_845_123)
    found = verdict(judged(stored))
    assert (found.route, found.stored_at) == (
        "/api/webhooks/ghl/sms",
        datetime(2026, 3, 2, 15, 4, 5, 123000, tzinfo=UTC),
    )


@pytest.mark.parametrize("reason", ["unknown workspace", "unreadable body", "adapter failed"])
def test_what_is_in_quarantine_is_not_read(reason: str) -> None:
    result = judged(webhook(b"\xff not JSON", workspace="", quarantine_reason=reason))
    assert (verdict(result).verdict, verdict(result).reason, verdict(result).workspace) == ("quarantined", reason, "")
    assert (result.facts, result.remember) == ((), None)


def test_a_record_that_ingest_did_not_write_is_refused() -> None:
    with pytest.raises(EnvelopeError):
        judged(Record("webhooks.ghl", 0, 0, b"k", b"{}", [], 0))
    with pytest.raises(KeyError):
        judged(webhook(REPLY, provider="hubspot"))
