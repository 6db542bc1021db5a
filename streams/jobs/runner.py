"""Runs one attempt of one job: its remaining steps, each durable before the next begins, and what follows a failure."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import chain

import structlog

from headrace.events.caps import TooLarge
from headrace.events.jobs import AnyJobEvent, JobRetryScheduled
from headrace.settings import Settings
from streams.jobs.attempt import Attempt, ending_step, remaining_steps, retry_scheduled, step_finished, succeeded
from streams.jobs.attempt_log import AttemptLog
from streams.jobs.breaker import CircuitBreaker
from streams.jobs.context import ProfileOf, Reach
from streams.jobs.conversations import Conversations
from streams.jobs.journal import Journal
from streams.jobs.lost_attempts import LOST_ALONE, WORKER_LOST, after_loss
from streams.jobs.requests import jobs_after
from streams.jobs.retries import Dead, after_failure, error_class_of
from streams.jobs.seen import seen
from streams.jobs.step import Step, StepFailed, StepOutcome
from streams.jobs.step_runner import StepRunner

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
        self._types = types
        self._profile_of = profile_of
        self._now = now
        self._log = AttemptLog(settings, journal, now)
        self._steps = StepRunner(settings, self._log, conversations, chain.from_iterable(types.values()), reach, now)
        #: What attempts of this process say of who runs them.
        self.worker = settings.instance_id

    @property
    def breakers(self) -> Mapping[str, CircuitBreaker]:
        """One for each dependency that any step names."""
        return self._steps.breakers

    async def run(self, attempt: Attempt) -> None:
        """Run it to its end: succeeded, put off or dead. Cancelled, it leaves its end to the canceller (`give_up`)."""
        try:
            await self._run(attempt)
        except TooLarge as error:
            # What it concluded does not fit into the log, and would not the next time either.
            await self._fail(attempt, StepFailed(str(error), "permanent"))
        except asyncio.CancelledError:
            await self._log.throw_away(attempt)
            raise

    async def _run(self, attempt: Attempt) -> None:
        job = attempt.job
        steps = self._types.get(job.request.type)
        if steps is None:
            await self._log.die(attempt, StepFailed("unknown job type", "permanent"))
            return
        remaining = remaining_steps(job, steps)
        refusal = self._steps.refusal(remaining)
        if refusal is not None:
            attempt.step = remaining[0].name
            await self._fail(attempt, refusal)
            return
        await self._log.start(attempt)
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
            await self._log.end(attempt, self._given_up(attempt, reason))

    async def hand_back(self, attempt: Attempt, reason: str) -> None:
        """The log says that nobody runs it, while it goes on: whoever gets the partition may begin it."""
        if attempt.started_at is not None and not attempt.ended:
            await self._log.write_now(attempt, self._given_up(attempt, reason))

    async def take_back(self, attempt: Attempt) -> None:
        """The partition stayed: what went on is the next attempt now."""
        if attempt.started_at is not None and not attempt.ended:
            await self._log.begin_next(attempt)
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
            await self._log.die(attempt, StepFailed(LOST_ALONE, "transient"))
        else:
            failure, spends = StepFailed(WORKER_LOST, "transient"), decision.spends_attempt
            event = retry_scheduled(attempt, failure, self._now(), decision.delay, spends_attempt=spends, lost=True)
            await self._log.end(attempt, event)

    async def cancel(self, attempt: Attempt, event: AnyJobEvent) -> None:
        """End a job that must not begin."""
        await self._log.end(attempt, event)

    async def _run_steps(self, attempt: Attempt, remaining: Sequence[Step]) -> list[AnyJobEvent]:
        """Run the steps. Returns the events of the last one, which belong together with the job's end."""
        look = self._steps.look(attempt)
        workspace = self._profile_of(attempt.request.workspace)
        if workspace is None:
            raise StepFailed("workspace unknown", "permanent")
        results = {finished.step: finished.result for finished in attempt.job.steps}
        for position, step in enumerate(remaining):
            outcome, look = await self._steps.run(attempt, step, look, workspace, results)
            results[step.name] = outcome.result
            answers = () if attempt.ai is None else attempt.ai.take_answers()
            finished = step_finished(attempt, step.name, outcome, self._now(), answers, look.saw_at, seen(look.job))
            if outcome.ends_job:
                skipped = StepOutcome(skipped=outcome.ends_job)
                rest = [step_finished(attempt, other.name, skipped, self._now()) for other in remaining[position + 1 :]]
                return [finished, *rest]
            if step is remaining[-1]:
                return [finished]
            await self._log.write(attempt, [finished])
        return self._skipped_rest(attempt)

    async def _fail(self, attempt: Attempt, failure: StepFailed) -> None:
        request = attempt.request
        # The calls of a failed step were made, and cost what they cost.
        await self._log.conclude(attempt, failure.emitted)
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
            await self._log.die(attempt, failure)
        else:
            spends = decision.spends_attempt
            event = retry_scheduled(attempt, failure, self._now(), decision.delay, spends_attempt=spends)
            await self._log.end(attempt, event)

    async def _succeed(self, attempt: Attempt, last: Sequence[AnyJobEvent]) -> None:
        now = self._now()
        followers = jobs_after(attempt.request, now)
        # What follows is asked for first: cut off in between, the job ends again and asks again, which is once.
        await self._log.end(attempt, *last, *followers, succeeded(attempt, now))

    def _skipped_rest(self, attempt: Attempt) -> list[AnyJobEvent]:
        """Nothing was left to run: cut off before the job's end was written. What a step made needless is skipped."""
        ending = ending_step(attempt.job)
        if ending is None:
            return []
        done = {finished.step for finished in attempt.job.steps}
        skipped = StepOutcome(skipped=ending.ends_job)
        rest = [step for step in self._types[attempt.request.type] if step.name not in done]
        return [step_finished(attempt, step.name, skipped, self._now()) for step in rest]
