"""Runs one step of an attempt: behind its breaker, within its deadline, over what the log says when it ends."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog

from headrace.settings import Settings
from streams.jobs.attempt import Attempt
from streams.jobs.attempt_log import AttemptLog
from streams.jobs.breaker import CircuitBreaker
from streams.jobs.context import Context, Reach, StepCall
from streams.jobs.conversations import Conversations
from streams.jobs.job_inputs import job_input
from streams.jobs.looking import ContextOf, Look, newest_look, run_looking
from streams.jobs.metrics import STEP_SECONDS
from streams.jobs.retries import error_class_of
from streams.jobs.step import Step, StepFailed, StepOutcome, WorkspaceProfile

log = structlog.get_logger()


class StepRunner:
    """Everything a step needs. `now` is the wall clock, aware."""

    def __init__(
        self,
        settings: Settings,
        attempt_log: AttemptLog,
        conversations: Conversations,
        steps: Iterable[Step],
        reach: Reach,
        now: Callable[[], datetime],
    ) -> None:
        self._log = attempt_log
        self._conversations = conversations
        self._reach = reach
        self._now = now
        names = {step.dependency for step in steps if step.dependency}
        #: One for each dependency that any step names.
        self.breakers = {
            name: CircuitBreaker(settings.breaker_failures, settings.breaker_seconds) for name in sorted(names)
        }

    def refusal(self, remaining: Sequence[Step]) -> StepFailed | None:
        """Why the next step can't run now: its dependency is down."""
        breaker = self._breaker_of(remaining[0]) if remaining else None
        seconds = 0.0 if breaker is None else breaker.remaining(time.monotonic())
        return _down(remaining[0], seconds) if seconds else None

    def look(self, attempt: Attempt, saw_at: datetime | None = None) -> Look:
        """What the log says now."""
        return Look(job_input(self._conversations, attempt.job, attempt.job.partition, attempt.number), saw_at)

    async def run(
        self,
        attempt: Attempt,
        step: Step,
        look: Look,
        workspace: WorkspaceProfile,
        results: Mapping[str, dict[str, Any]],
    ) -> tuple[StepOutcome, Look]:
        """The outcome, with what it emits in the log already, and what it rests on. Raises StepFailed."""
        attempt.step = step.name
        breaker = self._breaker_of(step)
        if breaker is not None and not breaker.admit(time.monotonic()):
            raise _down(step, breaker.remaining(time.monotonic()))
        context_of = self._context_of(attempt, step, look, workspace, results)
        try:
            outcome, look = await self._concluded(attempt, step, look, context_of)
        except StepFailed as failure:
            if breaker is not None:
                breaker.judge(failure.error_class, time.monotonic())
            raise
        if breaker is not None and not outcome.skipped:
            breaker.succeeded()
        # Nothing was awaited since the last look: what is folded from now on comes behind the conclusion.
        await self._log.conclude(attempt, outcome.emitted)
        return outcome, look

    def _breaker_of(self, step: Step) -> CircuitBreaker | None:
        return self.breakers.get(step.dependency or "")

    def _context_of(
        self,
        attempt: Attempt,
        step: Step,
        look: Look,
        workspace: WorkspaceProfile,
        results: Mapping[str, dict[str, Any]],
    ) -> ContextOf:
        call = StepCall(
            job=look.job,
            step=step.name,
            workspace=workspace,
            receipt_id=attempt.request.receipt_id,
            traceparent=attempt.job.traceparent,
        )
        attempt.ai = ai = self._reach.ai_of(call)
        read = self._reach.read_of(workspace.id)

        def context_of(look: Look, is_overtaken: Callable[[], bool]) -> Context:
            return Context(look.job, workspace, results, self._now(), ai, read, is_overtaken)

        return context_of

    async def _concluded(
        self, attempt: Attempt, step: Step, look: Look, context_of: ContextOf
    ) -> tuple[StepOutcome, Look]:
        """The outcome over a look that holds now, when it may be written."""
        outcome, look = await self._guarded(attempt, step, look, context_of)
        while not attempt.owned.is_set():
            await self._log.until_owned(attempt)
            # Leads have learnt more while a rebalance was under way.
            newest = newest_look(step, look, lambda: self.look(attempt, self._now()))
            if newest is not look:
                outcome, look = await self._guarded(attempt, step, newest, context_of)
        return outcome, look

    async def _guarded(
        self, attempt: Attempt, step: Step, look: Look, context_of: ContextOf
    ) -> tuple[StepOutcome, Look]:
        """The outcome and what it rests on, or StepFailed, whatever went wrong within its deadline."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(step.deadline):
                outcome, look = await run_looking(step, look, lambda: self.look(attempt, self._now()), context_of)
            # What can't be written is the step's fault, too, and must not become the engine's.
            msgspec.json.encode(outcome.result)
            self._log.emitted(attempt, outcome.emitted)
        except StepFailed as failure:
            raise self._checked(attempt, failure) from failure.__cause__
        except TimeoutError:
            raise StepFailed("deadline", "transient") from None
        except Exception as error:
            raise _crashed(attempt, error) from error
        else:
            return outcome, look
        finally:
            STEP_SECONDS.labels(step.name).observe(time.monotonic() - started)

    def _checked(self, attempt: Attempt, failure: StepFailed) -> StepFailed:
        """The failure, unless it can't be written as it is."""
        try:
            error_class_of(failure.error_class)
            self._log.emitted(attempt, failure.emitted)
        except Exception as error:
            return _crashed(attempt, error)
        return failure


def _crashed(attempt: Attempt, error: Exception) -> StepFailed:
    """A bug or an unforeseen outage: tried again, and visible. Its message may quote the lead, so it goes nowhere."""
    name = type(error).__name__
    log.error("job.step_crashed", job_id=attempt.request.job_id, step=attempt.step, error_class=name)
    return StepFailed(name, "transient")


def _down(step: Step, seconds: float) -> StepFailed:
    return StepFailed(f"{step.dependency} unavailable", "dependency_down", retry_after=seconds)
