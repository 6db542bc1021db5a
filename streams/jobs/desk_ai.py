"""The AI seam of one run of a step: asks for its job, within the workspace's budget, and records every call."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from msgspec.structs import replace
from pydantic import BaseModel

from headrace.events.ai import AiCalled
from headrace.events.jobs import StepAnswer
from streams.ai.asking import Desk, ask, most_micro_usd
from streams.ai.provider import FOR_PERSONS, AIPermanent, AIResult, AITask, Caller, Feature
from streams.ai.reading import ReadOf, here
from streams.ai.untrusted import screened_lead
from streams.jobs.context import AiOf, StepCall
from streams.jobs.recorded_answers import recorded as recorded_answer
from streams.jobs.recorded_answers import recorded_failure
from streams.jobs.step import WorkspaceProfile
from streams.jobs.step_ai import StepAi

A = TypeVar("A", bound=BaseModel)


class Ledger(Protocol):
    """What keeps a budget; see `streams.jobs.budget_ledger`."""

    def reserve(self, workspace: WorkspaceProfile, call_id: str, most: int | None) -> None:
        """Set aside what a call may cost at most. Raises StepFailed when that is more than is left."""

    def settle(self, workspace: WorkspaceProfile, call_id: str, tries: Sequence[AiCalled]) -> None:
        """The call is over, and these are its tries."""


class DeskAi(StepAi):
    """Asks whom the settings name, within a budget, and keeps calls and answers."""

    def __init__(
        self,
        call: StepCall,
        desk: Desk,
        embedded: Desk,
        timeouts: Mapping[Feature, float],
        ledger: Ledger,
        read_of: ReadOf = here,
    ) -> None:
        self._call = call
        self._desk = desk
        self._embedded = embedded
        self._timeouts = timeouts
        self._ledger = ledger
        self._read = read_of(call.job.workspace)
        self._asked = 0
        self._tried = 0
        self._calls: list[AiCalled] = []
        self._answers: list[StepAnswer] = []

    async def ask(self, task_of: Callable[[Caller], AITask[A]], *, embedded: bool = False) -> AIResult[A]:
        """The answer. Raises AIError, StepFailed when the workspace has no budget left for it, and Unreadable."""
        desk = self._embedded if embedded else self._desk
        task = task_of(self._caller())
        # Prompt and records are made of the lead's words in this process: only once another one was done with them.
        await self._read(screened_lead, task.question.lead)
        self._asked += 1
        call_id = f"{self._call.job.job_id}:{self._call.step}:{self._call.job.attempt}:{self._asked}"
        most = most_micro_usd(desk, task)
        self._ledger.reserve(self._call.workspace, call_id, most)
        tries: list[AiCalled] = []
        try:
            result = await ask(desk, task, timeout_s=self._timeouts[task.feature], record=tries.append)
        except AIPermanent as error:
            if error.reason in FOR_PERSONS:
                self._answers.append(recorded_failure(task, error, desk.provider, embedded=embedded))
            raise
        finally:
            made = [self._counted(call, most) for call in tries]
            self._calls += made
            self._ledger.settle(self._call.workspace, call_id, made)
        self._answers.append(recorded_answer(task, result, embedded=embedded))
        return result

    def take_calls(self) -> tuple[AiCalled, ...]:
        """The calls made since the last time."""
        calls, self._calls = self._calls, []
        return tuple(calls)

    def take_answers(self) -> tuple[StepAnswer, ...]:
        """What was answered since the last time."""
        answers, self._answers = self._answers, []
        return tuple(answers)

    def _counted(self, call: AiCalled, most: int | None) -> AiCalled:
        """Tries count on over all questions of a step; one of unknown cost says what it may have cost."""
        self._tried += 1
        return replace(call, call=self._tried, most_micro_usd=most if call.cost_micro_usd is None else None)

    def _caller(self) -> Caller:
        job = self._call.job
        return Caller(
            receipt_id=self._call.receipt_id,
            workspace=job.workspace,
            lead_id=job.lead_id,
            message_id=job.message.message_id,
            job_id=job.job_id,
            job_type=job.type,
            step=self._call.step,
            attempt=job.attempt,
            trace_id=_trace_id(self._call.traceparent),
        )


def ai_of(
    desk: Desk,
    embedded: Desk,
    timeouts: Mapping[Feature, float],
    ledger: Ledger,
    read_of: ReadOf = here,
) -> AiOf:
    """What the jobs worker makes the AI seam of each step with. `embedded` needs no network: second opinions."""
    return lambda call: DeskAi(call, desk, embedded, timeouts, ledger, read_of)


def _trace_id(traceparent: str) -> str:
    parts = traceparent.split("-")
    return parts[1] if len(parts) == 4 else ""
