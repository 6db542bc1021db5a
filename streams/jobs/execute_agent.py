"""The execute agent: folds `jobs` into the open jobs, and tells whoever runs them what that means."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

from headrace.events.codec import UnknownEventType
from headrace.events.conversations import ConversationMoved
from headrace.events.jobs import AnyJobEvent, JobEvent
from headrace.events.records import Record
from headrace.kafka.faust.keyed_agent import Derive, KeyedAgent, Turn
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.settings import Settings
from streams.jobs.conversations import Conversations
from streams.jobs.job_records import JobRecords
from streams.jobs.learning import Cancellations, Learning
from streams.jobs.open_job import OpenJob, Place
from streams.jobs.open_jobs import OpenJobs, PartitionFold

#: Entries of a scan between two breaths of the event loop.
_SCAN_STEP = 1000


class RunsJobs(Protocol):
    """Who runs the jobs: the executor."""

    def job_changed(self, job_id: str, job: OpenJob | None, run_ended: bool) -> None:
        """The job as it is now, None once it ended. `run_ended`: whoever ran it does so no more."""

    def has_loaded(self, partition: int) -> bool:
        """True from `loaded` on, as long as the partition is ours: it is told every change."""

    def loaded(self, partition: int) -> None:
        """It was told every open job of the partition."""


class ExecuteAgent(KeyedAgent):
    """Reads `jobs`. Its partitions' open jobs are told to the executor once `load` was called for them."""

    stage = "execute"

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        open_jobs: OpenJobs,
        conversations: Conversations,
        executor: RunsJobs,
        cancellations: Cancellations,
    ) -> None:
        super().__init__(settings, outbox)
        self._open_jobs = open_jobs
        self._conversations = conversations
        self._executor = executor
        self._learning = Learning(JobRecords(settings, "/jobs/execute"), cancellations)
        # A scan and a fold of one partition must not overlap: the scan would bring back what the fold has ended.
        self._folding = asyncio.Lock()

    async def load(self, partition: int) -> None:
        """Tell the executor every open job of the partition, and from now on every change."""
        async with self._folding:
            for number, job in enumerate(self._open_jobs.scan(partition)):
                self._executor.job_changed(job.request.job_id, job, run_ended=False)
                if number % _SCAN_STEP == 0:
                    await asyncio.sleep(0)
            self._executor.loaded(partition)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """See `KeyedAgent`."""
        async with self._folding:
            read = _Read()
            yield Turn(partial(self._open, read), partial(self._remember, read))

    def _open(self, read: "_Read", partition: int, records: list[Record]) -> Derive:
        read.newest_ms = max(read.newest_ms, records[-1].timestamp_ms)
        return partial(self._sort, read, read.events.setdefault(partition, []))

    def _sort(self, read: "_Read", events: list[tuple[AnyJobEvent, Place]], record: Record) -> Iterable[OutRecord]:
        """What is about a job is folded, what is about a lead is learnt, once all of the batch is read."""
        envelope, event = self._codec.read(record)
        if isinstance(event, ConversationMoved):
            read.moves.append((record.partition, event, envelope.traceparent))
        elif isinstance(event, JobEvent):
            place = Place(record.partition, record.offset, record.timestamp_ms, envelope.traceparent)
            events.append((event, place))  # type: ignore[arg-type]
        else:
            raise UnknownEventType(envelope.type)
        return ()

    async def _remember(self, read: "_Read") -> None:
        """Fold, remember, tell."""
        folds = [self._open_jobs.fold(partition, events) for partition, events in read.events.items()]
        if read.moves:
            await self._move_conversations(read)
        await self._open_jobs.write(folds)
        self._tell(folds)

    async def _move_conversations(self, read: "_Read") -> None:
        async with self._conversations.changing() as writes:
            out: list[OutRecord] = []
            for partition, event, traceparent in read.moves:
                view = self._conversations.open(partition, read.newest_ms)
                out.extend(self._learning.learn(partition, view, event, traceparent))
            await self._outbox.send(out)
            await self._conversations.write(writes)

    def _tell(self, folds: list[PartitionFold]) -> None:
        for folded in folds:
            if not self._executor.has_loaded(folded.partition):
                continue
            for job_id, run_ended in folded.changed.items():
                entry = folded.entries[job_id]
                self._executor.job_changed(job_id, entry if isinstance(entry, OpenJob) else None, run_ended)


class _Read:
    """What a batch of `jobs` says."""

    def __init__(self) -> None:
        #: Partition → events of jobs, in their order.
        self.events: dict[int, list[tuple[AnyJobEvent, Place]]] = {}
        #: Partition, what a lead is told, traceparent.
        self.moves: list[tuple[int, ConversationMoved, str]] = []
        #: The log's clock.
        self.newest_ms = 0
