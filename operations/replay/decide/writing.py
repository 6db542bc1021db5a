"""Writes what was decided again, and asks models for what is missing where somebody pays for it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from headrace.events.jobs import StepAnswer
from headrace.kafka.faust.outbox import Outbox
from headrace.kafka.log_records import in_pieces
from headrace.settings import Settings
from operations.replay.decide.cases import jobs_moved
from operations.replay.decide.deciding import DecidedJob, LeadDecided
from operations.replay.decide.plan import DecideWork, decide_lead
from operations.replay.decide.records import Redecisions
from operations.runs.run_budget import BudgetSpent
from streams.jobs.context import StepCall
from streams.jobs.step_ai import StepAi

#: Jobs whose records are acknowledged together.
_BATCH = 200
#: Leads for which models are asked at once.
_LEADS_AT_ONCE = 8
_Count = Callable[..., None]


class Buyer(Protocol):
    """Who asks models: `operations.replay.spending`, loaded for nobody else."""

    def seam(self, call: StepCall, answers: Sequence[StepAnswer]) -> StepAi:
        """See `operations.replay.decide.deciding.Asking`."""

    async def close(self) -> None:
        """Gives connections back."""


#: Makes the buyer, given where to record its calls.
BuyerOf = Callable[[Outbox], Buyer]


def write(
    settings: Settings, work: DecideWork, redecisions: Redecisions, progress: _Count, buyer_of: BuyerOf | None = None
) -> dict[str, Any]:
    """Write it. `progress(phase, **counts)` may raise to stop between two batches. Raises KafkaError."""
    return asyncio.run(_write(settings, work, redecisions, progress, buyer_of))


async def _write(
    settings: Settings, work: DecideWork, redecisions: Redecisions, progress: _Count, buyer_of: BuyerOf | None
) -> dict[str, Any]:
    writer = _Writer(settings, work, redecisions, progress)
    async with _started(settings) as outbox:
        whole = [one for one in work.decided.values() if buyer_of is None or not _lacks_answers(one)]
        for batch in in_pieces((job for one in whole for job in one.decided if job.is_written), _BATCH):
            await writer.write(outbox, batch)
        if buyer_of is not None:
            await _buy(work, writer, outbox, buyer_of(outbox))
    return writer.counts()


async def _buy(work: DecideWork, writer: "_Writer", outbox: Outbox, buyer: Buyer) -> None:
    """A few leads at once, each written as soon as it is decided: what was paid for is not lost with the process."""
    gate, spent = asyncio.Semaphore(_LEADS_AT_ONCE), list[BudgetSpent]()

    async def buy(lead_id: str) -> None:
        async with gate:
            if spent:
                return
            try:
                decided = await decide_lead(work.cases.leads[lead_id], work.profile_then, buyer.seam)
            except BudgetSpent as error:
                # What is under way comes to its end, for it is paid for.
                spent.append(error)
                return
            await writer.write(outbox, [job for job in decided.decided if job.is_written])
            writer.undecided += len(decided.undecided)

    try:
        async with asyncio.TaskGroup() as group:
            for lead_id, one in work.decided.items():
                if _lacks_answers(one):
                    group.create_task(buy(lead_id))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    finally:
        await buyer.close()
    if spent:
        raise spent[0]


def _lacks_answers(one: LeadDecided) -> bool:
    return any(undecided.lacks == "answer" for undecided in one.undecided)


class _Writer:
    def __init__(self, settings: Settings, work: DecideWork, redecisions: Redecisions, progress: _Count) -> None:
        self.undecided = 0
        self._writing = asyncio.Lock()
        self._settings = settings
        self._work = work
        self._redecisions = redecisions
        self._progress = progress
        self._moved: set[str] = set()
        self._jobs = self._events = self._overtaken = 0

    async def write(self, outbox: Outbox, jobs: Iterable[DecidedJob]) -> None:
        async with self._writing:
            await self._write(outbox, jobs)

    async def _write(self, outbox: Outbox, jobs: Iterable[DecidedJob]) -> None:
        # Who asked for a job meanwhile has it done by a worker, with everything that is known by then.
        self._moved |= await asyncio.to_thread(jobs_moved, self._settings, self._work.cases)
        wanted = list(jobs)
        still = [job for job in wanted if job.job.request.job_id not in self._moved]
        conclusions = [record for job in still for record in self._redecisions.conclusions(job)]
        await outbox.send(conclusions)
        await outbox.send(self._redecisions.end(job) for job in still)
        self._jobs += len(still)
        self._events += len(conclusions) + len(still)
        self._overtaken += len(wanted) - len(still)
        self._progress("correcting", jobs=self._jobs, events=self._events)

    def counts(self) -> dict[str, Any]:
        return {
            "jobs": self._jobs,
            "events": self._events,
            "undecided": self.undecided,
            "asked_for_meanwhile": self._overtaken,
        }


@asynccontextmanager
async def _started(settings: Settings) -> AsyncIterator[Outbox]:
    outbox = Outbox(settings)
    await outbox.start()
    try:
        yield outbox
    finally:
        await outbox.stop()
