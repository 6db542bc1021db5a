"""Reading what servers send: JSON in prose, waits, and what their errors mean."""

import json
from datetime import UTC, datetime

import pytest

from headrace.events.storable import storable_document
from streams.ai.openai_errors import ServerError, rejection_of
from streams.ai.openai_wire import (
    MOST_BODY_BYTES,
    MOST_TOKENS,
    json_object_in,
    read_completion,
    retry_after_seconds,
    usage_of,
)

NOW = datetime(2026, 3, 2, 15, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('```json\n{"a": {"b": 2}}\n```', '{"a": {"b": 2}}'),
        ('Sure! {"a": "}{ \\" {"} and {"b": 1}', '{"a": "}{ \\" {"}'),
        ("no object", "no object"),
        ('{"a": 1', '{"a": 1'),
        ("{as asked}", "{as asked}"),
        ('{"a":' * 10_000, '{"a":' * 10_000),
        ("", ""),
    ],
)
def test_the_first_object(text: str, found: str) -> None:
    assert json_object_in(text) == found


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "Mon, 02 Mar 2026 15:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 02 Mar 2026 14:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "Mon, 02 Mar 2026 15:00:30 +99999999999999"}, None),
        ({"retry-after": "Mon, 02 Mar 99999 15:00:30 GMT"}, None),
        ({"retry-after": "\ud800 soon"}, None),
        ({}, None),
    ],
)
def test_waits(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, NOW) == seconds


@pytest.mark.parametrize("half", ["\\u0000", "\\ud83d", "\\udc00", "\\u0000\\ud83d"])
def test_an_answer_with_what_no_row_can_hold_is_read_without_it(half: str) -> None:
    """In the completion, and in the JSON that the completion's text is."""
    body = '{"choices": [{"message": {"content": "a?b"}}], "id": "x?"}'.replace("?", half)
    outer = read_completion(body.encode())
    assert outer is not None
    assert (outer.text, outer.id) == ("ab", "x")
    answer = '{"outcome": "drafted", "body": "Hi? Dana", "more": "\\\\u0000"}'.replace("?", half)
    assert json.loads(storable_document(answer)) == {"outcome": "drafted", "body": "Hi Dana", "more": "\\u0000"}


def test_an_answer_larger_than_any_answer_is_none() -> None:
    body = '{"choices": [{"message": {"content": "?"}}]}'
    assert read_completion(body.encode()) is not None
    assert read_completion(body.replace("?", "x" * MOST_BODY_BYTES).encode()) is None


@pytest.mark.parametrize("count", [-(2**60), 2**63, 2**64 - 1])
def test_a_number_of_tokens_that_can_not_be_fits_budgets_and_rows(count: int) -> None:
    body = '{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": ?, "completion_tokens": 1}}'
    completion = read_completion(body.replace("?", str(count)).encode())
    assert completion is not None
    assert 0 <= usage_of(completion, {"messages": []}).input <= MOST_TOKENS


def error(status: int, code: str = "", param: str = "", message: str = "") -> ServerError:
    return ServerError(status=status, code=code, param=param, message=message, retry_after=None, request_id=None)


@pytest.mark.parametrize(
    ("given", "reason", "remedy"),
    [
        (error(429, "insufficient_quota"), "quota", None),
        (error(404, "model_not_found"), "model_not_found", None),
        (error(400, "context_length_exceeded"), "context_too_long", "less_history"),
        (error(400, message="maximum context length is 8192 tokens"), "context_too_long", "less_history"),
        (error(400, "content_filter"), "content_filter", None),
        (error(400, "unsupported_parameter", "reasoning_effort"), "bad_request", "without_parameter"),
        (error(400, message="Unrecognized argument: reasoning_effort"), "bad_request", "without_parameter"),
        (error(422, message="extra_forbidden: max_completion_tokens"), "bad_request", "without_parameter"),
        (error(400, "invalid_json_schema", "response_format"), "bad_request", "less_structure"),
        (error(400, message="'response_format.type' must be 'text'"), "bad_request", "less_structure"),
        (error(400, "invalid_value", "messages"), "bad_request", None),
        (error(302), "wrong_url", None),
    ],
)
def test_what_rejections_mean(given: ServerError, reason: str, remedy: str | None) -> None:
    rejection = rejection_of(given)
    assert (rejection.reason, rejection.remedy) == (reason, remedy)
