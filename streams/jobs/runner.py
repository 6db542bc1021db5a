"""Runs one attempt of one job: its remaining steps, each durable before the next begins, and what follows a failure."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from events.jobs import (
    AnyJobEvent,
    JobDied,
    JobRequested,
    JobRetryScheduled,
    JobStarted,
    JobStepFinished,
    JobSucceeded,
    StepAnswer,
)
from events.records import Record
from events.topics import JOBS
from runtime.settings import Settings
from streams.jobs.breaker import CircuitBreaker
from streams.jobs.context import AiOf, Context, ProfileOf, StepAi, StepCall
from streams.jobs.conversations import Conversations
from streams.jobs.execute_agent import STAGE
from streams.jobs.job_inputs import job_input
from streams.jobs.job_records import JobRecords
from streams.jobs.journal import Journal
from streams.jobs.looking import ContextOf, Look, run_looking
from streams.jobs.metrics import ATTEMPTS_ENDED, STEP_SECONDS
from streams.jobs.open_job import FinishedStep, OpenJob, from_milliseconds
from streams.jobs.requests import job_after
from streams.jobs.retries import Dead, after_failure, error_class_of
from streams.jobs.step import Emitted, Step, StepFailed, StepOutcome, WorkspaceProfile
from workers.dead_letters import Failure, set_aside
from workers.outbox import OutRecord

log = structlog.get_logger()

JobTypes = Mapping[str, Sequence[Step]]
#: Failures that speak of the dependency's health, not of the request.
_UNHEALTHY = frozenset({"transient", "dependency_down"})


class Attempt:
    """One attempt while it runs: what the executor must know to end it in order."""

    def __init__(self, job: OpenJob) -> None:
        self.job = job
        self.number = job.attempt
        self.started_at: datetime | None = None
        self.step = ""
        self.ai: StepAi | None = None
        #: The event that ends it is on its way: nothing may follow.
        self.ended = False

    @property
    def request(self) -> JobRequested:
        """What was asked for."""
        return self.job.request

    @property
    def spent(self) -> int:
        """Attempts that count, this one included once it began."""
        return self.job.spent + (self.started_at is not None)


class JobRunner:
    """Everything an attempt needs. `now` is the wall clock, aware."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        conversations: Conversations,
        types: JobTypes,
        profile_of: ProfileOf,
        ai_of: AiOf,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._conversations = conversations
        self._types = types
        self._profile_of = profile_of
        self._ai_of = ai_of
        self._now = now
        self._records = JobRecords(settings, "/jobs/execute")
        names = {step.dependency for steps in types.values() for step in steps if step.dependency}
        #: One for each dependency that any step names.
        self.breakers = {
            name: CircuitBreaker(settings.breaker_failures, settings.breaker_seconds) for name in sorted(names)
        }

    async def run(self, attempt: Attempt) -> None:
        """Run it to its end: succeeded, put off or dead. Cancelled, it leaves its end to the canceller (`give_up`)."""
        job = attempt.job
        steps = self._types.get(job.request.type)
        if steps is None:
            await self._die(attempt, StepFailed("unknown job type", "permanent"))
            return
        if job.running and job.spent > len(self._settings.retry_tiers):
            await self._die(attempt, StepFailed("worker lost in every attempt", "transient"))
            return
        remaining = _remaining(job, steps)
        closed_for = self._closed_for(remaining)
        if closed_for:
            attempt.step = remaining[0].name
            await self._fail(attempt, _down(remaining[0], closed_for))
            return
        await self._start(attempt)
        try:
            async with asyncio.timeout(self._settings.job_deadline):
                last = await self._run_steps(attempt, remaining)
        except TimeoutError:
            await self._fail(attempt, StepFailed("job deadline", "transient"))
        except StepFailed as failure:
            await self._fail(attempt, failure)
        except asyncio.CancelledError:
            # Whoever ended it knows nothing of the calls that were made, and they cost what they cost.
            await self._record(attempt, _taken(attempt.ai))
            raise
        else:
            await self._succeed(attempt, last)

    async def give_up(self, attempt: Attempt, reason: str) -> None:
        """Hand a cancelled attempt back: it goes on elsewhere, from the step it was at, and no attempt is spent."""
        if attempt.started_at is None or attempt.ended:
            return
        event = self._retry(attempt, StepFailed(reason, "transient"), 0.0, spends_attempt=False)
        await self._end(attempt, event)

    async def cancel(self, attempt: Attempt, event: AnyJobEvent) -> None:
        """End a job that must not begin."""
        await self._end(attempt, event)

    async def _start(self, attempt: Attempt) -> None:
        attempt.number += 1
        attempt.started_at = self._now()
        event = JobStarted(
            **_about(attempt.request),
            at=attempt.started_at,
            attempt=attempt.number,
            worker=self._settings.instance_id,
        )
        await self._write(attempt, [event])

    async def _run_steps(self, attempt: Attempt, remaining: Sequence[Step]) -> list[AnyJobEvent]:
        """Run the steps. Returns the events of the last one, which belong together with the job's end."""
        look = self._look(attempt)
        workspace = self._profile_of(attempt.request.workspace)
        if workspace is None:
            raise StepFailed("workspace unknown", "permanent")
        results = {finished.step: finished.result for finished in attempt.job.steps}
        for position, step in enumerate(remaining):
            outcome, look = await self._run_step(attempt, step, look, workspace, results)
            results[step.name] = outcome.result
            answers = () if attempt.ai is None else attempt.ai.take_answers()
            finished = self._finished(attempt, step, outcome, answers, look.saw_at)
            if outcome.ends_job:
                skipped = StepOutcome(skipped=outcome.ends_job)
                rest = [self._finished(attempt, other, skipped) for other in remaining[position + 1 :]]
                return [finished, *rest]
            if step is remaining[-1]:
                return [finished]
            await self._write(attempt, [finished])
        return self._skipped_rest(attempt)

    async def _run_step(
        self,
        attempt: Attempt,
        step: Step,
        look: Look,
        workspace: WorkspaceProfile,
        results: Mapping[str, dict[str, Any]],
    ) -> tuple[StepOutcome, Look]:
        attempt.step = step.name
        breaker = self.breakers.get(step.dependency or "")
        if breaker is not None and not breaker.admit(time.monotonic()):
            raise _down(step, breaker.remaining(time.monotonic()))
        call = StepCall(
            job=look.job,
            step=step.name,
            workspace=workspace,
            receipt_id=attempt.request.receipt_id,
            traceparent=attempt.job.traceparent,
        )
        attempt.ai = ai = self._ai_of(call)

        def context_of(look: Look, is_overtaken: Callable[[], bool]) -> Context:
            return Context(look.job, workspace, results, self._now(), ai, is_overtaken)

        try:
            outcome, look, records = await self._guarded(attempt, step, look, context_of)
        except StepFailed as failure:
            _record_failure(breaker, failure)
            raise
        if breaker is not None and not outcome.skipped:
            breaker.succeeded()
        if records:
            # Nothing was awaited since the last look: what is folded from now on comes behind the conclusion.
            await self._journal.write(records)
        return outcome, look

    def _look(self, attempt: Attempt, saw_at: datetime | None = None) -> Look:
        return Look(job_input(self._conversations, attempt.job, attempt.job.partition, attempt.number), saw_at)

    async def _guarded(
        self, attempt: Attempt, step: Step, look: Look, context_of: ContextOf
    ) -> tuple[StepOutcome, Look, list[OutRecord]]:
        """The outcome and the records to write for it, or StepFailed, whatever went wrong within its deadline."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(step.deadline):
                outcome, look = await run_looking(
                    step, look, lambda: self._look(attempt, saw_at=self._now()), context_of
                )
            # What can't be written is the step's fault, too, and must not become the engine's.
            msgspec.json.encode(outcome.result)
            return outcome, look, self._emitted(attempt, (*outcome.emitted, *_taken(attempt.ai)))
        except StepFailed as failure:
            raise self._checked(attempt, failure) from failure.__cause__
        except TimeoutError:
            raise StepFailed("deadline", "transient") from None
        except Exception as error:
            raise _crashed(attempt, error) from error
        finally:
            STEP_SECONDS.labels(step.name).observe(time.monotonic() - started)

    def _checked(self, attempt: Attempt, failure: StepFailed) -> StepFailed:
        """The failure, unless it can't be written as it is."""
        try:
            error_class_of(failure.error_class)
            self._emitted(attempt, failure.emitted)
        except Exception as error:
            return _crashed(attempt, error)
        return failure

    async def _fail(self, attempt: Attempt, failure: StepFailed) -> None:
        request = attempt.request
        # The calls of a failed step were made, and cost what they cost.
        await self._record(attempt, (*failure.emitted, *_taken(attempt.ai)))
        decision = after_failure(
            error_class_of(failure.error_class),
            spent=attempt.spent,
            deferrals=attempt.job.deferrals,
            tiers=self._settings.retry_tiers,
            retry_after=failure.retry_after,
            seed=f"{request.job_id}:{request.generation}:{attempt.number}",
        )
        log.warning(
            "job.attempt_failed",
            job_id=request.job_id,
            type=request.type,
            step=attempt.step,
            attempt=attempt.number,
            error_class=failure.error_class,
            reason=failure.reason,
        )
        if isinstance(decision, Dead):
            await self._die(attempt, failure)
        else:
            await self._end(attempt, self._retry(attempt, failure, decision.delay, decision.spends_attempt))

    async def _die(self, attempt: Attempt, failure: StepFailed) -> None:
        request = attempt.request
        now = self._now()
        reason = Failure(
            stage=STAGE,
            error_class=failure.error_class,
            reason=failure.reason,
            attempts=attempt.number,
            first_at=from_milliseconds(attempt.job.request_ms),
            last_at=now,
        )
        original = self._records.job(request, attempt.job.traceparent)
        await self._journal.write([set_aside(self._settings, self._request_record(attempt.job, original), reason)])
        event = JobDied(
            **_about(request),
            at=now,
            attempt=attempt.number,
            started_at=attempt.started_at,
            worker=self._settings.instance_id,
            step=attempt.step,
            error_class=error_class_of(failure.error_class),
            reason=failure.reason,
        )
        await self._end(attempt, event)

    def _request_record(self, job: OpenJob, made: OutRecord) -> Record:
        """The request as it stands in the log: the same bytes, at its own place."""
        topic = self._settings.topic(JOBS)
        return Record(topic, job.partition, job.request_offset, made.key, made.value, made.headers, job.request_ms)

    async def _succeed(self, attempt: Attempt, last: Sequence[AnyJobEvent]) -> None:
        now = self._now()
        follower = job_after(attempt.request, now)
        event = JobSucceeded(
            **_about(attempt.request),
            at=now,
            attempt=attempt.number,
            started_at=attempt.started_at,
            worker=self._settings.instance_id,
        )
        # What follows is asked for first: cut off in between, the job ends again and asks again, which is once.
        await self._end(attempt, *last, *([follower] if follower else []), event)

    def _retry(self, attempt: Attempt, failure: StepFailed, delay: float, spends_attempt: bool) -> JobRetryScheduled:
        now = self._now()
        return JobRetryScheduled(
            **_about(attempt.request),
            at=now,
            attempt=attempt.number,
            started_at=attempt.started_at,
            worker=self._settings.instance_id if attempt.started_at else "",
            due_at=now + timedelta(seconds=delay),
            step=attempt.step,
            error_class=error_class_of(failure.error_class),
            reason=failure.reason,
            spends_attempt=spends_attempt,
        )

    async def _end(self, attempt: Attempt, *events: AnyJobEvent) -> None:
        attempt.ended = True
        ATTEMPTS_ENDED.labels(attempt.request.type, type(events[-1]).__name__).inc()
        await self._write(attempt, events)

    async def _record(self, attempt: Attempt, emitted: Sequence[Emitted]) -> None:
        """What a step that did not finish left behind."""
        if emitted:
            await self._journal.write(self._emitted(attempt, emitted))

    async def _write(self, attempt: Attempt, events: Sequence[AnyJobEvent]) -> None:
        await self._journal.write(self._records.job(event, attempt.job.traceparent) for event in events)

    def _emitted(self, attempt: Attempt, emitted: Sequence[Emitted]) -> list[OutRecord]:
        now = self._now()
        return [
            self._records.emitted(one, attempt.request, _place(one, attempt, index), now, attempt.job.traceparent)
            for index, one in enumerate(emitted)
        ]

    def _finished(
        self,
        attempt: Attempt,
        step: Step,
        outcome: StepOutcome,
        answers: tuple[StepAnswer, ...] = (),
        saw_at: datetime | None = None,
    ) -> JobStepFinished:
        return JobStepFinished(
            **_about(attempt.request),
            at=self._now(),
            step=step.name,
            attempt=attempt.number,
            result=outcome.result,
            skipped=outcome.skipped,
            ends_job=outcome.ends_job,
            answers=answers,
            saw_at=saw_at,
        )

    def _skipped_rest(self, attempt: Attempt) -> list[AnyJobEvent]:
        """Nothing was left to run: cut off before the job's end was written. What a step made needless is skipped."""
        ending = _ending(attempt.job)
        if ending is None:
            return []
        done = {finished.step for finished in attempt.job.steps}
        skipped = StepOutcome(skipped=ending.ends_job)
        rest = [step for step in self._types[attempt.request.type] if step.name not in done]
        return [self._finished(attempt, step, skipped) for step in rest]

    def _closed_for(self, remaining: Sequence[Step]) -> float:
        """Seconds for which the next step can't run, because its dependency is down."""
        breaker = self.breakers.get(remaining[0].dependency or "") if remaining else None
        return 0.0 if breaker is None else breaker.remaining(time.monotonic())


