"""Reading what servers send: JSON in prose, waits, and what their errors mean."""

from datetime import UTC, datetime

import pytest

from streams.ai.openai_errors import ServerError, rejection_of
from streams.ai.openai_wire import json_object_in, retry_after_seconds

NOW = datetime(2026, 3, 2, 15, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('```json\n{"a": {"b": 2}}\n```', '{"a": {"b": 2}}'),
        ('Sure! {"a": "}{ \\" {"} and {"b": 1}', '{"a": "}{ \\" {"}'),
        ("no object", "no object"),
        ('{"a": 1', '{"a": 1'),
        ("", ""),
    ],
)
def test_first_balanced_object(text: str, found: str) -> None:
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
        ({}, None),
    ],
)
def test_waits(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, NOW) == seconds


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
