"""How a step asks a model: a failure to answer is a failure of the step, never an answer."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from streams.ai.provider import FOR_PERSONS, AIError, AIResult, AITask, Caller
from streams.ai.questions import Question
from streams.jobs.step import ForPerson, Overtaken, StepContext, StepFailed

Q = TypeVar("Q", bound=Question)
A = TypeVar("A", bound=BaseModel)


async def ask(
    context: StepContext, task: Callable[[Q, Caller], AITask[A]], question: Q, *, embedded: bool = False
) -> AIResult[A]:
    """The answer to a question. Raises StepFailed, ForPerson, and Overtaken when it is of no use any more."""
    try:
        answer = await context.ai.ask(lambda caller: task(question, caller), embedded=embedded)
    except AIError as error:
        if error.reason in FOR_PERSONS:
            raise ForPerson(error.reason, FOR_PERSONS[error.reason], error.fields) from error
        limit = error.attempt_limit
        is_hopeless = limit is not None and context.job.attempt >= limit
        error_class = "permanent" if is_hopeless else error.error_class
        raise StepFailed(error.reason, error_class, error.retry_after) from error
    if context.is_overtaken():
        raise Overtaken
    return answer