def _crashed(attempt: Attempt, error: Exception) -> StepFailed:
    """A bug or an unforeseen outage: tried again, and visible. Its message may quote the lead, so it goes nowhere."""
    name = type(error).__name__
    log.error("job.step_crashed", job_id=attempt.request.job_id, step=attempt.step, error_class=name)
    return StepFailed(name, "transient")


def _record_failure(breaker: CircuitBreaker | None, failure: StepFailed) -> None:
    if breaker is None:
        return
    if failure.error_class in _UNHEALTHY:
        breaker.failed(time.monotonic())
    elif failure.error_class != "over_budget":
        # It answered: what it said is about this request.
        breaker.succeeded()


def _remaining(job: OpenJob, steps: Sequence[Step]) -> list[Step]:
    if _ending(job) is not None:
        return []
    done = {finished.step for finished in job.steps}
    return [step for step in steps if step.name not in done]


def _ending(job: OpenJob) -> FinishedStep | None:
    return next((finished for finished in job.steps if finished.ends_job), None)


def _down(step: Step, seconds: float) -> StepFailed:
    return StepFailed(f"{step.dependency} unavailable", "dependency_down", retry_after=seconds)


def _taken(ai: StepAi | None) -> tuple[Emitted, ...]:
    return () if ai is None else ai.take_emitted()


def _place(emitted: Emitted, attempt: Attempt, index: int) -> list[str]:
    """Every AI call is one of its own; a conclusion drawn again in the next attempt is the same conclusion."""
    place = [attempt.step, str(index)]
    return [*place, str(attempt.number)] if emitted.topic == "ai-interactions" else place


def _about(request: JobRequested) -> dict[str, Any]:
    return {
        "job_id": request.job_id,
        "workspace": request.workspace,
        "lead_id": request.lead_id,
        "type": request.type,
        "message_id": request.message_id,
        "receipt_id": request.receipt_id,
        "generation": request.generation,
    }
