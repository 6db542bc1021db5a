"""The pool: takes jobs from the schedule while slots are free, runs them, and gives them back when partitions move."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import structlog

from headrace.events.ai import spent_at_most
from headrace.kafka.faust.loop import Loop
from headrace.kafka.faust.vital import vital
from streams.jobs.attempt import Attempt, cancelled
from streams.jobs.conversations import Conversations
from streams.jobs.journal import Journal
from streams.jobs.metrics import BREAKER, READY, RUNNING, WAITING
from streams.jobs.open_job import OpenJob, milliseconds
from streams.jobs.open_jobs import OpenJobs
from streams.jobs.runner import JobRunner
from streams.jobs.schedule import Schedule, Ticket
from streams.jobs.void_jobs import LEAD_SUPPRESSED, VoidJobs

log = structlog.get_logger()

#: Seconds that giving jobs back may take: the group waits for us meanwhile.
GIVE_UP_SECONDS = 4.0
#: Longest sleep: gauges stay fresh.
_LONGEST_WAIT = 1.0
#: Jobs read from the table in one go.
_AT_ONCE = 200
_STATES = {"closed": 0, "half_open": 1, "open": 2}


class _Run:
    """One running job."""

    def __init__(self, ticket: Ticket, attempt: Attempt) -> None:
        self.ticket = ticket
        self.attempt = attempt
        self.task: asyncio.Task[None]

    def goes_on(self, job: OpenJob) -> bool:
        """The log ended an attempt of the job, and not this one: it was handed back and goes on under a later number.

        Also true of a run that is over, until the log says how it ended.
        """
        if job.request.generation != self.attempt.request.generation:
            return False
        return not self.attempt.owned.is_set() or job.running or job.attempt < self.attempt.number


class Executor(Loop):
    """Runs due jobs once `go` was called, until `give_up`. `now` is the wall clock, aware."""

    def __init__(
        self,
        schedule: Schedule,
        open_jobs: OpenJobs,
        void: VoidJobs,
        runner: JobRunner,
        journal: Journal,
        conversations: Conversations,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__()
        self._schedule = schedule
        self._open_jobs = open_jobs
        self._void = void
        self._runner = runner
        self._journal = journal
        self._conversations = conversations
        self._now = now
        self._ready = False
        self._changed = asyncio.Event()
        #: Partitions of which it knows all jobs.
        self._loaded: set[int] = set()
        self._runs: dict[str, _Run] = {}
        #: Job id → partition of those that run according to the log, but not here.
        self._begun: dict[str, int] = {}

    def job_changed(self, job_id: str, job: OpenJob | None, run_ended: bool) -> None:
        """The fold says how the job stands. `run_ended`: whoever ran it does so no more."""
        self._begun.pop(job_id, None)
        run = self._runs.get(job_id)
        if run is not None and run_ended and job is not None and run.goes_on(job):
            # The log tells of a rebalance that the run outlived.
            return
        if job is not None and job.running and not self._schedule.in_flight(job_id):
            self._begun[job_id] = job.partition
        if job is not None and job.is_waiting:
            if run_ended or not self._schedule.in_flight(job_id):
                self._schedule.put(_ticket(job))
        else:
            self._schedule.remove(job_id)
        if run_ended:
            if run is not None and not run.attempt.ended:
                # Somebody else ended it: a person cancelled it or asked anew.
                run.task.cancel()
            self._runs.pop(job_id, None)
            self._schedule.settle(job_id)
        self._changed.set()

    def has_loaded(self, partition: int) -> bool:
        """True when it knows the partition's jobs, and learns of every change."""
        return partition in self._loaded

    def loaded(self, partition: int) -> None:
        """It was told every open job of the partition."""
        self._loaded.add(partition)

    @property
    def is_ready(self) -> bool:
        """Jobs may run."""
        return self._ready

    async def begin_parked(self, workspace: str) -> int:
        """The workspace's jobs that were put off without blame are due now. Returns how many."""
        now_ms = milliseconds(self._now())
        released = 0
        for number, ticket in enumerate(self._schedule.later_of(workspace, now_ms)):
            if number % _AT_ONCE == 0:
                # Reading them takes long when there are many: others have their turn meanwhile.
                await asyncio.sleep(0)
            job = self._open_jobs.job(ticket.partition, ticket.job_id)
            if job is not None and job.is_waiting and job.deferrals and self._schedule.still_waits(ticket):
                self._schedule.put(msgspec.structs.replace(ticket, due_ms=now_ms))
                released += 1
        self._changed.set()
        return released

    async def end_lost(self) -> None:
        """The fold has caught up: what runs according to the log, but not here, was lost with its worker."""
        begun = (self._open_jobs.job(partition, job_id) for job_id, partition in self._begun.items())
        lost = [job for job in begun if job is not None and job.running]
        await asyncio.gather(*(self._runner.end_lost(Attempt(job, job.worker)) for job in lost))
        if lost:
            log.warning("jobs.worker_lost", jobs=len(lost), workers=sorted({job.worker for job in lost}))

    def go(self) -> None:
        """The fold has caught up: jobs may run."""
        self._ready = True
        READY.set(1)
        log.info("jobs.ready", waiting=len(self._schedule))
        self._changed.set()

    async def hold(self, reason: str) -> None:
        """Nothing begins and nothing is written any more: the partitions may be somebody else's in a moment.

        What runs goes on, but the log says that nobody runs it: what `carry_on` does not take back is begun anew by
        whoever has it then.
        """
        self._pause()
        runs = self._live()
        for run in runs:
            run.attempt.owned.clear()
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                await self._journal.flushed()
                await asyncio.gather(*(self._runner.hand_back(run.attempt, reason) for run in runs))
        except TimeoutError:
            # Nobody can tell what is written. Whoever gets the partitions finds them begun and not ended.
            log.warning("jobs.hand_back_timed_out", jobs=len(runs))
            await self.carry_on(frozenset())

    async def drop(self) -> None:
        """Others have the partitions already: stop every job, and write nothing about it."""
        self._pause()
        await self.carry_on(frozenset())

    async def carry_on(self, partitions: frozenset[int]) -> None:
        """These partitions stayed, and nobody else had them since `hold`: what runs there goes on. The rest is over."""
        runs = self._live()
        staying = [run for run in runs if run.ticket.partition in partitions]
        leaving = [run for run in runs if run.ticket.partition not in partitions]
        await self._cancel(leaving)
        self.keep(partitions)
        await asyncio.gather(*(self._runner.take_back(run.attempt) for run in staying))
        calls = [call for run in leaving for call in run.attempt.thrown_away]
        log.info(
            "jobs.rebalanced",
            stayed=sorted(partitions),
            jobs_going_on=len(staying),
            jobs_given_up=len(leaving),
            calls_thrown_away=len(calls),
            micro_usd_thrown_away=sum(map(spent_at_most, calls)),
        )

    async def give_up(self, reason: str) -> None:
        """Stop every job, hand it back and forget all of them."""
        self._pause()
        runs = self._live()
        await self._cancel(runs)
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS):
                await self._journal.flushed()
                await asyncio.gather(*(self._runner.give_up(run.attempt, reason) for run in runs))
        except TimeoutError:
            # Whoever gets the partitions finds them begun and not ended.
            log.warning("jobs.give_up_timed_out", jobs=len(runs))
        if runs:
            log.info("jobs.given_up", jobs=len(runs), reason=reason)
        self.keep(frozenset())

    def _pause(self) -> None:
        self._ready = False
        READY.set(0)

    def _live(self) -> list[_Run]:
        return [run for run in self._runs.values() if not run.task.done()]

    async def _cancel(self, runs: list[_Run]) -> None:
        """Cancel them and wait until the calls they made are recorded."""
        for run in runs:
            run.task.cancel()
        if runs:
            _, late = await asyncio.wait([run.task for run in runs], timeout=GIVE_UP_SECONDS)
            if late:
                log.warning("jobs.cancel_timed_out", jobs=len(late))

    def keep(self, partitions: frozenset[int]) -> None:
        """Forget the jobs of all other partitions."""
        self._runs = {id_: run for id_, run in self._runs.items() if run.ticket.partition in partitions}
        self._begun = {id_: partition for id_, partition in self._begun.items() if partition in partitions}
        self._schedule.keep(partitions)
        self._loaded &= partitions

    async def on_stop(self) -> None:
        """Hand the running jobs back."""
        await self.give_up("worker stopping")
        await super().on_stop()

    async def run_for_ever(self) -> None:
        """Begin what is due, and sleep until something changes or is due."""
        while True:
            self._changed.clear()
            self._start_what_is_due()
            self._measure()
            try:
                async with asyncio.timeout(self._seconds_to_next()):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _start_what_is_due(self) -> None:
        now_ms = milliseconds(self._now())
        while self._ready and (ticket := self._schedule.take(now_ms)) is not None:
            self._start_job(ticket)

    def _seconds_to_next(self) -> float:
        now_ms = milliseconds(self._now())
        due_ms = self._schedule.next_due(now_ms) if self._ready else None
        return _LONGEST_WAIT if due_ms is None else min(_LONGEST_WAIT, max(0.001, (due_ms - now_ms) / 1000))

    def _start_job(self, ticket: Ticket) -> None:
        job = self._open_jobs.job(ticket.partition, ticket.job_id)
        if job is None or not job.is_waiting:
            # The fold has ended or paused it, and is about to say so.
            self._schedule.settle(ticket.job_id)
            return
        attempt = Attempt(job, self._runner.worker, alone=self._schedule.runs_alone(ticket))
        run = _Run(ticket, attempt)
        run.task = vital(self._run_job(run), f"job {ticket.job_id}")
        self._runs[ticket.job_id] = run

    async def _run_job(self, run: _Run) -> None:
        try:
            if self._is_void(run.attempt.job):
                event = cancelled(run.attempt.job, self._now(), LEAD_SUPPRESSED)
                await self._runner.cancel(run.attempt, event)
            else:
                await self._runner.run(run.attempt)
        finally:
            self._schedule.release(run.ticket)
            self._changed.set()

    def _is_void(self, job: OpenJob) -> bool:
        if not self._void.is_void(job):
            return False
        head = self._conversations.read(job.partition).head(job.request.lead_id)
        return head.suppressed_reason is not None

    def _measure(self) -> None:
        RUNNING.set(self._schedule.running)
        WAITING.set(len(self._schedule))
        now = time.monotonic()
        for name, breaker in self._runner.breakers.items():
            BREAKER.labels(name).set(_STATES[breaker.state(now)])


def _ticket(job: OpenJob) -> Ticket:
    request = job.request
    return Ticket(request.job_id, request.workspace, request.lead_id, job.partition, job.due_ms, job.losses)
