"""Asks an OpenAI-compatible server; time, money and mistakes of a call are in our hands, not in the SDK's."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import BaseModel

from streams.ai.openai_completion import Completion, read_completion, usage_of
from streams.ai.openai_errors import Rejection, error_within, rejection_of, server_error
from streams.ai.openai_request import Plan, Structure, request_body
from streams.ai.openai_steps import MOST_TRIES, Again, Failed, Step, Valid, after_completion, after_rejection
from streams.ai.provider import (
    AIPermanent,
    AIResult,
    AIRetryable,
    AITask,
    Call,
    Usage,
    error_class_of,
)
from streams.ai.untrusted import screened_lead

if TYPE_CHECKING:
    import httpx2
    import openai

T = TypeVar("T", bound=BaseModel)

DEFAULT_BASE_URL = "https://api.openai.com/v1"
#: Servers on one's own machine often need no key; the SDK does.
_NO_KEY = "none"
#: A server that learns structured output is noticed within the hour.
_RUNG_REMEMBERED_S = 3600.0
#: The SDK's connection errors whose request never left.
_NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "InvalidURL"})


@dataclass
class _Dialect:
    """What was learnt of the server and model."""

    structure: Structure = "json_schema"
    until: float = 0.0
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    call: Call
    reply: Completion | Rejection


class OpenAIProvider:
    """One client, opened at the first task. Retries are the job's affair, so the SDK makes none."""

    name = "openai"
    api = "chat_completions"

    def __init__(
        self,
        *,
        model: str,
        base_url: str = DEFAULT_BASE_URL,
        api_key: str = "",
        transport: "httpx2.AsyncBaseTransport | None" = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`transport` replaces the network, `clock` counts seconds."""
        self.model = model
        self._base_url = base_url
        self._api_key = api_key.strip() or _NO_KEY
        self._transport = transport
        self._clock = clock
        self._client: openai.AsyncOpenAI | None = None
        self._opening = asyncio.Lock()
        self._dialect = _Dialect()

    async def run(self, task: AITask[T], budget_s: float) -> AIResult[T]:
        """See `AIProvider.run`."""
        if budget_s <= 0:
            raise ValueError("a task needs time: give budget_s in seconds, above 0")
        calls: list[Call] = []
        try:
            # Around everything: the SDK's own time-out starts anew with each piece of a trickling body.
            async with asyncio.timeout(budget_s):
                end = await self._converse(task, calls, budget_s)
        except TimeoutError:
            end = Failed(kind=AIRetryable, reason="timeout")
        # Raised out here, so that no error of the SDK, which may quote the server, hangs on to ours.
        if isinstance(end, Failed):
            _fail(end, calls)
        return self._result(task, end.value, calls)

    async def close(self) -> None:
        """See `AIProvider.close`."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _converse(self, task: AITask[T], calls: list[Call], budget_s: float) -> Valid[T] | Failed:
        client = await self._opened()
        plan = self._first_plan(task)
        for _ in range(MOST_TRIES):
            outcome = await self._call(client, task, plan, calls, budget_s)
            step = _next(task, plan, outcome.reply)
            calls.append(_judged(outcome.call, step))
            self._learn(plan, step)
            if not isinstance(step, Again):
                return step
            plan = step.plan
        return Failed(kind=AIPermanent, reason="bad_request")

    def _first_plan(self, task: AITask[T]) -> Plan:
        if self._clock() >= self._dialect.until:
            self._dialect.structure = "json_schema"
        return Plan(
            structure=self._dialect.structure, max_output_tokens=task.max_output_tokens, refused=self._dialect.refused
        )

    def _learn(self, plan: Plan, step: Step) -> None:
        """Remembers how the server answered, and at once what it refuses: both hold for every task after this one."""
        if isinstance(step, Again):
            self._dialect.refused |= step.plan.refused
        elif isinstance(step, Valid) and plan.structure != self._dialect.structure:
            self._dialect.structure = plan.structure
            self._dialect.until = self._clock() + _RUNG_REMEMBERED_S

    async def _call(
        self, client: "openai.AsyncOpenAI", task: AITask[T], plan: Plan, calls: list[Call], budget_s: float
    ) -> _Outcome:
        request = request_body(task, plan, self.model)
        started = self._clock()
        try:
            reply = await _exchange(client, request, budget_s)
        except asyncio.CancelledError:
            calls.append(self._broken_off(plan, started))
            raise
        latency_ms = self._ms_since(started)
        if isinstance(reply, Rejection):
            return _Outcome(reply=reply, call=self._rejected(plan, reply, latency_ms))
        completion, request_id = reply
        usage = usage_of(completion, request)
        call = Call(
            model=completion.model or self.model,
            latency_ms=latency_ms,
            status="ok",
            usage=usage,
            billing="metered" if usage.source == "reported" else "estimated",
            http_status=200,
            finish=completion.finish,
            structure=plan.structure,
            request_id=request_id,
            response_id=completion.id,
        )
        return _Outcome(reply=completion, call=call)

    def _rejected(self, plan: Plan, rejection: Rejection, latency_ms: int) -> Call:
        return Call(
            model=self.model,
            latency_ms=latency_ms,
            status="error",
            usage=Usage(),
            billing="unknown" if rejection.may_be_billed else "none",
            error=rejection.reason,
            error_class=error_class_of(rejection.kind, rejection.reason),
            http_status=rejection.http_status,
            structure=plan.structure,
            request_id=rejection.request_id,
        )

    def _broken_off(self, plan: Plan, started: float) -> Call:
        return Call(
            model=self.model,
            latency_ms=self._ms_since(started),
            status="error",
            usage=Usage(),
            billing="unknown",
            error="timeout",
            error_class="transient",
            structure=plan.structure,
        )

    def _ms_since(self, started: float) -> int:
        return round((self._clock() - started) * 1000)

    def _result(self, task: AITask[T], value: T, calls: list[Call]) -> AIResult[T]:
        last = calls[-1]
        return AIResult(
            value=value,
            provider=self.name,
            model=last.model,
            api=self.api,
            prompt=task.prompt,
            usage=_sum(calls),
            latency_ms=sum(call.latency_ms for call in calls),
            finish=last.finish or "stop",
            calls=tuple(calls),
            request_id=last.request_id,
            injection_suspected=screened_lead(task.question.lead).injection_suspected,
        )

    async def _opened(self) -> "openai.AsyncOpenAI":
        async with self._opening:
            if self._client is None:
                # In a thread: the import takes a second, in which other jobs' heartbeats must go on.
                self._client = await asyncio.to_thread(self._open)
            return self._client

    def _open(self) -> "openai.AsyncOpenAI":
        import httpx2  # noqa: PLC0415 - both take a second to import, and most installations never need them
        import openai  # noqa: PLC0415

        for library in ("openai", "httpx2", "httpcore2"):
            logging.getLogger(library).setLevel(logging.WARNING)
        http_client = None if self._transport is None else httpx2.AsyncClient(transport=self._transport)
        # The base URL explicitly, for else the SDK takes one from the environment behind our settings.
        return openai.AsyncOpenAI(
            api_key=self._api_key, base_url=self._base_url, max_retries=0, http_client=http_client
        )


def _next(task: AITask[T], plan: Plan, reply: Completion | Rejection) -> Valid[T] | Again | Failed:
    if isinstance(reply, Rejection):
        return after_rejection(plan, reply)
    return after_completion(task, plan, reply)


async def _exchange(
    client: "openai.AsyncOpenAI", request: dict[str, Any], timeout_s: float
) -> tuple[Completion, str | None] | Rejection:
    """One HTTP request. The raw response, because the SDK would pass on broken bodies as if they were fine."""
    import openai  # noqa: PLC0415 - it is loaded by now

    create: Any = client.chat.completions.with_raw_response.create
    try:
        response = await create(**request, timeout=timeout_s)
    except openai.APITimeoutError:  # a kind of connection error, so it comes first
        return Rejection(kind=AIRetryable, reason="timeout", may_be_billed=True)
    except openai.APIConnectionError as error:
        never_sent = type(error.__cause__).__name__ in _NEVER_SENT
        return Rejection(kind=AIRetryable, reason="connection", may_be_billed=not never_sent)
    except openai.APIStatusError as error:
        rejected = error.response
        return rejection_of(server_error(rejected.status_code, rejected.headers, rejected.content, datetime.now(UTC)))
    completion = read_completion(response.content)
    request_id = response.headers.get("x-request-id")
    if completion is not None:
        return completion, request_id
    if error_inside := error_within(response.content, response.headers, datetime.now(UTC)):
        return rejection_of(error_inside)
    return Rejection(
        kind=AIRetryable,
        reason="bad_body",
        http_status=response.status_code,
        request_id=request_id,
        may_be_billed=True,
    )


def _judged(call: Call, step: Step) -> Call:
    """The call with what its answer was wrong about, if it was."""
    if isinstance(step, Valid) or call.status == "error":
        return call
    kind = AIPermanent if isinstance(step, Again) else step.kind
    return replace(call, status="error", error=step.reason, error_class=error_class_of(kind, step.reason))


def _sum(calls: list[Call]) -> Usage:
    """The tokens of all tries. One estimate makes the sum an estimate."""
    used = [call.usage for call in calls if call.usage.source != "none"]
    return Usage(
        input=sum(usage.input for usage in used),
        cached=sum(usage.cached for usage in used),
        cache_write=sum(usage.cache_write for usage in used),
        output=sum(usage.output for usage in used),
        reasoning=sum(usage.reasoning for usage in used),
        source="estimated" if any(usage.source == "estimated" for usage in used) else "reported" if used else "none",
    )


def _fail(end: Failed, calls: list[Call]) -> NoReturn:
    raise end.kind(end.reason, retry_after=end.retry_after, calls=tuple(calls), fields=end.fields)
