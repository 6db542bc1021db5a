"""Runs one attempt of one job: its remaining steps, each durable before the next begins, and what follows a failure."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog

from headrace.events.ai import AiCalled, spent_at_most
from headrace.events.caps import TooLarge
from headrace.events.jobs import AnyJobEvent, JobRetryScheduled
from headrace.events.records import Record
from headrace.events.topics import JOBS
from headrace.kafka.faust.dead_letters import Failure, set_aside
from headrace.kafka.faust.outbox import OutRecord
from headrace.settings import Settings
from streams.jobs.attempt import (
    Attempt,
    died,
    ending_step,
    remaining_steps,
    renumbered,
    retry_scheduled,
    started,
    step_finished,
    succeeded,
)
from streams.jobs.breaker import CircuitBreaker
from streams.jobs.context import Context, ProfileOf, Reach, StepCall
from streams.jobs.conversations import Conversations
from streams.jobs.execute_agent import ExecuteAgent
from streams.jobs.job_inputs import job_input
from streams.jobs.job_records import JobRecords
from streams.jobs.journal import Journal
from streams.jobs.looking import ContextOf, Look, newest_look, run_looking
from streams.jobs.lost_attempts import LOST_ALONE, WORKER_LOST, after_loss
from streams.jobs.metrics import ATTEMPTS_ENDED, CALLS_THROWN_AWAY, STEP_SECONDS, THROWN_AWAY_MICRO_USD
from streams.jobs.open_job import OpenJob, from_milliseconds
from streams.jobs.requests import job_after
from streams.jobs.retries import Dead, after_failure, error_class_of
from streams.jobs.step import Emitted, Step, StepFailed, StepOutcome, WorkspaceProfile

log = structlog.get_logger()

JobTypes = Mapping[str, Sequence[Step]]


class JobRunner:
    """Everything an attempt needs. `now` is the wall clock, aware."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        conversations: Conversations,
        types: JobTypes,
        profile_of: ProfileOf,
        reach: Reach,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._conversations = conversations
        self._types = types
        self._profile_of = profile_of
        self._reach = reach
        self._now = now
        self._records = JobRecords(settings, "/jobs/execute")
        #: What attempts of this process say of who runs them.
        self.worker = settings.instance_id
        names = {step.dependency for steps in types.values() for step in steps if step.dependency}
        #: One for each dependency that any step names.
        self.breakers = {
            name: CircuitBreaker(settings.breaker_failures, settings.breaker_seconds) for name in sorted(names)
        }

    async def run(self, attempt: Attempt) -> None:
        """Run it to its end: succeeded, put off or dead. Cancelled, it leaves its end to the canceller (`give_up`)."""
        try:
            await self._run(attempt)
        except TooLarge as error:
            # What it concluded does not fit into the log, and would not the next time either.
            await self._fail(attempt, StepFailed(str(error), "permanent"))
        except asyncio.CancelledError:
            await self._throw_away(attempt)
            raise

    async def _run(self, attempt: Attempt) -> None:
        job = attempt.job
        steps = self._types.get(job.request.type)
        if steps is None:
            await self._die(attempt, StepFailed("unknown job type", "permanent"))
            return
        remaining = remaining_steps(job, steps)
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
        else:
            await self._succeed(attempt, last)

    async def give_up(self, attempt: Attempt, reason: str) -> None:
        """Hand a cancelled attempt back: it goes on elsewhere, from the step it was at, and no attempt is spent."""
        if attempt.started_at is not None and not attempt.ended and attempt.owned.is_set():
            await self._end(attempt, self._given_up(attempt, reason))

    async def hand_back(self, attempt: Attempt, reason: str) -> None:
        """The log says that nobody runs it, while it goes on: whoever gets the partition may begin it."""
        if attempt.started_at is not None and not attempt.ended:
            event = self._given_up(attempt, reason)
            await self._journal.write([self._records.job(event, attempt.job.traceparent)])

    async def take_back(self, attempt: Attempt) -> None:
        """The partition stayed: what went on is the next attempt now."""
        if attempt.started_at is not None and not attempt.ended:
            await self._journal.write([self._started(attempt)])
        attempt.owned.set()

    def _given_up(self, attempt: Attempt, reason: str) -> JobRetryScheduled:
        failure = StepFailed(reason, "transient")
        return retry_scheduled(attempt, failure, self._now(), 0.0, spends_attempt=False)

    async def end_lost(self, attempt: Attempt) -> None:
        """End an attempt of another process, or of this one's life before: its worker was lost. It has not begun here.

        Tried again in smaller company, or dead once it is proven that it ends its worker.
        """
        job = attempt.job
        attempt.started_at = job.started_at
        remaining = remaining_steps(job, self._types.get(job.request.type, ()))
        attempt.step = remaining[0].name if remaining else ""
        decision = after_loss(
            job.losses + 1,
            job.lone_losses + job.alone,
            alone=job.alone,
            tiers=self._settings.retry_tiers,
            seed=f"{job.request.job_id}:{job.request.generation}:{attempt.number}",
        )
        if isinstance(decision, Dead):
            await self._die(attempt, StepFailed(LOST_ALONE, "transient"))
        else:
            failure, spends = StepFailed(WORKER_LOST, "transient"), decision.spends_attempt
            event = retry_scheduled(attempt, failure, self._now(), decision.delay, spends_attempt=spends, lost=True)
            await self._end(attempt, event)

    async def cancel(self, attempt: Attempt, event: AnyJobEvent) -> None:
        """End a job that must not begin."""
        await self._end(attempt, event)

    async def _start(self, attempt: Attempt) -> None:
        await self._until_owned(attempt)
        await self._journal.write([self._started(attempt)])

    def _started(self, attempt: Attempt) -> OutRecord:
        attempt.number += 1
        attempt.started_at = now = self._now()
        return self._records.job(started(attempt, now), attempt.job.traceparent)

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
            finished = step_finished(attempt, step.name, outcome, self._now(), answers, look.saw_at)
            if outcome.ends_job:
                skipped = StepOutcome(skipped=outcome.ends_job)
                rest = [step_finished(attempt, other.name, skipped, self._now()) for other in remaining[position + 1 :]]
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
        attempt.ai = ai = self._reach.ai_of(call)
        read = self._reach.read_of(workspace.id)

        def context_of(look: Look, is_overtaken: Callable[[], bool]) -> Context:
            return Context(look.job, workspace, results, self._now(), ai, read, is_overtaken)

        try:
            outcome, look = await self._concluded(attempt, step, look, context_of)
        except StepFailed as failure:
            if breaker is not None:
                breaker.judge(failure.error_class, time.monotonic())
            raise
        if breaker is not None and not outcome.skipped:
            breaker.succeeded()
        # Nothing was awaited since the last look: what is folded from now on comes behind the conclusion.
        await self._record(attempt, outcome.emitted)
        return outcome, look

    def _look(self, attempt: Attempt, saw_at: datetime | None = None) -> Look:
        return Look(job_input(self._conversations, attempt.job, attempt.job.partition, attempt.number), saw_at)

    async def _concluded(
        self, attempt: Attempt, step: Step, look: Look, context_of: ContextOf
    ) -> tuple[StepOutcome, Look]:
        """The outcome over a look that holds now, when it may be written."""
        outcome, look = await self._guarded(attempt, step, look, context_of)
        while not attempt.owned.is_set():
            await self._until_owned(attempt)
            # Leads have learnt more while a rebalance was under way.
            newest = newest_look(step, look, lambda: self._look(attempt, self._now()))
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
                outcome, look = await run_looking(step, look, lambda: self._look(attempt, self._now()), context_of)
            # What can't be written is the step's fault, too, and must not become the engine's.
            msgspec.json.encode(outcome.result)
            self._emitted(attempt, outcome.emitted)
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
            self._emitted(attempt, failure.emitted)
        except Exception as error:
            return _crashed(attempt, error)
        return failure

    async def _fail(self, attempt: Attempt, failure: StepFailed) -> None:
        request = attempt.request
        # The calls of a failed step were made, and cost what they cost.
        await self._record(attempt, failure.emitted)
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
            spends = decision.spends_attempt
            event = retry_scheduled(attempt, failure, self._now(), decision.delay, spends_attempt=spends)
            await self._end(attempt, event)

    async def _die(self, attempt: Attempt, failure: StepFailed) -> None:
        request = attempt.request
        now = self._now()
        reason = Failure(
            stage=ExecuteAgent.stage,
            error_class=failure.error_class,
            reason=failure.reason,
            attempts=attempt.number,
            first_at=from_milliseconds(attempt.job.request_ms),
            last_at=now,
        )
        original = self._records.job(request, attempt.job.traceparent)
        letter = set_aside(self._settings, self._request_record(attempt.job, original), reason)
        await self._end(attempt, died(attempt, failure, now), first=letter)

    def _request_record(self, job: OpenJob, made: OutRecord) -> Record:
        """The request as it stands in the log: the same bytes, at its own place."""
        topic = self._settings.topic(JOBS)
        return Record(topic, job.partition, job.request_offset, made.key, made.value, made.headers, job.request_ms)

    async def _succeed(self, attempt: Attempt, last: Sequence[AnyJobEvent]) -> None:
        now = self._now()
        follower = job_after(attempt.request, now)
        # What follows is asked for first: cut off in between, the job ends again and asks again, which is once.
        await self._end(attempt, *last, *([follower] if follower else []), succeeded(attempt, now))

    async def _end(self, attempt: Attempt, *events: AnyJobEvent, first: OutRecord | None = None) -> None:
        await self._until_owned(attempt)
        attempt.ended = True
        ATTEMPTS_ENDED.labels(attempt.request.type, type(events[-1]).__name__).inc()
        await self._write(attempt, events, first)

    async def _record(self, attempt: Attempt, emitted: Sequence[Emitted]) -> None:
        """What a step concluded, and what was asked on the way."""
        if emitted:
            await self._journal.write(self._emitted(attempt, emitted))
        await self._record_calls(attempt)

    async def _record_calls(self, attempt: Attempt) -> tuple[AiCalled, ...]:
        """The calls it made since the last time."""
        calls, now = attempt.take_calls(), self._now()
        if calls:
            trace = attempt.job.traceparent
            await self._journal.write_calls(self._records.called(call, attempt.request, now, trace) for call in calls)
        return calls

    async def _write(self, attempt: Attempt, events: Sequence[AnyJobEvent], first: OutRecord | None = None) -> None:
        await self._until_owned(attempt)
        numbered = (renumbered(event, attempt) for event in events)
        records = [self._records.job(event, attempt.job.traceparent) for event in numbered]
        await self._journal.write(records if first is None else [first, *records])

    async def _until_owned(self, attempt: Attempt) -> None:
        """Wait while a rebalance is under way. Calls that were made are recorded whoever gets the partition."""
        # Again, because the next rebalance may begin between the event and whoever waits for it.
        while not attempt.owned.is_set():
            attempt.waiting_calls += await self._record_calls(attempt)
            await attempt.owned.wait()
        attempt.waiting_calls = ()

    async def _throw_away(self, attempt: Attempt) -> None:
        """Whoever cancelled it knows nothing of the calls that were made, and they cost what they cost."""
        attempt.thrown_away = (*attempt.waiting_calls, *await self._record_calls(attempt))
        for call in attempt.thrown_away:
            CALLS_THROWN_AWAY.labels(call.status).inc()
            THROWN_AWAY_MICRO_USD.inc(spent_at_most(call))

    def _emitted(self, attempt: Attempt, emitted: Sequence[Emitted]) -> list[OutRecord]:
        now = self._now()
        return [
            self._records.emitted(one, attempt.request, [attempt.step, str(index)], now, attempt.job.traceparent)
            for index, one in enumerate(emitted)
        ]

    def _skipped_rest(self, attempt: Attempt) -> list[AnyJobEvent]:
        """Nothing was left to run: cut off before the job's end was written. What a step made needless is skipped."""
        ending = ending_step(attempt.job)
        if ending is None:
            return []
        done = {finished.step for finished in attempt.job.steps}
        skipped = StepOutcome(skipped=ending.ends_job)
        rest = [step for step in self._types[attempt.request.type] if step.name not in done]
        return [step_finished(attempt, step.name, skipped, self._now()) for step in rest]

    def _closed_for(self, remaining: Sequence[Step]) -> float:
        """Seconds for which the next step can't run, because its dependency is down."""
        breaker = self.breakers.get(remaining[0].dependency or "") if remaining else None
        return 0.0 if breaker is None else breaker.remaining(time.monotonic())


def _crashed(attempt: Attempt, error: Exception) -> StepFailed:
    """A bug or an unforeseen outage: tried again, and visible. Its message may quote the lead, so it goes nowhere."""
    name = type(error).__name__
    log.error("job.step_crashed", job_id=attempt.request.job_id, step=attempt.step, error_class=name)
    return StepFailed(name, "transient")


def _down(step: Step, seconds: float) -> StepFailed:
    return StepFailed(f"{step.dependency} unavailable", "dependency_down", retry_after=seconds)
