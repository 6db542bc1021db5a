"""The seam between Headrace and whatever answers: what goes in, what comes out, and the three ways to fail."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from headrace.events.jobs import ErrorClass
from streams.ai.prompts import Prompt
from streams.ai.questions import Question

T = TypeVar("T", bound=BaseModel)
T_co = TypeVar("T_co", bound=BaseModel, covariant=True)

#: Names of what is asked; they key scripts, time-outs and telemetry, and never change their meaning.
Feature = Literal[
    "sentiment.classify",
    "draft.generate",
    "auto_send.evaluate",
    "followup.extract_timing",
    "meeting.extract",
    "lead_scoring.score",
]
Effort = Literal["minimal", "low", "medium", "high"]
UsageSource = Literal["reported", "estimated", "none"]
#: metered: counted by the provider. estimated: counted here. none: nothing was billed. unknown: may be billed.
Billing = Literal["metered", "estimated", "none", "unknown"]
CallStatus = Literal["ok", "error", "cancelled"]


@dataclass(frozen=True, kw_only=True)
class Caller:
    """On whose behalf a call is made: ids only."""

    receipt_id: str
    workspace: str
    lead_id: str
    message_id: str
    job_id: str
    #: The job's type, such as `SMS_INBOUND_POST_PROCESS`.
    job_type: str
    step: str
    #: The job's attempt, from 1.
    attempt: int = 1
    #: W3C trace id, 32 hex digits, or empty.
    trace_id: str = ""


@dataclass(frozen=True, kw_only=True)
class AITask(Generic[T]):
    """One thing to ask. `question.facts` is ours and trusted; the rest of the question was written by others."""

    feature: Feature
    prompt: Prompt
    question: Question
    answer: type[T]
    caller: Caller
    effort: Effort = "low"
    max_output_tokens: int = 500

    @property
    def result_key(self) -> str:
        """Names the answer: a replay that has it need not ask, and so never pays, again."""
        return f"{self.feature}:{self.caller.message_id}:{self.prompt.key}@{self.prompt.version}"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens. `cached` and `cache_write` are parts of `input`, `reasoning` is a part of `output`."""

    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    source: UsageSource = "none"

    @property
    def total(self) -> int:
        """All tokens, none counted twice."""
        return self.input + self.output


@dataclass(frozen=True, kw_only=True)
class Call:
    """One try. Its numbers and codes go into telemetry, so it holds no text."""

    #: The model as the provider named it in its reply, else as it was asked for.
    model: str
    latency_ms: int
    status: CallStatus
    usage: Usage
    billing: Billing
    #: A reason out of `EXPLANATIONS`; None when the call succeeded.
    error: str | None = None
    error_class: ErrorClass | None = None
    http_status: int | None = None
    finish: str | None = None
    #: How structure was asked for: json_schema, json_object, text.
    structure: str | None = None
    request_id: str | None = None
    response_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class AIResult(Generic[T_co]):
    """A valid answer and what it took."""

    value: T_co
    provider: str
    model: str
    #: chat_completions, local or scripted.
    api: str
    prompt: Prompt
    usage: Usage
    latency_ms: int
    finish: str
    #: Every try, the failed ones too, oldest first.
    calls: tuple[Call, ...]
    request_id: str | None = None
    #: The lead's text tries to steer a model: nothing may be sent or booked without a person.
    injection_suspected: bool = False
    #: The answer is usable, but a person should look at it.
    needs_review: bool = False
    #: The deterministic rule that decided, where one did.
    rule: str | None = None


