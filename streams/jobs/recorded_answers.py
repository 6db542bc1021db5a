"""What models answered, as events keep it: so that whoever decides again need not ask again. Values in, values out."""

import hashlib
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError

from headrace.events.jobs import MOST_WRONG_FIELDS, StepAnswer
from streams.ai.prompts import Prompt
from streams.ai.provider import AIError, AIPermanent, AIProvider, AIResult, AITask, Usage
from streams.ai.questions import Lead

A = TypeVar("A", bound=BaseModel)


class AnswerUnfit(ValueError):
    """A recorded answer does not fit its schema of today. The message names the feature, never the content."""


def recorded(task: AITask[A], result: AIResult[A], *, embedded: bool) -> StepAnswer:
    """The answer to a task, to be kept with the finished step."""
    return StepAnswer(
        feature=task.feature,
        value=result.value.model_dump(mode="json"),
        provider=result.provider,
        model=result.model,
        prompt_key=result.prompt.key,
        prompt_version=result.prompt.version,
        prompt_sha256=result.prompt.sha256,
        words_sha256=words_sha256(task.question.lead),
        embedded=embedded,
        injection_suspected=result.injection_suspected,
        needs_review=result.needs_review,
        rule=result.rule,
    )


def recorded_failure(task: AITask[Any], error: AIError, asked: AIProvider, *, embedded: bool) -> StepAnswer:
    """What came instead of an answer, where a person answers the message."""
    return StepAnswer(
        feature=task.feature,
        value={},
        provider=asked.name,
        model=asked.model,
        prompt_key=task.prompt.key,
        prompt_version=task.prompt.version,
        prompt_sha256=task.prompt.sha256,
        words_sha256=words_sha256(task.question.lead),
        embedded=embedded,
        failure=error.reason,
        wrong_fields=error.fields[:MOST_WRONG_FIELDS],
    )


def as_result(answer: StepAnswer, task: AITask[A]) -> AIResult[A]:
    """The kept answer as if it had just come. It took nothing: its call is recorded.

    Raises AnswerUnfit, and AIPermanent where none came that could be used.
    """
    if answer.failure:
        raise AIPermanent(answer.failure, fields=answer.wrong_fields)
    try:
        value = task.answer.model_validate_json(msgspec.json.encode(answer.value))
    except ValidationError:
        raise AnswerUnfit(f"the recorded answer to {answer.feature} does not fit its schema any more") from None
    prompt = Prompt(
        key=answer.prompt_key, version=answer.prompt_version, text=task.prompt.text, sha256=answer.prompt_sha256
    )
    return AIResult(
        value=value,
        provider=answer.provider,
        model=answer.model,
        api="recorded",
        prompt=prompt,
        usage=Usage(),
        latency_ms=0,
        finish="stop",
        calls=(),
        injection_suspected=answer.injection_suspected,
        needs_review=answer.needs_review,
        rule=answer.rule,
    )


def answers_question(answer: StepAnswer, task: AITask[Any], *, embedded: bool) -> bool:
    """True when it was given to this question: the same thing asked about the same words of the lead."""
    asked = (answer.feature, answer.embedded, answer.words_sha256)
    return asked == (task.feature, embedded, words_sha256(task.question.lead))


def words_sha256(lead: Lead) -> str:
    """Of what the lead wrote now, subject and text: hex. What came before may be known in part only."""
    return hashlib.sha256(f"{lead.subject or ''}\x1f{lead.text}".encode("utf-8", "surrogatepass")).hexdigest()
