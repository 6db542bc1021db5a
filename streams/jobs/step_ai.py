"""The AI seam of one run of a step: what the step asks through, and where the engine takes what came of it."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from pydantic import BaseModel

from headrace.events.ai import AiCalled
from headrace.events.jobs import StepAnswer
from streams.ai.provider import AIResult, AITask, Caller

A = TypeVar("A", bound=BaseModel)


class StepAi(Protocol):
    """What a step finds as `context.ai`. Who makes no calls, or keeps none, need only say how it answers."""

    async def ask(self, task_of: Callable[[Caller], AITask[A]], *, embedded: bool = False) -> AIResult[A]:
        """The answer to a task made for the caller. `embedded` asks the provider that needs no network.

        Raises AIError; StepFailed (`over_budget`) when the workspace has no budget left for the call.
        """

    def take_calls(self) -> tuple[AiCalled, ...]:
        """The calls made since the last time, whatever became of the step: their records must never get lost."""
        return ()

    def take_answers(self) -> tuple[StepAnswer, ...]:
        """What models answered since the last time: kept with the step once it is finished."""
        return ()
