"""The one place of replays that asks a model, within a budget: loaded only for those who allow to spend something."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel

from headrace.events.ai import AiCalled
from headrace.events.jobs import StepAnswer
from headrace.settings import Settings
from operations.replay.decide.answers import AnswerMissing, RecordedAi
from operations.runs.run_budget import RunBudget, SpendingRefused
from streams.ai.asking import Desk, most_micro_usd
from streams.ai.chosen import AISettingsError, ai_desk, price_table, timeouts
from streams.ai.local_provider import LocalProvider
from streams.ai.pricing import FREE_PROVIDERS
from streams.ai.provider import AIResult, AIRetryable, AITask, Caller
from streams.jobs.context import StepCall
from streams.jobs.desk_ai import DeskAi
from streams.jobs.step import StepFailed
from streams.jobs.step_ai import StepAi

A = TypeVar("A", bound=BaseModel)
#: Tries at a question whose failures pass by themselves.
TRIES = 5
#: Seconds to wait after the first of them where the server names no time; twice as long after each further one.
PAUSE = 1.0
#: The longest a server may ask to wait, seconds: longer is as good as down.
LONGEST_WAIT = 120.0

#: Makes a task out of the one a step would ask: with another prompt, say.
Retold = Callable[[AITask[Any]], AITask[Any]]
#: Keeps the records of calls, whatever became of them.
Keep = Callable[[StepCall, Sequence[AiCalled]], Awaitable[None]]


class Spender:
    """Asks for steps, with patience, and hands on the record of every call."""

    def __init__(self, desk: Desk, settings: Settings, budget: RunBudget, keep: Keep, retold: Retold) -> None:
        self.budget = budget
        self._desk = desk
        self._embedded = Desk(provider=LocalProvider(), prices=price_table(settings), now=desk.now)
        self._timeouts = timeouts(settings)
        self._keep = keep
        self._retold = retold

    async def ask(
        self, call: StepCall, task_of: Callable[[Caller], AITask[A]], *, embedded: bool
    ) -> tuple[AIResult[A], StepAnswer]:
        """The answer. Raises AIError, BudgetSpent and SpendingRefused."""
        tries = 0
        while True:
            tries += 1
            seam = DeskAi(call, self._desk, self._embedded, self._timeouts, self.budget)
            try:
                result = await seam.ask(lambda caller: self._retold(task_of(caller)), embedded=embedded)
            except AIRetryable as error:
                if tries >= TRIES:
                    raise
                pause = error.retry_after if error.retry_after is not None else PAUSE * 2 ** (tries - 1)
                if pause > LONGEST_WAIT:
                    raise
            except StepFailed as failure:
                if failure.error_class != "over_budget":
                    raise
                await self.budget.room()
                tries -= 1
                continue
            else:
                (answer,) = seam.take_answers()
                return result, answer
            finally:
                await self._keep(call, seam.take_calls())
            await asyncio.sleep(pause)

    def most(self, task: AITask[Any]) -> int | None:
        """What one try at the question may cost, micro-USD."""
        return most_micro_usd(self._desk, self._retold(task))

    async def close(self) -> None:
        """Gives connections back."""
        await self._desk.provider.close()


class AskingAi(StepAi):
    """Gives the recorded answer where there is one, else a bought one."""

    def __init__(self, call: StepCall, answers: Sequence[StepAnswer], buyer: "MissingAnswers") -> None:
        self._call = call
        self._recorded = RecordedAi(call, answers)
        self._buyer = buyer
        self._given: list[StepAnswer] = []

    async def ask(self, task_of: Callable[[Caller], AITask[A]], *, embedded: bool = False) -> AIResult[A]:
        """The answer. Raises AIError, BudgetSpent and SpendingRefused."""
        try:
            result = await self._recorded.ask(task_of, embedded=embedded)
        except AnswerMissing:
            result, answer = await self._buyer.buy(self._call, task_of, embedded=embedded)
            self._given.append(answer)
        else:
            self._given += self._recorded.take_answers()
        return result

    def take_answers(self) -> tuple[StepAnswer, ...]:
        """What was answered, in the order asked."""
        given, self._given = self._given, []
        return tuple(given)


class MissingAnswers:
    """Buys what nobody answered then. A question that comes again while the run lasts is not paid for again."""

    def __init__(self, spender: Spender) -> None:
        self._spender = spender
        self._bought: dict[tuple[str, str, str], tuple[AIResult[Any], StepAnswer]] = {}

    def seam(self, call: StepCall, answers: Sequence[StepAnswer]) -> StepAi:
        """See `operations.replay.decide.deciding.Asking`."""
        return AskingAi(call, answers, self)

    async def buy(
        self, call: StepCall, task_of: Callable[[Caller], AITask[A]], *, embedded: bool
    ) -> tuple[AIResult[A], StepAnswer]:
        """See `Spender.ask`."""
        key = (call.job.job_id, call.step, question_sha256(task_of, embedded=embedded))
        if key not in self._bought:
            self._bought[key] = await self._spender.ask(call, task_of, embedded=embedded)
        return self._bought[key]

    async def close(self) -> None:
        """Gives connections back."""
        await self._spender.close()


def desk_of(settings: Settings) -> Desk:
    """The provider the settings name. Raises SpendingRefused."""
    try:
        timeouts(settings)
        return ai_desk(settings)
    except AISettingsError as error:
        raise SpendingRefused(str(error)) from None


def is_free(desk: Desk) -> bool:
    """Its answers cost nothing."""
    return desk.provider.name in FREE_PROVIDERS


def question_sha256(task_of: Callable[[Caller], AITask[Any]], *, embedded: bool) -> str:
    """Names a question by all that is asked: hex."""
    task = task_of(_NOBODY)
    asked = [task.feature, task.prompt.sha256, embedded, task.question]
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()


_NOBODY = Caller(receipt_id="", workspace="", lead_id="", message_id="", job_id="", job_type="", step="")
