"""What a rejected request means: try again, ask otherwise, give up on this message, or tell the operator.

Servers that speak OpenAI's protocol write errors in many ways; what they mean is told by code, by words and by status,
in this order.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, Literal

import msgspec

from streams.ai.openai_completion import MOST_BODY_BYTES
from streams.ai.openai_request import ADAPTABLE
from streams.ai.provider import AIConfig, AIError, AIPermanent, AIRetryable

#: How the same question may work after all.
Remedy = Literal["less_structure", "without_parameter", "less_history"]
#: Characters of a server's sentence that are looked at.
_LONGEST_MESSAGE = 2_000
_BAD_KEY = frozenset({
    "invalid_api_key", "api_key_invalid", "authentication_error", "unauthenticated", "unauthorized",
    "incorrect_api_key", "invalid_authentication", "invalid_token", "expired_api_key", "missing_api_key",
})  # fmt: skip
_NO_CREDIT = frozenset({
    "insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance",
    "insufficient_credits", "credit_balance_too_low", "payment_required", "account_deactivated",
})  # fmt: skip
_TOO_LONG = frozenset({
    "context_length_exceeded", "string_above_max_length", "request_too_large", "exceed_context_size_error",
    "context_window_exceeded", "prompt_too_long", "max_tokens_exceeded",
})  # fmt: skip
_FILTERED = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation", "safety"})
_UNKNOWN_MODEL = frozenset({"model_not_found", "model_not_available", "deploymentnotfound", "unknown_model"})
_OVERLOADED = frozenset({"overloaded_error", "overloaded", "service_unavailable", "engine_overloaded", "unavailable"})
_LIMITED = frozenset({"rate_limit_exceeded", "rate_limit_error", "too_many_requests", "resource_exhausted"})
_KEY_WORDS = re.compile(
    r"api[ _-]?key (?:is )?(?:not valid|invalid|not found|missing|expired|required|incorrect)"
    r"|(?:invalid|incorrect|missing|expired|no|wrong|unknown) (?:api[ _-]?key|auth credentials|authentication|token)\b"
    r"|(?:provide|pass|supply) (?:a valid|an|your) api[ _-]?key|no auth credentials|not authenticated|unauthorized"
)
_CREDIT_WORDS = re.compile(
    r"insufficient (?:credits?|balance|funds)|out of credits?|credit balance is too low|requires more credits"
    r"|no credits? (?:left|remaining)"
)
_LENGTH_WORDS = re.compile(
    r"context (?:length|window|size)|maximum context|prompt is too long|input is too long|too many (?:input )?tokens"
    r"|exceeds? (?:the )?(?:maximum|max|model'?s|limit).{0,40}tokens|tokens? .{0,40}exceeds|reduce the length"
    r"|longer than the (?:model|maximum)"
)
_MODEL_WORDS = re.compile(
    r"model.{0,120}(?:not found|does not exist|doesn't exist|not available|not supported|is not a valid)"
    r"|unknown model|no such model|not a valid model|try pulling it"
)
_STRUCTURE_WORDS = re.compile(
    r"response_?format|json_?schema|json_?object|structured[ _-]output|guided[ _-](?:json|decoding)|grammar"
    r"|json mode|no endpoints found that (?:can handle|support)"
)


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """A call without an answer."""

    kind: type[AIError]
    #: A key of `provider.EXPLANATIONS`.
    reason: str
    retry_after: float | None = None
    remedy: Remedy | None = None
    #: The parameter to leave out.
    parameter: str = ""
    http_status: int | None = None
    request_id: str | None = None
    #: The call may be billed although it brought no answer.
    may_be_billed: bool = False


@dataclass(frozen=True, kw_only=True)
class ServerError:
    """The parts of an error response that decide. `message` is looked at and never kept."""

    status: int
    #: In small letters.
    codes: frozenset[str] = frozenset()
    param: str = ""
    #: In small letters.
    message: str = ""
    retry_after: float | None = None
    request_id: str | None = None


def server_error(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> ServerError:
    """An error response of any shape: an object, one in a list, a sentence, a page of HTML, or nothing."""
    return error_of(_document(body), status, headers, now)


def error_within(body: bytes, headers: Mapping[str, str], now: datetime) -> ServerError | None:
    """The error that a response with status 200 holds instead of a completion; None when it holds none."""
    document = _document(body)
    error = document.get("error") if isinstance(document, dict) else None
    return error_of(document, 500, headers, now) if error else None


def error_of(document: Any, status: int, headers: Mapping[str, str], now: datetime) -> ServerError:
    """What a server wrote as its error. A status inside it counts where the response's own says nothing (500)."""
    error = _innermost(document)
    fields = error if isinstance(error, dict) else {"message": error}
    own = [fields.get(name) for name in ("code", "type", "status")]
    codes = frozenset(value.lower() for value in (*own, *_reasons(fields)) if isinstance(value, str))
    told = next(filter(None, map(_status_in, own)), status)
    return ServerError(
        status=told if status == 500 else status,
        codes=codes,
        param=str(fields.get("param") or ""),
        message=_sentence(fields).lower(),
        retry_after=retry_after_seconds(headers, now),
        request_id=headers.get("x-request-id"),
    )


def _document(body: bytes) -> Any:
    if len(body) > MOST_BODY_BYTES:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return body[:_LONGEST_MESSAGE].decode(errors="replace")


