"""What counts as a JSON object: everything a provider can mean by one, and nothing that would lose part of it."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.events.inbox import InboxMessage
from headrace.providers.adapter import Receipt
from headrace.providers.payload import MOST_VALUES, UnreadableBody, read_payload, value_count
from headrace.providers.registry import ADAPTERS

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


def holding(values: int, filler: bytes = b"0") -> bytes:
    """A body of so many values, the object and its list included."""
    return b'{"a":[' + b",".join([filler] * (values - 2)) + b"]}"


@pytest.mark.parametrize("filler", [b"0", b'""', b'"\\\\"', b'",[{\\""'])
def test_as_many_values_as_allowed_are_read_and_no_more(filler: bytes) -> None:
    assert len(read_payload(holding(MOST_VALUES, filler))["a"]) == MOST_VALUES - 2
    with pytest.raises(UnreadableBody, match="more than"):
        read_payload(holding(MOST_VALUES + 1, filler))


@pytest.mark.parametrize("filler", [b"[]", b"{}", b'{"a":0}'])
def test_objects_and_lists_count_too(filler: bytes) -> None:
    with pytest.raises(UnreadableBody, match="more than"):
        read_payload(holding(MOST_VALUES, filler))


@pytest.mark.parametrize("text", ["a,b[c{" * 100_000, 'say \\"hi\\",' * 60_000, "\\\\" * 300_000])
def test_what_stands_in_a_text_counts_as_one_value(text: str) -> None:
    body = b'{"a":"' + text.encode() + b'"}'
    assert read_payload(body) == json.loads(body)


JSON = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from('a,[]{}"\\\n'), max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)


@given(JSON)
def test_values_are_counted_as_a_reader_finds_them(value: object) -> None:
    def number(of: object) -> int:
        inner = of.values() if isinstance(of, dict) else of if isinstance(of, list) else ()
        return 1 + sum(number(one) for one in inner)

    body = json.dumps(value).encode()
    within_strings = sum(text.count(sign) for text in re.findall(rb'"(?:[^"\\]|\\.)*"', body) for sign in b",[{")
    # An empty list or object counts as if it held something: the count is an upper bound.
    assert number(value) <= value_count(body) <= 2 * number(value) + within_strings