#: Every reason to fail: what happened, why, and what to do.
EXPLANATIONS: Mapping[str, str] = MappingProxyType(
    {
        # retryable
        "timeout": "The model did not finish in time; the call may have been billed. It is tried again later.",
        "connection": "The AI server can't be reached. It is tried again later; check AI_BASE_URL if this goes on.",
        "rate_limited": "The AI server asks to slow down. It is tried again after the time it named.",
        "server_error": "The AI server failed. It is tried again later.",
        "conflict": "The AI server could not take the request just now. It is tried again later.",
        "bad_body": "The AI server answered, but not with a chat completion. Check that AI_BASE_URL is an "
        "OpenAI-compatible endpoint, usually ending in /v1.",
        # config: nothing gets better by waiting
        "bad_key": "The AI server refused the key. Set OPENAI_API_KEY to a valid one and restart the jobs app.",
        "forbidden": "The key may not use this model or endpoint. Allow it at the provider, or set AI_MODEL.",
        "quota": "The account at the AI provider has no credit left. Add credit there; parked jobs then go on.",
        "model_not_found": "The AI server doesn't know the model. Set AI_MODEL to one it serves.",
        "wrong_url": "The AI server has no chat completions at this address. Check AI_BASE_URL; most end in /v1.",
        # permanent: a person decides
        "refusal": "The model declined to answer this message. A person should read it.",
        "content_filter": "The provider's content filter stopped the answer. A person should read the message.",
        "length": "The answer did not fit, even with twice the room. A person should read the message.",
        "schema_invalid": "The answer did not fit its schema, even after one correction. A person should read the "
        "message; if it happens often, choose a stronger model.",
        "context_too_long": "The conversation is longer than the model takes, even without its oldest part.",
        "bad_request": "The AI server rejected the request. See the event's status, and the request id in its logs.",
        "unscripted": "The test did not say how to answer this task.",
    }
)
#: Reasons after which a person answers the message, and the person's reason (`headrace.events.needs_person`): the
#: server works, and would say the same again.
FOR_PERSONS: Mapping[str, Literal["answer_invalid", "answer_refused"]] = MappingProxyType(
    {
        "refusal": "answer_refused",
        "content_filter": "answer_refused",
        "length": "answer_invalid",
        "schema_invalid": "answer_invalid",
    }
)
#: Reasons that are likely to repeat: give up after so many attempts, although they are retryable.
ATTEMPT_LIMITS: Mapping[str, int] = MappingProxyType({"bad_body": 2})


class AIError(Exception):
    """A task failed. It is never an answer: nobody may turn it into Neutral."""

    def __init__(
        self,
        reason: str,
        *,
        retry_after: float | None = None,
        calls: tuple[Call, ...] = (),
        fields: tuple[str, ...] = (),
    ) -> None:
        super().__init__(EXPLANATIONS[reason])
        #: A key of EXPLANATIONS.
        self.reason = reason
        #: Seconds the server asked to wait, if it did.
        self.retry_after = retry_after
        #: Every try that was made.
        self.calls = calls
        #: Names of fields of ours that the answer had wrong.
        self.fields = fields

    @property
    def error_class(self) -> ErrorClass:
        """What a job does about it."""
        return error_class_of(type(self), self.reason)

    @property
    def attempt_limit(self) -> int | None:
        """Attempts after which to give up even if the retry tiers allow more."""
        return ATTEMPT_LIMITS.get(self.reason)


class AIRetryable(AIError):
    """It may work later: spend an attempt, wait, repeat the step."""


class AIPermanent(AIError):
    """It will not work for this message: dead-letter it for a person."""


class AIConfig(AIError):
    """It will not work for any message until somebody changes something: open the breaker, park, alert."""


def error_class_of(kind: type[AIError], reason: str) -> ErrorClass:
    """The job's error class of a kind of error."""
    if issubclass(kind, AIConfig):
        return "dependency_down"
    if issubclass(kind, AIPermanent):
        return "permanent"
    return "rate_limited" if reason == "rate_limited" else "transient"


class AIProvider(Protocol):
    """Whatever answers. One instance serves all tasks of a process, concurrently."""

    @property
    def name(self) -> str:
        """openai, local or scripted."""

    @property
    def api(self) -> str:
        """chat_completions, local or scripted."""

    @property
    def model(self) -> str:
        """The model tasks go to."""

    async def run(self, task: AITask[T], budget_s: float) -> AIResult[T]:
        """The answer within `budget_s` seconds, all tries together.

        Raises AIRetryable, AIPermanent or AIConfig, each with the tries made; ValueError when given no time at all.
        """

    async def close(self) -> None:
        """Gives connections back."""