def _innermost(document: Any) -> Any:
    """Out of a list, and out of `error`, as often as servers put it into one another."""
    for _ in range(4):
        if isinstance(document, list) and document:
            document = document[0]
        elif isinstance(document, dict) and document.get("error") and not isinstance(document["error"], bool):
            document = document["error"]
        else:
            break
    return document


def _reasons(fields: dict[str, Any]) -> Iterator[Any]:
    details = fields.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            yield detail.get("reason")


def _status_in(value: Any) -> int | None:
    try:
        status = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return status if 400 <= status < 600 else None


def _sentence(fields: dict[str, Any]) -> str:
    """What is said to people; a validator's list of findings as it is."""
    told = (fields.get(name) for name in ("message", "detail", "error_description", "msg"))
    said = next(filter(None, told), "")
    return (said if isinstance(said, str) else str(said))[:_LONGEST_MESSAGE]


def rejection_of(error: ServerError) -> Rejection:
    """What an error means."""
    kind, reason, remedy, parameter = _judged(error)
    return Rejection(
        kind=kind,
        reason=reason,
        retry_after=error.retry_after,
        remedy=remedy,
        parameter=parameter,
        http_status=error.status,
        request_id=error.request_id,
    )


_Verdict = tuple[type[AIError], str, Remedy | None, str]
_BY_STATUS: Mapping[int, _Verdict] = {
    401: (AIConfig, "bad_key", None, ""),
    402: (AIConfig, "quota", None, ""),
    403: (AIConfig, "forbidden", None, ""),
    404: (AIConfig, "wrong_url", None, ""),
    405: (AIConfig, "wrong_url", None, ""),
    408: (AIRetryable, "timeout", None, ""),
    409: (AIRetryable, "conflict", None, ""),
    413: (AIPermanent, "context_too_long", "less_history", ""),
    429: (AIRetryable, "rate_limited", None, ""),
}
_TOO_MUCH: _Verdict = (AIPermanent, "context_too_long", "less_history", "")
_BY_CODE: tuple[tuple[frozenset[str], _Verdict], ...] = (
    (_NO_CREDIT, (AIConfig, "quota", None, "")),
    (_UNKNOWN_MODEL, (AIConfig, "model_not_found", None, "")),
    (_BAD_KEY, (AIConfig, "bad_key", None, "")),
    (_TOO_LONG, _TOO_MUCH),
    (_FILTERED, (AIPermanent, "content_filter", None, "")),
    (_LIMITED, (AIRetryable, "rate_limited", None, "")),
    (_OVERLOADED, (AIRetryable, "server_error", None, "")),
)
_BY_WORDS: tuple[tuple[re.Pattern[str], _Verdict], ...] = (
    (_KEY_WORDS, (AIConfig, "bad_key", None, "")),
    (_CREDIT_WORDS, (AIConfig, "quota", None, "")),
    (_LENGTH_WORDS, _TOO_MUCH),
)


def _judged(error: ServerError) -> _Verdict:
    if told := _by_code(error) or _by_words(error):
        return told
    if error.status in _BY_STATUS:
        return _BY_STATUS[error.status]
    if error.status >= 500:
        return AIRetryable, "server_error", None, ""
    if error.status < 400:
        return AIConfig, "wrong_url", None, ""
    return _bad_request(error)


def _by_code(error: ServerError) -> _Verdict | None:
    return next((verdict for codes, verdict in _BY_CODE if error.codes & codes), None)


def _by_words(error: ServerError) -> _Verdict | None:
    """What only a sentence tells, whatever the status: a rate limit may speak of tokens, too, and is none of these."""
    if error.status == 429:
        return None
    if told := next((verdict for words, verdict in _BY_WORDS if words.search(error.message)), None):
        return told
    if error.status == 404 and _STRUCTURE_WORDS.search(error.message):
        return AIPermanent, "bad_request", "less_structure", ""
    if error.status in (400, 404) and _MODEL_WORDS.search(error.message) and not _names_parameter(error):
        return AIConfig, "model_not_found", None, ""
    return None


def _names_parameter(error: ServerError) -> bool:
    """`This model does not support …` is about what was asked of it."""
    names = (*ADAPTABLE, "response_format", "json_schema", "json_object")
    return bool(error.param) or any(name in error.message for name in names)


def _bad_request(error: ServerError) -> _Verdict:
    for parameter in ADAPTABLE:
        if error.param == parameter or (not error.param and parameter in error.message):
            return AIPermanent, "bad_request", "without_parameter", parameter
    if error.param.startswith("response_format") or _STRUCTURE_WORDS.search(error.message):
        return AIPermanent, "bad_request", "less_structure", ""
    return AIPermanent, "bad_request", None, ""


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """What the server asks to wait: `retry-after-ms`, or `retry-after` as seconds, with a unit, or as an HTTP date.

    None for what is none of these. How long is waited at most is the caller's affair.
    """
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = (headers.get("retry-after") or "").strip().lower()
    if value.endswith("ms"):
        milliseconds = _number(value[:-2])
        return None if milliseconds is None else milliseconds / 1000
    if (seconds := _number(value.removesuffix("s"))) is not None:
        return seconds
    try:
        at = parsedate_to_datetime(value)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        # A zone or a year that no clock has.
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if isfinite(number) and number >= 0 else None
