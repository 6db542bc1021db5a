"""Reading what servers send: JSON in prose, waits, and what their errors mean."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.events.storable import storable_document
from streams.ai.openai_completion import (
    MOST_BODY_BYTES,
    MOST_TOKENS,
    Completion,
    json_object_in,
    read_completion,
    usage_of,
)
from streams.ai.openai_errors import error_within, rejection_of, retry_after_seconds, server_error

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
        ('<think>So {pat} asks {"b": 2}?</think>\n{"a": 1}', '{"a": 1}'),
        ('Hm, {pat} says hello.</thinking> {"a": 1}', '{"a": 1}'),
        ('<think>I may end without an end {x} {"a": 1}', '{"a": 1}'),
        ('{"a": "</think>"}', '{"a": "</think>"}'),
        ('An object like {} is {"a": 1}', '{"a": 1}'),
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
        ({"retry-after": "1500ms"}, 1.5),
        ({"retry-after": "7s"}, 7.0),
        ({"retry-after": " 12 "}, 12.0),
        ({"retry-after": "ms"}, None),
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


def completion_of(message: object, **more: object) -> Completion:
    body = {"choices": [{"message": message, "finish_reason": more.pop("finish", "stop"), **more}]}
    completion = read_completion(json.dumps(body).encode())
    assert completion is not None
    return completion


OBJECT = '{"a": 1}'


@pytest.mark.parametrize(
    "message",
    [
        {"content": OBJECT},
        {"content": [{"type": "text", "text": OBJECT}]},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "{"}]},
                {"type": "text", "text": OBJECT},
            ]
        },
        {"content": [{"type": "reasoning", "text": "{hm}"}, {"type": "output_text", "text": OBJECT}]},
        {"content": [{"text": '{"a": '}, {"text": "1}"}]},
        {"content": None, "reasoning_content": f"Let me see. {OBJECT}"},
        {"content": "", "reasoning": OBJECT},
        {"content": "\n", "reasoning": {"odd": True}, "reasoning_content": OBJECT},
        {"content": OBJECT, "reasoning_content": '{"b": 2}'},
        {"content": None, "tool_calls": [{"type": "function", "function": {"name": "answer", "arguments": OBJECT}}]},
        {"content": None, "tool_calls": [{"function": {"arguments": {"a": 1}}}]},
        {"content": None, "function_call": {"name": "answer", "arguments": OBJECT}},
    ],
)
def test_the_answer_is_found_wherever_the_server_put_it(message: object) -> None:
    assert json.loads(json_object_in(completion_of(message).text)) == {"a": 1}


def test_thoughts_without_an_object_are_no_answer() -> None:
    assert completion_of({"content": None, "reasoning_content": "I think so."}).text == ""


@pytest.mark.parametrize(
    ("said", "finish"),
    [
        ("stop", "stop"), ("STOP", "stop"), (None, "stop"), ("MAX_TOKENS", "length"), ("model_length", "length"),
        ("SAFETY", "content_filter"), ("content_filter", "content_filter"), ("error", "error"),
        ("MALFORMED_FUNCTION_CALL", "error"), ("tool_calls", "tool_calls"),
    ],
)  # fmt: skip
def test_why_the_model_stopped_in_one_language(said: str | None, finish: str) -> None:
    assert completion_of({"content": OBJECT}, finish=said).finish == finish


def test_an_answer_that_broke_off_is_no_answer() -> None:
    assert completion_of({"content": '{"a":'}, error={"code": 502, "message": "gone"}).finish == "error"


def test_a_refusal_may_be_a_part() -> None:
    assert completion_of({"content": [{"type": "refusal", "refusal": "I won't."}]}).is_refusal
    assert completion_of({"content": None, "refusal": "I won't."}).is_refusal
    assert not completion_of({"content": OBJECT}).is_refusal


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": "10", "completion_tokens": "5"}, (10, 5, "reported")),
        ({"prompt_tokens": 10.0, "completion_tokens": 5.0, "prompt_tokens_details": "none"}, (10, 5, "reported")),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": []}},
            (10, 5, "reported"),
        ),
        ({"prompt_tokens": {"total": 10}, "completion_tokens": 5}, (1, 2, "estimated")),
        ({"prompt_tokens": "many", "completion_tokens": "1e999"}, (1, 2, "estimated")),
        ("odd", (1, 2, "estimated")),
        ([], (1, 2, "estimated")),
        (None, (1, 2, "estimated")),
    ],
)
def test_odd_counts_don_t_cost_the_answer(usage: object, counted: tuple[int, int, str]) -> None:
    body = {"choices": [{"message": {"content": OBJECT}}], "usage": usage}
    completion = read_completion(json.dumps(body).encode())
    assert completion is not None
    used = usage_of(completion, {"messages": [{"content": "four"}]})
    assert (used.input, used.output, used.source) == counted


def answered(status: int, document: object) -> tuple[str, str | None, str]:
    """Reason, remedy and parameter of an error response."""
    body = document if isinstance(document, str) else json.dumps(document)
    rejection = rejection_of(server_error(status, {}, body.encode(), NOW))
    return rejection.reason, rejection.remedy, rejection.parameter


def error(code: object = None, message: str = "", **more: object) -> dict[str, object]:
    return {"error": {"code": code, "message": message, **more}}


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (401, error("invalid_api_key", "Incorrect API key provided: sk-1.")),
        (401, ""),
        (400, [error(400, "API key not valid. Please pass a valid API key.", status="INVALID_ARGUMENT")]),
        (400, [error(400, "Bad", details=[{"@type": "x", "reason": "API_KEY_INVALID"}])]),
        (400, error(None, "Invalid API key", type="authentication_error")),
        (400, {"detail": "Invalid token"}),
        (400, {"error": "No auth credentials found"}),
        (422, {"message": "API key expired. Please renew the API key."}),
        (400, {"error": {"error": {"message": "unauthorized"}}}),
        (500, error("invalid_api_key", "no")),
    ],
)
def test_a_refused_key_in_any_costume_is_the_operator_s(status: int, document: object) -> None:
    assert answered(status, document)[0] == "bad_key"


@pytest.mark.parametrize(
    ("status", "document", "reason"),
    [
        (429, error("insufficient_quota", "You exceeded your current quota."), "quota"),
        (402, error(402, "This request requires more credits"), "quota"),
        (403, error(None, "Insufficient balance", type="billing"), "quota"),
        (400, error(None, "Your credit balance is too low to access the API."), "quota"),
        (429, [error(429, "You exceeded your current quota", status="RESOURCE_EXHAUSTED")], "rate_limited"),
        (
            429,
            error("rate_limit_exceeded", "Reached 30000 tokens per min; maximum context"),
            "rate_limited",
        ),
        (404, error("model_not_found", "no"), "model_not_found"),
        (404, error(None, "The model `gpt-9` does not exist or you do not have access to it."), "model_not_found"),
        (400, error(400, "gpt-9 is not a valid model ID"), "model_not_found"),
        (404, error(None, 'model "llama9" not found, try pulling it first'), "model_not_found"),
        (404, "<html>not found</html>", "wrong_url"),
        (302, "", "wrong_url"),
        (529, error(None, "Overloaded", type="overloaded_error"), "server_error"),
        (400, error("content_filter", "no"), "content_filter"),
        (400, error("invalid_value", "no", param="messages"), "bad_request"),
    ],
)
def test_what_rejections_mean(status: int, document: object, reason: str) -> None:
    assert answered(status, document)[0] == reason


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (400, error("context_length_exceeded", "no")),
        (400, error(None, "This model's maximum context length is 8192 tokens; you requested 9000")),
        (400, error(None, "prompt is too long: 210000 tokens > 200000 maximum")),
        (
            400,
            {
                "error": {
                    "code": 400,
                    "message": "the request exceeds the available context size",
                    "type": "exceed_context_size_error",
                }
            },
        ),
        (400, [error(400, "The input token count (1100000) exceeds the maximum number of tokens (1048576).")]),
        (413, ""),
        (500, error(None, "input is too long")),
    ],
)
def test_too_long_a_conversation_is_asked_with_less_of_it(status: int, document: object) -> None:
    assert answered(status, document)[:2] == ("context_too_long", "less_history")


@pytest.mark.parametrize(
    ("status", "document", "remedy", "parameter"),
    [
        (400, error("unsupported_parameter", "no", param="reasoning_effort"), "without_parameter", "reasoning_effort"),
        (400, error(None, "Unrecognized argument: reasoning_effort"), "without_parameter", "reasoning_effort"),
        (400, error(None, "This model does not support reasoning_effort, is not supported"), "without_parameter",
         "reasoning_effort"),
        (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"]}]}, "without_parameter",
         "max_completion_tokens"),
        (400, error("invalid_json_schema", "no", param="response_format"), "less_structure", ""),
        (400, error(None, "'response_format.type' must be 'text'"), "less_structure", ""),
        (400, error(None, "Structured outputs are not supported by this model"), "less_structure", ""),
        (404, error(404, "No endpoints found that can handle the requested parameters."), "less_structure", ""),
    ],
)  # fmt: skip
def test_what_a_server_does_not_take_is_left_out(status: int, document: object, remedy: str, parameter: str) -> None:
    assert answered(status, document) == ("bad_request", remedy, parameter)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (error(401, "No auth credentials found"), "bad_key"),
        (error("402", "no"), "quota"),
        (error(429, "slow down"), "rate_limited"),
        (error(502, "upstream"), "server_error"),
        (error(None, "something"), "server_error"),
        ({"error": "Unauthorized"}, "bad_key"),
    ],
)
def test_an_error_may_come_with_status_200(document: object, reason: str) -> None:
    inside = error_within(json.dumps(document).encode(), {}, NOW)
    assert inside is not None
    assert rejection_of(inside).reason == reason


@pytest.mark.parametrize("document", [{}, [], {"error": None}, {"error": False}, {"object": "list"}, "text", 7])
def test_what_is_no_error_is_none(document: object) -> None:
    assert error_within(json.dumps(document).encode(), {}, NOW) is None


@given(st.binary(max_size=200) | st.from_type(object).map(lambda _: b"[" * 5_000))
def test_any_bytes_of_a_server_are_read(body: bytes) -> None:
    read_completion(body)
    error_within(body, {}, NOW)
    assert rejection_of(server_error(400, {}, body, NOW)).reason


_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "code", "message", "details", "reason", "status", "param"]), inner)
    ),
    max_leaves=12,
)


@given(_JSON_VALUES)
def test_any_error_document_is_read(document: object) -> None:
    assert rejection_of(server_error(400, {}, json.dumps(document).encode(), NOW)).reason
