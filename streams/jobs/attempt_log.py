"""Writes what running attempts say, and only while their partition is surely ours; what their calls cost, always."""

from collections.abc import Callable, Sequence
from datetime import datetime

from headrace.events.ai import AiCalled, spent_at_most
from headrace.events.jobs import AnyJobEvent
from headrace.events.records import Record
from headrace.events.topics import JOBS
from headrace.kafka.faust.dead_letters import Failure, set_aside
from headrace.kafka.faust.outbox import OutRecord
from headrace.settings import Settings
from streams.jobs.attempt import Attempt, died, renumbered, started
from streams.jobs.execute_agent import ExecuteAgent
from streams.jobs.job_records import JobRecords
from streams.jobs.journal import Journal
from streams.jobs.metrics import ATTEMPTS_ENDED, CALLS_THROWN_AWAY, THROWN_AWAY_MICRO_USD
from streams.jobs.open_job import OpenJob, from_milliseconds
from streams.jobs.step import Emitted, StepFailed


class AttemptLog:
    """What an attempt writes. Every method raises TooLarge for what its topic does not take."""

    def __init__(self, settings: Settings, journal: Journal, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._journal = journal
        self._now = now
        self._records = JobRecords(settings, "/jobs/execute")

    async def start(self, attempt: Attempt) -> None:
        """The attempt begins, once its partition is ours."""
        await self.until_owned(attempt)
        await self.begin_next(attempt)

    async def begin_next(self, attempt: Attempt) -> None:
        """It goes on under the next number. Asks not whose the partition is."""
        attempt.number += 1
        attempt.started_at = now = self._now()
        await self.write_now(attempt, started(attempt, now))

    async def write_now(self, attempt: Attempt, event: AnyJobEvent) -> None:
        """What is to be said just because the partition may not be ours in a moment."""
        await self._journal.write([self._records.job(event, attempt.job.traceparent)])

    async def write(self, attempt: Attempt, events: Sequence[AnyJobEvent], first: OutRecord | None = None) -> None:
        """Events of it, once its partition is ours, under the number it has by then."""
        await self.until_owned(attempt)
        numbered = (renumbered(event, attempt) for event in events)
        records = [self._records.job(event, attempt.job.traceparent) for event in numbered]
        await self._journal.write(records if first is None else [first, *records])

    async def end(self, attempt: Attempt, *events: AnyJobEvent, first: OutRecord | None = None) -> None:
        """Its last events: nothing of it follows."""
        await self.until_owned(attempt)
        attempt.ended = True
        ATTEMPTS_ENDED.labels(attempt.request.type, type(events[-1]).__name__).inc()
        await self.write(attempt, events, first)

    async def die(self, attempt: Attempt, failure: StepFailed) -> None:
        """The job is over, and its request a dead letter."""
        now = self._now()
        reason = Failure(
            stage=ExecuteAgent.stage,
            error_class=failure.error_class,
            reason=failure.reason,
            attempts=attempt.number,
            first_at=from_milliseconds(attempt.job.request_ms),
            last_at=now,
        )
        letter = set_aside(self._settings, self._request_record(attempt.job), reason)
        await self.end(attempt, died(attempt, failure, now), first=letter)

    def _request_record(self, job: OpenJob) -> Record:
        """The request as it stands in the log: the same bytes, at its own place."""
        made = self._records.job(job.request, job.traceparent)
        topic = self._settings.topic(JOBS)
        return Record(topic, job.partition, job.request_offset, made.key, made.value, made.headers, job.request_ms)

    async def conclude(self, attempt: Attempt, emitted: Sequence[Emitted]) -> None:
        """What a step concluded, and what was asked on the way."""
        if emitted:
            await self._journal.write(self.emitted(attempt, emitted))
        await self._record_calls(attempt)

    def emitted(self, attempt: Attempt, emitted: Sequence[Emitted]) -> list[OutRecord]:
        """The records of what a step emits. Raises whatever is wrong with it."""
        now = self._now()
        return [
            self._records.emitted(event, attempt.request, [attempt.step, str(index)], now, attempt.job.traceparent)
            for index, event in enumerate(emitted)
        ]

    async def throw_away(self, attempt: Attempt) -> None:
        """Whoever cancelled it knows nothing of the calls that were made, and they cost what they cost."""
        attempt.thrown_away = (*attempt.waiting_calls, *await self._record_calls(attempt))
        for call in attempt.thrown_away:
            CALLS_THROWN_AWAY.labels(call.status).inc()
            THROWN_AWAY_MICRO_USD.inc(spent_at_most(call))

    async def _record_calls(self, attempt: Attempt) -> tuple[AiCalled, ...]:
        """The calls it made since the last time."""
        calls, now = attempt.take_calls(), self._now()
        if calls:
            trace = attempt.job.traceparent
            await self._journal.write_calls(self._records.called(call, attempt.request, now, trace) for call in calls)
        return calls

    async def until_owned(self, attempt: Attempt) -> None:
        """Wait while a rebalance is under way. Calls that were made are recorded whoever gets the partition."""
        # Again, because the next rebalance may begin between the event and whoever waits for it.
        while not attempt.owned.is_set():
            attempt.waiting_calls += await self._record_calls(attempt)
            await attempt.owned.wait()
        attempt.waiting_calls = ()
