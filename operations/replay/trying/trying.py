"""`headrace replay try`: one step of a window's jobs, decided by another prompt, provider or model, into a shadow."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psycopg
from pydantic import BaseModel

from headrace.events.codec import Codec
from headrace.events.enrichments import Enrichment
from headrace.events.jobs import StepAnswer
from headrace.settings import Settings
from operations.replay.decide.answers import AnswerMissing, caller_of
from operations.replay.decide.cases import Cases, LeadCase, Progress, read_cases
from operations.replay.decide.deciding import LeadDeciding, Turn, Undecided, turns
from operations.replay.decide.plan import jobs_in
from operations.replay.spending import Spender, desk_of, is_free, question_sha256
from operations.replay.trying.shadow import Shadow, adopt, connected, drop, find_try, shadow_of
from operations.replay.trying.tried import Tried, TryRefused
from operations.replay.webhooks.window import Window
from operations.runs.run_budget import BudgetSpent, RunBudget
from operations.runs.runs import ActiveRun, RunCancelled
from streams.ai.asking import Desk
from streams.ai.prompts import Prompt, UnknownPrompt, load_prompt, prompt_of
from streams.ai.provider import AIResult, AITask, Caller
from streams.jobs.context import StepCall
from streams.jobs.recorded_answers import as_result
from streams.jobs.step_ai import StepAi
from streams.jobs.steps import booking_decision, classify, decide_reply, draft, follow_up_timing, score

A = TypeVar("A", bound=BaseModel)
#: Steps that ask a model, and the prompt of what they ask.
STEPS: Mapping[str, str] = {
    classify.STEP.name: "classify",
    follow_up_timing.STEP.name: "follow_up_timing",
    booking_decision.STEP.name: "booking",
    draft.STEP.name: "draft",
    decide_reply.STEP.name: "decide_reply",
    score.STEP.name: "score",
}
_TELL_EVERY = 20
_CODEC = Codec()
_Count = Callable[..., None]


class TryScope(msgspec.Struct, frozen=True, kw_only=True):
    """All a try was told: enough to go on with it."""

    step: str
    provider: str
    start: datetime
    end: datetime
    workspace: str | None
    ai_provider: str
    model: str
    #: The text of the prompt that is tried; None for today's.
    prompt: str | None
    #: How that prompt was named.
    prompt_name: str | None
    allow_spend: int | None
    at_once: int
    #: The try that it goes on with, under another budget.
    into: str | None = None

    @property
    def window(self) -> Window:
        """The messages it is about."""
        return Window(provider=self.provider, start=self.start, end=self.end, workspace=self.workspace)

    def settings(self, settings: Settings) -> Settings:
        """The settings with the AI that is tried."""
        return settings.model_copy(update={"ai_provider": self.ai_provider, "ai_model": self.model})

    @property
    def tried_prompt(self) -> Prompt | None:
        """The prompt in place of today's."""
        return None if self.prompt is None else prompt_of(STEPS[self.step], 0, self.prompt)

    def retold(self, task: AITask[Any]) -> AITask[Any]:
        """The task with the prompt that is tried."""
        prompt = self.tried_prompt
        if prompt is None or task.prompt.key != prompt.key:
            return task
        return AITask(**{**vars(task), "prompt": prompt})


class TryPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a try would ask."""

    jobs: int
    #: The first question of each job; a draft that is refused is asked for once more.
    questions: int
    #: All of them; None when the model has no price.
    most_micro_usd: int | None
    #: Jobs that nobody can decide again, and why.
    undecided: dict[str, int]


def prompt_text(step: str, given: str) -> str:
    """The own text of a prompt by file, or by key and version such as `classify@1`. Raises TryRefused."""
    key, _, version = given.partition("@")
    if key in STEPS.values():
        if key != STEPS[step]:
            raise TryRefused(f"The step {step} asks with the prompt {STEPS[step]!r}, not with {key!r}.")
        try:
            known = load_prompt(key, int(version) if version.isdigit() else None)
        except UnknownPrompt as error:
            raise TryRefused(f"{str(error).capitalize()}.") from None
        return known.own
    try:
        return Path(given).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        keys = ", ".join(STEPS.values())
        raise TryRefused(
            f"{given} is no readable file ({type(error).__name__}) and no prompt; there are {keys}."
        ) from None


def desk_for(settings: Settings, scope: TryScope) -> Desk:
    """Whom to ask. Raises SpendingRefused, TryRefused."""
    desk = desk_of(scope.settings(settings))
    if is_free(desk) and scope.prompt is not None:
        raise TryRefused("The local provider reads no prompt: try one with --ai-provider openai.")
    return desk


def plan(settings: Settings, scope: TryScope, progress: Progress) -> TryPlan:
    """Count the questions and what they may cost. Asks nobody. Raises KafkaUnreachable, DecideRefused, TryRefused."""
    spender = Spender(desk_for(settings, scope), settings, RunBudget(0), _kept_nowhere, scope.retold)
    cases = read_cases(settings, scope.window, progress)
    return asyncio.run(_planned(cases, scope, spender))


async def _planned(cases: Cases, scope: TryScope, spender: Spender) -> TryPlan:
    most: list[int | None] = []
    undecided: dict[str, int] = {}
    jobs = 0
    for deciding, turn in _turns(cases, scope.step):
        jobs += 1
        found = await deciding.try_step(turn, lambda call, _answers: _CountingAi(call, spender, most))
        if isinstance(found, Undecided) and found.lacks != "answer":
            undecided[_why(found)] = undecided.get(_why(found), 0) + 1
    known = [one for one in most if one is not None]
    return TryPlan(
        jobs=jobs,
        questions=len(most),
        most_micro_usd=sum(known) if len(known) == len(most) else None,
        undecided=undecided,
    )


def carry_out(settings: Settings, run: ActiveRun, scope: TryScope) -> str:
    """Try it. Returns the schema's name. Raises BudgetSpent, SpendingRefused, RunCancelled, KafkaUnreachable."""
    desk = desk_for(settings, scope)
    if scope.allow_spend is None and not is_free(desk):
        raise TryRefused(f"{desk.provider.name} costs money: say how much with --allow-spend MICRO_USD.")
    with connected(settings.database_url) as connection:
        if scope.into is not None:
            _adopt(connection, run, scope, scope.into)
        shadow = shadow_of(connection, run.run.run_id, run.run.scope)
        try:
            cases = read_cases(settings, scope.window, lambda phase, n: run.progress(phase, records=n))
            asyncio.run(_Trying(settings, scope, shadow, desk, run.progress).run(cases))
        except RunCancelled:
            drop(connection, shadow.name)
            raise
        calls, cost = shadow.spent()
        run.finish(schema=shadow.name, calls=calls, cost_micro_usd=cost)
        return shadow.name


def _adopt(connection: psycopg.Connection[Any], run: ActiveRun, scope: TryScope, name: str) -> None:
    """The try is this run's from now on. Raises TryRefused when it is about something else."""
    before = msgspec.convert(find_try(connection, name).scope, TryScope)
    same = msgspec.structs.replace(scope, allow_spend=before.allow_spend, at_once=before.at_once, into=before.into)
    if same != before:
        raise TryRefused(f"{name} is a try of something else: give the same window, step, model and prompt.")
    adopt(connection, name, run.run.run_id)


