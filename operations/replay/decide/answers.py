"""The AI seam of a step that is decided again: what was answered then is the answer now, and nobody is asked."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from headrace.events.jobs import StepAnswer
from streams.ai.provider import AIResult, AITask, Caller
from streams.jobs.context import StepCall
from streams.jobs.recorded_answers import AnswerUnfit, answers_question, as_result
from streams.jobs.step_ai import StepAi

A = TypeVar("A", bound=BaseModel)


class AnswerMissing(Exception):
    """A step asks what nobody answered then. Not a failure of the step: nobody may conclude anything from it."""

    def __init__(self, task: AITask[Any]) -> None:
        super().__init__(task.feature)
        #: What would have to be asked.
        self.task = task


class RecordedAi(StepAi):
    """Gives what was answered then. Each recorded answer is given once."""

    def __init__(self, call: StepCall, answers: Sequence[StepAnswer]) -> None:
        self._call = call
        self._left = list(answers)
        self._given: list[StepAnswer] = []

    async def ask(self, task_of: Callable[[Caller], AITask[A]], *, embedded: bool = False) -> AIResult[A]:
        """The recorded answer. Raises AnswerMissing."""
        task = task_of(caller_of(self._call))
        for answer in list(self._left):
            if answers_question(answer, task, embedded=embedded):
                self._left.remove(answer)
                try:
                    result = as_result(answer, task)
                except AnswerUnfit:
                    continue
                self._given.append(answer)
                return result
        raise AnswerMissing(task)

    def take_answers(self) -> tuple[StepAnswer, ...]:
        """The answers that were given."""
        given, self._given = self._given, []
        return tuple(given)


def caller_of(call: StepCall) -> Caller:
    """On whose behalf the step asks."""
    job = call.job
    return Caller(
        receipt_id=call.receipt_id,
        workspace=job.workspace,
        lead_id=job.lead_id,
        message_id=job.message.message_id,
        job_id=job.job_id,
        job_type=job.type,
        step=call.step,
        attempt=job.attempt,
    )
