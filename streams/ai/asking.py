"""The one way to ask a model: the answer comes back, and every try is recorded, also when it fails or is cancelled."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel

from headrace.events.ai import AiCalled
from streams.ai.openai_request import Plan, request_body
from streams.ai.pricing import FREE_PROVIDERS, PriceTable
from streams.ai.provider import AIError, AIProvider, AIResult, AITask, Call, Usage
from streams.ai.untrusted import screened_lead

T = TypeVar("T", bound=BaseModel)
Record = Callable[[AiCalled], None]


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What every question of a process shares."""

    provider: AIProvider
    prices: PriceTable
    now: Callable[[], datetime]


async def ask(desk: Desk, task: AITask[T], *, timeout_s: float, record: Record) -> AIResult[T]:
    """The answer to a task. `record` gets one event for each try, before this returns or raises.

    Raises AIRetryable, AIPermanent or AIConfig; CancelledError passes, its call recorded as possibly billed.
    """
    started = time.monotonic()
    try:
        result = await desk.provider.run(task, timeout_s)
    except AIError as error:
        _record(desk, task, error.calls, record)
        raise
    except asyncio.CancelledError:
        _record(desk, task, (_cancelled(desk, round((time.monotonic() - started) * 1000)),), record)
        raise
    _record(desk, task, result.calls, record)
    return result


def most_micro_usd(desk: Desk, task: AITask[T]) -> int | None:
    """What one try of the task may cost at most, to reserve before it; None when the model has no price."""
    if desk.provider.name in FREE_PROVIDERS:
        return 0
    request = request_body(
        task, Plan(structure="json_object", max_output_tokens=task.max_output_tokens), desk.provider.model
    )
    prompt_bytes = sum(len(message["content"].encode()) for message in request["messages"])
    return desk.prices.most_micro_usd(desk.provider.model, prompt_bytes, task.max_output_tokens)


def _cancelled(desk: Desk, latency_ms: int) -> Call:
    return Call(
        model=desk.provider.model,
        latency_ms=latency_ms,
        status="cancelled",
        usage=Usage(),
        billing="none" if desk.provider.name in FREE_PROVIDERS else "unknown",
        error="cancelled",
    )


def _record(desk: Desk, task: AITask[T], calls: tuple[Call, ...], record: Record) -> None:
    injected = screened_lead(task.question.lead).injection_suspected
    for number, call in enumerate(calls, start=1):
        record(_event(desk, task, number, call, injected))


def _event(desk: Desk, task: AITask[T], number: int, call: Call, injected: bool) -> AiCalled:
    caller = task.caller
    return AiCalled(
        receipt_id=caller.receipt_id,
        workspace=caller.workspace,
        lead_id=caller.lead_id,
        message_id=caller.message_id,
        job_id=caller.job_id,
        step=caller.step,
        attempt=caller.attempt,
        call=number,
        called_at=desk.now(),
        source=f"background-job/{caller.job_type.lower().replace('_', '-')}",
        feature=task.feature,
        prompt_key=task.prompt.key,
        prompt_version=task.prompt.version,
        prompt_sha256=task.prompt.sha256,
        provider=desk.provider.name,
        api=desk.provider.api,
        model=call.model,
        structure=call.structure,
        input_tokens=call.usage.input,
        cached_tokens=call.usage.cached,
        cache_write_tokens=call.usage.cache_write,
        output_tokens=call.usage.output,
        reasoning_tokens=call.usage.reasoning,
        usage_source=call.usage.source,
        billing=call.billing,
        cost_micro_usd=desk.prices.cost_micro_usd(desk.provider.name, call, desk.provider.model),
        price_version=desk.prices.version,
        latency_ms=call.latency_ms,
        status=call.status,
        error_class=call.error_class,
        error=call.error,
        http_status=call.http_status,
        finish=call.finish,
        response_id=call.response_id,
        request_id=call.request_id,
        injection_suspected=injected,
        trace_id=caller.trace_id,
    )
