"""What a rejected request means: try again, ask otherwise, give up on this message, or tell the operator."""

from dataclasses import dataclass
from typing import Literal

from streams.ai.openai_wire import ADAPTABLE
from streams.ai.provider import AIConfig, AIError, AIPermanent, AIRetryable

#: How the same question may work after all.
Remedy = Literal["less_structure", "without_parameter", "less_history"]
_NO_CREDIT = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance"}
)
_TOO_LONG = frozenset({"context_length_exceeded", "string_above_max_length", "request_too_large"})
_FILTERED = frozenset({"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"})
_UNKNOWN_MODEL = frozenset({"model_not_found", "model_not_available", "DeploymentNotFound"})


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
    code: str
    param: str
    message: str
    retry_after: float | None
    request_id: str | None


def rejection_of(error: ServerError) -> Rejection:
    """What a status of 300 and above means."""
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


def _judged(error: ServerError) -> _Verdict:
    if error.code in _NO_CREDIT or error.status == 402:
        return AIConfig, "quota", None, ""
    if error.code in _UNKNOWN_MODEL:
        return AIConfig, "model_not_found", None, ""
    by_status: dict[int, _Verdict] = {
        401: (AIConfig, "bad_key", None, ""),
        403: (AIConfig, "forbidden", None, ""),
        404: (AIConfig, "wrong_url", None, ""),
        405: (AIConfig, "wrong_url", None, ""),
        408: (AIRetryable, "timeout", None, ""),
        409: (AIRetryable, "conflict", None, ""),
        413: (AIPermanent, "context_too_long", "less_history", ""),
        429: (AIRetryable, "rate_limited", None, ""),
    }
    if error.status in by_status:
        return by_status[error.status]
    if error.status >= 500:
        return AIRetryable, "server_error", None, ""
    if error.status < 400:
        return AIConfig, "wrong_url", None, ""
    return _bad_request(error)


def _bad_request(error: ServerError) -> _Verdict:
    if error.code in _TOO_LONG or "context length" in error.message or "context window" in error.message:
        return AIPermanent, "context_too_long", "less_history", ""
    if error.code in _FILTERED:
        return AIPermanent, "content_filter", None, ""
    for parameter in ADAPTABLE:
        if error.param == parameter or (not error.param and parameter in error.message):
            return AIPermanent, "bad_request", "without_parameter", parameter
    if (
        error.param.startswith("response_format")
        or "response_format" in error.message
        or "json_schema" in error.message
    ):
        return AIPermanent, "bad_request", "less_structure", ""
    return AIPermanent, "bad_request", None, ""