class _Trying:
    """One try under way."""

    def __init__(self, settings: Settings, scope: TryScope, shadow: Shadow, desk: Desk, progress: _Count) -> None:
        self._scope = scope
        self._shadow = shadow
        self._progress = progress
        self._done = 0
        self._spent: BudgetSpent | None = None
        self._gate = asyncio.Semaphore(scope.at_once)
        budget = RunBudget(scope.allow_spend or 0, shadow.spent()[1])
        self._spender = Spender(desk, scope.settings(settings), budget, self._keep, scope.retold)

    async def run(self, cases: Cases) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for deciding, turn in _turns(cases, self._scope.step):
                    group.create_task(self._try(deciding, turn))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            await self._spender.close()
        if self._spent is not None:
            raise self._spent

    async def _try(self, deciding: LeadDeciding, turn: Turn) -> None:
        async with self._gate:
            if self._spent is not None:
                return
            seams: list[_TryAi] = []

            def seam(call: StepCall, _answers: Sequence[StepAnswer]) -> StepAi:
                seams.append(_TryAi(call, self._shadow, self._spender, self._scope))
                return seams[-1]

            try:
                found = await deciding.try_step(turn, seam)
            except BudgetSpent as error:
                # What is under way comes to its end, for it is paid for.
                self._spent = error
                return
            self._shadow.keep(_tried(turn, found, is_asked=any(one.is_asked for one in seams)))
            self._done += 1
            if self._done % _TELL_EVERY == 0:
                self._progress("trying", decisions=self._done, spent_micro_usd=self._spender.budget.spent)

    async def _keep(self, call: StepCall, calls: Sequence[Any]) -> None:
        self._shadow.keep_calls(call.job.message.message_id, calls)


class _TryAi(StepAi):
    """Asks the model that is tried, and nobody twice."""

    def __init__(self, call: StepCall, shadow: Shadow, spender: Spender, scope: TryScope) -> None:
        self.is_asked = False
        self._call = call
        self._shadow = shadow
        self._spender = spender
        self._scope = scope

    async def ask(self, task_of: Callable[[Caller], AITask[A]], *, embedded: bool = False) -> AIResult[A]:
        """The answer. Raises AIError, BudgetSpent and SpendingRefused."""
        self.is_asked = True
        message_id = self._call.job.message.message_id
        question = question_sha256(lambda caller: self._scope.retold(task_of(caller)), embedded=embedded)
        known = self._shadow.answer(message_id, question)
        if known is not None:
            return as_result(known, task_of(caller_of(self._call)))
        result, answer = await self._spender.ask(self._call, task_of, embedded=embedded)
        self._shadow.keep_answer(message_id, question, answer)
        return result


class _CountingAi(StepAi):
    """Prices the first question of a step, and asks nobody."""

    def __init__(self, call: StepCall, spender: Spender, most: list[int | None]) -> None:
        self._call = call
        self._spender = spender
        self._most = most

    async def ask(self, task_of: Callable[[Caller], AITask[A]], *, embedded: bool = False) -> AIResult[A]:
        """Raises AnswerMissing."""
        task = task_of(caller_of(self._call))
        self._most.append(0 if embedded else self._spender.most(task))
        raise AnswerMissing(task)


def _turns(cases: Cases, step: str) -> Iterator[tuple[LeadDeciding, Turn]]:
    """The step, of each job that has it and has concluded it."""
    for case in cases.leads.values():
        deciding = LeadDeciding(case.story, case.lives, [], cases.workspaces.at)
        for turn in turns(_with(case, step)):
            if turn.step.name == step and step in turn.job.life.conclusions:
                yield deciding, turn


def _with(case: LeadCase, step: str) -> list[Any]:
    return [job for job in jobs_in(case) if any(one.name == step for one in job.steps)]


def _tried(turn: Turn, found: Any, *, is_asked: bool) -> Tried:
    request = turn.job.request
    is_undecided = isinstance(found, Undecided)
    return Tried(
        message_id=request.message_id,
        job_id=request.job_id,
        workspace_id=request.workspace,
        is_asked=is_asked,
        before=_plain(turn.job.life.conclusions[turn.step.name].event),
        after=None if is_undecided or found.conclusion is None else _plain(found.conclusion),
        failure=_why(found) if is_undecided else "",
    )


def _plain(event: Enrichment) -> dict[str, Any]:
    return {**msgspec.to_builtins(event), "type": _CODEC.type_of(event)}


def _why(undecided: Undecided) -> str:
    return "settings of that time unknown" if undecided.lacks == "settings" else undecided.reason


async def _kept_nowhere(_call: StepCall, _calls: Sequence[Any]) -> None:
    """No call is made."""
