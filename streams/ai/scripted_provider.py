"""Answers as a test wrote them: values, delays, failures. A task that nobody scripted fails."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from streams.ai.openai_steps import Invalid, validated
from streams.ai.provider import (
    AIError,
    AIPermanent,
    AIResult,
    AIRetryable,
    AITask,
    Call,
    Feature,
    Usage,
    error_class_of,
)
from streams.ai.untrusted import screened_lead

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """One answer. Exactly one of `value`, `error` and `body` decides how it ends."""

    value: BaseModel | None = None
    #: Fails with this kind and reason.
    error: tuple[type[AIError], str] | None = None
    #: What a model would write: read, validated and refused like a real one.
    body: str | None = None
    delay_s: float = 0.0
    usage: Usage | None = None
    retry_after: float | None = None


#: (feature, message id) → the answers in turn, of which the last repeats. Message id `*` is any message.
Script = Mapping[tuple[Feature, str], Sequence[Scripted]]


class ScriptedProvider:
    """Keeps every task it was given in `asked`."""

    name = "scripted"
    api = "scripted"
    model = "scripted"

    def __init__(self, script: Script) -> None:
        self._answers = {key: deque(answers) for key, answers in script.items()}
        self.asked: list[AITask[Any]] = []

    async def run(self, task: AITask[T], budget_s: float) -> AIResult[T]:
        """See `AIProvider.run`."""
        if budget_s <= 0:
            raise ValueError("a task needs time: give budget_s in seconds, above 0")
        self.asked.append(task)
        scripted = self._next(task)
        try:
            async with asyncio.timeout(budget_s):
                await asyncio.sleep(scripted.delay_s)
        except TimeoutError:
            scripted = Scripted(error=(AIRetryable, "timeout"))
        return _played(task, scripted)

    async def close(self) -> None:
        """Nothing is open."""

    def _next(self, task: AITask[Any]) -> Scripted:
        message_id = task.caller.message_id
        answers = self._answers.get((task.feature, message_id)) or self._answers.get((task.feature, "*"))
        if not answers:
            return Scripted(error=(AIPermanent, "unscripted"))
        return answers.popleft() if len(answers) > 1 else answers[0]


def _played(task: AITask[T], scripted: Scripted) -> AIResult[T]:
    usage = scripted.usage or Usage()
    if scripted.error is not None:
        kind, reason = scripted.error
        raise kind(reason, retry_after=scripted.retry_after, calls=(_call(usage, kind, reason),))
    text = scripted.body if scripted.value is None else scripted.value.model_dump_json()
    answer = validated(task, text or "")
    if isinstance(answer, Invalid):
        call = _call(usage, AIPermanent, "schema_invalid")
        raise AIPermanent("schema_invalid", calls=(call,), fields=answer.fields)
    return AIResult(
        value=answer,
        provider=ScriptedProvider.name,
        model=ScriptedProvider.model,
        api=ScriptedProvider.api,
        prompt=task.prompt,
        usage=usage,
        latency_ms=0,
        finish="stop",
        calls=(_call(usage),),
        injection_suspected=screened_lead(task.question.lead).injection_suspected,
    )


def _call(usage: Usage, kind: type[AIError] | None = None, reason: str | None = None) -> Call:
    return Call(
        model=ScriptedProvider.model,
        latency_ms=0,
        status="ok" if kind is None else "error",
        usage=usage,
        billing="none",
        error=reason,
        error_class=None if kind is None or reason is None else error_class_of(kind, reason),
        finish="stop" if kind is None else None,
    )
