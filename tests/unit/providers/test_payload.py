"""What counts as a JSON object: everything a provider can mean by one, and nothing that would lose part of it."""

from datetime import UTC, datetime

import pytest

from events.inbox import InboxMessage
from providers.adapter import Receipt
from providers.payload import UnreadableBody, read_payload
from providers.registry import ADAPTERS

#: A preview that was cut to a number of UTF-16 units in the middle of an emoji, as JavaScript does.
CUT = b'{"event_type":"EMAIL_REPLY","message_id":"m","sl_lead_email":"a@b.example","preview_text":"Thursday \\ud83d"}'


def test_a_json_object_is_read() -> None:
    assert read_payload(b' {"a": [1, "\\u00e9", null]} ') == {"a": [1, "\u00e9", None]}


def test_raw_nul_bytes_and_a_byte_order_mark_are_read_past() -> None:
    assert read_payload(b'\xef\xbb\xbf{"a":"x\x00y"}') == {"a": "xy"}


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":"cut \\ud83d"}', "cut \ud83d"),
        (b'{"a":"\\uDC00 first"}', "\udc00 first"),
        (b'{"a":"\\ud83d and on"}', "\ud83d and on"),
        (b'\xef\xbb\xbf{"a":"\\uD83D\\ude00 whole, then \\ud83d"}', "\U0001f600 whole, then \ud83d"),
    ],
)
def test_half_an_escaped_character_spoils_nothing_else(body: bytes, value: str) -> None:
    assert read_payload(body) == {"a": value}


def test_a_reply_cut_within_an_emoji_is_a_message() -> None:
    payload = read_payload(CUT)
    adapter = ADAPTERS["smartlead"]
    key = adapter.deliver("acme", payload).dedupe_key
    at = datetime(2026, 3, 2, tzinfo=UTC)
    receipt = Receipt(receipt_id="r", workspace="acme", dedupe_key=key, received_at=at, timezone="UTC")
    (fact,) = adapter.normalise(payload, receipt).facts
    assert isinstance(fact, InboxMessage)
    assert (fact.text, fact.body) == ("Thursday", "Thursday ")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"a":NaN}',
        b'{"a":"\\ud83d", "b":NaN}',
        b'{"a":"\\ud83d"',
        b'{"a":"\\ud83d\xff"}',
        b'["\\ud83d"]',
        b'{"a":"\\ud83d","b":' + b"9" * 5000 + b"}",
        b'{"a":"\\ud83d","b":' + b"[" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)
def test_anything_else_is_refused_without_a_word_of_it(body: bytes) -> None:
    with pytest.raises(UnreadableBody) as refusal:
        read_payload(body)
    assert "ud83d" not in str(refusal.value)
