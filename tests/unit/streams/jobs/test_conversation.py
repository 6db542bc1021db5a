"""A conversation is the same in whatever order, and however often, its facts arrive."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headrace.events.conversations import KEPT_SIGNALS
from headrace.events.messages import LeadSignalled, Message
from streams.jobs.conversation import (
    KEPT_MESSAGES,
    TEXT_LIMIT,
    Head,
    capped,
    with_label,
    with_message,
    with_signals,
    with_suppression,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def message(number: int, minute: int | None = None, **fields: Any) -> Message:
    at = START + timedelta(minutes=number if minute is None else minute)
    shared: dict[str, Any] = {
        "receipt_id": "receipt",
        "workspace": "acme",
        "provider": "ghl",
        "lead_id": "lead",
        "message_id": f"message-{number:03}",
        "conversation_id": "conversation",
        "channel": "sms",
        "direction": "inbound",
        "source": "direct",
        "provider_event": "x",
        "provider_message_id": None,
        "sent_at": at,
        "received_at": at,
        "text": "text",
        "body": "body",
    }
    return Message(**(shared | fields))


def head_of(messages: list[Message]) -> Head:
    head = Head()
    for one in messages:
        head, _ = with_message(head, one)
    return head


@given(st.lists(st.integers(0, 120), max_size=150), st.randoms())
def test_the_newest_messages_each_once_in_their_order(numbers: list[int], random: Any) -> None:
    messages = [message(number, minute=number // 3) for number in numbers]
    shuffled = random.sample(messages, len(messages))
    ids = [ref[2] for ref in head_of(shuffled).refs]
    newest = sorted({one.message_id: one for one in messages}.values(), key=lambda m: (m.sent_at, m.message_id))
    assert ids == [one.message_id for one in newest[-KEPT_MESSAGES:]]


def test_what_is_pushed_out_is_named() -> None:
    head = head_of([message(number) for number in range(1, KEPT_MESSAGES + 1)])
    assert with_message(head, message(200))[1] == ("message-001",)
    assert with_message(head, message(0))[1] == ("message-000",), "a late older one goes at once"


def test_a_kept_message_has_no_html_and_is_bounded() -> None:
    kept = capped(message(1, text="x" * 50_000, body="y" * 50_000, html="<p>" * 9_000))
    assert kept.html is None
    assert len(kept.text) == TEXT_LIMIT
    assert len(msgspec.json.encode(kept)) < 25_000


@given(st.lists(st.tuples(st.sampled_from(["Interested", "Neutral"]), st.integers(0, 9)), unique_by=lambda x: x[1]))
def test_the_label_of_the_newest_message_counts(labels: list[tuple[str, int]]) -> None:
    head = Head()
    for label, minute in labels:
        head = with_label(head, label, START + timedelta(minutes=minute), f"m{minute}")
    newest = max(labels, key=lambda one: one[1], default=(None, 0))
    assert head.label == newest[0]


@given(st.permutations([("unsubscribed", 5), ("bounced", 3), ("blacklisted", 9)]))
def test_the_first_suppression_stays(order: list[tuple[Any, int]]) -> None:
    head = Head()
    for reason, minute in order:
        head = with_suppression(head, reason, START + timedelta(minutes=minute))
    assert head.suppressed_reason == "bounced"


def test_a_head_stays_small_whatever_links_were_clicked() -> None:
    """Nine clicks with addresses of a megabyte made a record of nine megabytes."""
    head = Head()
    for number in range(2 * KEPT_SIGNALS):
        at = START + timedelta(minutes=number)
        signal = LeadSignalled(
            receipt_id=f"r{number}",
            workspace="acme",
            lead_id="lead",
            provider="smartlead",
            signal="link_clicked",
            occurred_at=at,
            received_at=at,
            provider_event="EMAIL_LINK_CLICK",
            detail="https://x.example/" + "a" * 1_000_000,
        )
        head = with_signals(with_signals(head, [signal]), [signal, signal])
    assert len(head.signals) == KEPT_SIGNALS
    assert len(msgspec.json.encode(head)) < 50_000
