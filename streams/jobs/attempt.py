"""One attempt of a job while it runs, and the events that tell of it. The events are values made of values."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from headrace.events.ai import AiCalled
from headrace.events.jobs import (
    AnyJobEvent,
    JobAttemptEnded,
    JobCancelled,
    JobDied,
    JobRequested,
    JobRetryScheduled,
    JobStarted,
    JobStepFinished,
    JobSucceeded,
    StepAnswer,
)
from streams.jobs.open_job import FinishedStep, OpenJob
from streams.jobs.retries import error_class_of
from streams.jobs.step import Step, StepFailed, StepOutcome
from streams.jobs.step_ai import StepAi


class Attempt:
    """One attempt while it runs: what the executor must know to end it in order."""

    def __init__(self, job: OpenJob, worker: str, *, alone: bool = False) -> None:
        self.job = job
        self.number = job.attempt
        #: Nothing else has a slot while it has one.
        self.alone = alone
        self.started_at: datetime | None = None
        #: Who runs it.
        self.worker = worker
        self.step = ""
        self.ai: StepAi | None = None
        #: The event that ends it is on its way: nothing may follow.
        self.ended = False
        #: Cleared while the group rebalances: who has the partition is open, and nothing may be written.
        self.owned = asyncio.Event()
        self.owned.set()
        #: Calls that were recorded while it waited for that: what came of them is not.
        self.waiting_calls: tuple[AiCalled, ...] = ()
        #: Calls of which nothing came, because it was cancelled.
        self.thrown_away: tuple[AiCalled, ...] = ()

    def take_calls(self) -> tuple[AiCalled, ...]:
        """The calls of its step that are not written down yet."""
        return () if self.ai is None else self.ai.take_calls()

    @property
    def request(self) -> JobRequested:
        """What was asked for."""
        return self.job.request

    @property
    def spent(self) -> int:
        """Attempts that count, this one included once it began."""
        return self.job.spent + (self.started_at is not None)


def started(attempt: Attempt, now: datetime) -> JobStarted:
    """It began, or goes on as this attempt."""
    return JobStarted(
        **_about(attempt.request),
        at=now,
        attempt=attempt.number,
        worker=attempt.worker,
        alone=attempt.alone,
    )


def step_finished(
    attempt: Attempt,
    step: str,
    outcome: StepOutcome,
    now: datetime,
    answers: tuple[StepAnswer, ...] = (),
    saw_at: datetime | None = None,
    saw: str = "",
) -> JobStepFinished:
    """A step of it is done or skipped."""
    return JobStepFinished(
        **_about(attempt.request),
        at=now,
        step=step,
        attempt=attempt.number,
        result=outcome.result,
        skipped=outcome.skipped,
        ends_job=outcome.ends_job,
        answers=answers,
        saw_at=saw_at,
        saw=saw,
    )


def retry_scheduled(
    attempt: Attempt, failure: StepFailed, now: datetime, delay: float, *, spends_attempt: bool, lost: bool = False
) -> JobRetryScheduled:
    """It ended, and the job is tried again after so many seconds."""
    return JobRetryScheduled(
        **_about(attempt.request),
        at=now,
        attempt=attempt.number,
        started_at=attempt.started_at,
        worker=attempt.worker if attempt.started_at else "",
        due_at=now + timedelta(seconds=delay),
        step=attempt.step,
        error_class=error_class_of(failure.error_class),
        reason=failure.reason,
        spends_attempt=spends_attempt,
        lost=lost,
    )


def died(attempt: Attempt, failure: StepFailed, now: datetime) -> JobDied:
    """It was the last one."""
    return JobDied(
        **_about(attempt.request),
        at=now,
        attempt=attempt.number,
        started_at=attempt.started_at,
        worker=attempt.worker,
        step=attempt.step,
        error_class=error_class_of(failure.error_class),
        reason=failure.reason,
    )


def succeeded(attempt: Attempt, now: datetime) -> JobSucceeded:
    """All steps are done."""
    return JobSucceeded(
        **_about(attempt.request),
        at=now,
        attempt=attempt.number,
        started_at=attempt.started_at,
        worker=attempt.worker,
    )


def cancelled(job: OpenJob, at: datetime, reason: str) -> JobCancelled:
    """Nobody wants the job any more."""
    return JobCancelled(**_about(job.request), at=at, reason=reason)


def renumbered(event: AnyJobEvent, attempt: Attempt) -> AnyJobEvent:
    """The event under the attempt's present number: a rebalance that it outlived has made it the next one."""
    if isinstance(event, JobAttemptEnded) and event.started_at is not None:
        return replace(event, attempt=attempt.number, started_at=attempt.started_at)
    return replace(event, attempt=attempt.number) if isinstance(event, JobStepFinished) else event


def remaining_steps(job: OpenJob, steps: Sequence[Step]) -> list[Step]:
    """The steps that are not done yet; none once one of them has ended the job."""
    if ending_step(job) is not None:
        return []
    done = {finished.step for finished in job.steps}
    return [step for step in steps if step.name not in done]


def ending_step(job: OpenJob) -> FinishedStep | None:
    """The step that made all later ones needless."""
    return next((finished for finished in job.steps if finished.ends_job), None)


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
