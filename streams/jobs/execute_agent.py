"""The execute agent: folds `jobs` into the open jobs, and tells the executor what that means."""

import asyncio
from collections.abc import Iterator, Set
from datetime import datetime
from typing import Protocol

import structlog

from headrace.events.codec import Codec, UndecodableEvent, UnknownEventType
from headrace.events.conversations import ConversationMoved
from headrace.events.envelope import EnvelopeError, read_envelope
from headrace.events.jobs import AnyJobEvent, JobCancelled, JobEvent
from headrace.events.messages import Message
from headrace.events.records import Record
from headrace.kafka.faust.dead_letters import dead_letter
from headrace.kafka.faust.following import Batch
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.kafka.faust.partition_table import PartitionTable
from headrace.settings import Settings
from streams.jobs.conversations import Conversations
from streams.jobs.job_records import JobRecords
from streams.jobs.learning import Learning
from streams.jobs.open_job import ClosedJob, Entry, OpenJob, Place, decode_entry, encode_entry, ends_run, fold
from streams.jobs.requests import job_ids

log = structlog.get_logger()

STAGE = "execute"
#: What keys begin with: of open jobs, and of those that died.
_OPEN = b"o\x1f"
_DIED = b"d\x1f"
#: Entries of a scan between two breaths of the event loop.
_SCAN_STEP = 1000


class Follows(Protocol):
    """Who wants to know how jobs stand: the executor."""

    def job_changed(self, job_id: str, job: OpenJob | None, run_ended: bool) -> None:
        """The job as it is now, None once it ended. `run_ended`: whoever ran it does so no more."""

    def jobs_of(self, lead_id: str) -> list[str]:
        """The ids of the lead's jobs that wait or run."""


class ExecuteAgent:
    """Reads `jobs`. Its partitions' open jobs are told to the executor once `load` was called for them."""

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        open_jobs: PartitionTable,
        closed_jobs: PartitionTable,
        conversations: Conversations,
        cancelled_when_suppressed: frozenset[str],
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._table = open_jobs
        self._closed = closed_jobs
        self._conversations = conversations
        self._cancelled_when_suppressed = cancelled_when_suppressed
        self._codec = Codec()
        self._learning = Learning(JobRecords(settings, "/jobs/execute"), self.cancellations)
        self._follower: Follows | None = None
        self._loaded: set[int] = set()
        # A scan and a fold of one partition must not overlap: the scan would bring back what the fold has ended.
        self._folding = asyncio.Lock()

    def tell(self, follower: Follows) -> None:
        """Whom to tell."""
        self._follower = follower

    def job(self, partition: int, job_id: str) -> OpenJob | None:
        """An open job with all its details, None when it is none."""
        value = self._table.get(partition, _OPEN + job_id.encode())
        return None if value is None else decode_entry(value)

    def needs(self, partition: int, message: Message) -> bool:
        """True while a job of the message is open, or died and may be asked for again."""
        keys = [prefix + job_id.encode() for job_id in job_ids(message) for prefix in (_OPEN, _DIED)]
        return any(value is not None for value in self._table.get_many(partition, keys))

    def cancellations(self, partition: int, lead_id: str, at: datetime) -> list[JobCancelled]:
        """What ends those jobs of a suppressed lead that make no sense any more. Paused ones end when they resume."""
        if self._follower is None or not self._cancelled_when_suppressed:
            return []
        jobs = (self.job(partition, job_id) for job_id in self._follower.jobs_of(lead_id))
        return [cancelled(job, at, "lead suppressed") for job in jobs if job is not None and self.is_void(job)]

    def is_void(self, job: OpenJob) -> bool:
        """True for a job that must not run for a suppressed lead."""
        return job.request.type in self._cancelled_when_suppressed

    def keep(self, partitions: Set[int]) -> None:
        """All others are not ours any more."""
        self._loaded &= partitions

    def has_loaded(self, partition: int) -> bool:
        """True when the executor knows the partition's jobs, and learns of every change."""
        return partition in self._loaded

    async def load(self, partition: int) -> None:
        """Tell the executor every open job of the partition, and from now on every change."""
        async with self._folding:
            for number, job in enumerate(self._scanned(partition)):
                if self._follower is not None:
                    self._follower.job_changed(job.request.job_id, job, run_ended=False)
                if number % _SCAN_STEP == 0:
                    await asyncio.sleep(0)
            self._loaded.add(partition)

    def _scanned(self, partition: int) -> Iterator[OpenJob]:
        for _, value in self._table.scan(partition, _OPEN):
            yield decode_entry(value)

    async def process(self, batch: Batch) -> None:
        """Fold, remember, tell."""
        async with self._folding:
            out: list[OutRecord] = []
            moves: list[tuple[int, ConversationMoved, str]] = []
            folds = []
            for (_topic, partition), records in batch.items():
                folded = _PartitionFold(self._table, self._closed, partition)
                folds.append(folded)
                events = [found for record in records if (found := self._decoded(record, out, moves)) is not None]
                folded.fold(events)
            newest_ms = max(records[-1].timestamp_ms for records in batch.values())
            await self._move_conversations(moves, newest_ms, out)
            await self._outbox.send(out)
            # An open job counts before a closed one: cut off in between, it is closed once more.
            await self._closed.write({fold_.partition: fold_.closed_writes() for fold_ in folds})
            await self._table.write({fold_.partition: fold_.writes() for fold_ in folds})
            self._tell(folds)

    def _decoded(
        self, record: Record, out: list[OutRecord], moves: list[tuple[int, ConversationMoved, str]]
    ) -> tuple[AnyJobEvent, Place] | None:
        try:
            envelope = read_envelope(record.headers)
            event = self._codec.decode(envelope.type, record.value or b"")
        except (EnvelopeError, UnknownEventType, UndecodableEvent) as error:
            log.error("execute.dead_letter", offset=record.offset, error_class=type(error).__name__)
            out.append(dead_letter(self._settings, record, STAGE, error))
            return None
        if isinstance(event, ConversationMoved):
            moves.append((record.partition, event, envelope.traceparent))
            return None
        if not isinstance(event, JobEvent):
            log.error("execute.dead_letter", offset=record.offset, error_class="ForeignEvent")
            out.append(dead_letter(self._settings, record, STAGE, UnknownEventType(envelope.type)))
            return None
        place = Place(record.partition, record.offset, record.timestamp_ms, envelope.traceparent)
        return event, place  # type: ignore[return-value]

    async def _move_conversations(
        self, moves: list[tuple[int, ConversationMoved, str]], at_ms: int, out: list[OutRecord]
    ) -> None:
        if not moves:
            return
        async with self._conversations.changing() as writes:
            for partition, event, traceparent in moves:
                view = self._conversations.open(partition, at_ms)
                out.extend(self._learning.learn(partition, view, event, traceparent))
            await self._outbox.send(out)
            out.clear()
            await self._conversations.write(writes)

    def _tell(self, folds: "list[_PartitionFold]") -> None:
        if self._follower is None:
            return
        for folded in folds:
            if folded.partition not in self._loaded:
                continue
            for job_id, run_ended in folded.changed.items():
                entry = folded.entries[job_id]
                job = entry if isinstance(entry, OpenJob) else None
                self._follower.job_changed(job_id, job, run_ended)


class _PartitionFold:
    """The jobs of one partition that a batch of events is about."""

    def __init__(self, table: PartitionTable, closed: PartitionTable, partition: int) -> None:
        self.partition = partition
        self._table = table
        self._closed = closed
        self.entries: dict[str, Entry | None] = {}
        self._had_died: set[str] = set()
        #: Job id → True when an event ended its run.
        self.changed: dict[str, bool] = {}

    def fold(self, events: list[tuple[AnyJobEvent, Place]]) -> None:
        """Fold the events in their order."""
        self._read({event.job_id: None for event, _ in events})
        for event, place in events:
            before = self.entries[event.job_id]
            after = fold(before, event, place)
            if after is not before:
                self.entries[event.job_id] = after
                self.changed[event.job_id] = self.changed.get(event.job_id, False) or ends_run(event)

    def _read(self, job_ids: dict[str, None]) -> None:
        missing = self._read_from(self._table, _OPEN, list(job_ids))
        closed = self._read_from(self._table, _DIED, missing)
        self._had_died = set(missing) - set(closed)
        for job_id in self._read_from(self._closed, b"", closed):
            self.entries[job_id] = None

    def _read_from(self, table: PartitionTable, prefix: bytes, job_ids: list[str]) -> list[str]:
        """Read these entries. Returns the ids that have none here."""
        values = table.get_many(self.partition, [prefix + job_id.encode() for job_id in job_ids])
        found = {job_id: value for job_id, value in zip(job_ids, values, strict=True) if value is not None}
        self.entries |= {job_id: decode_entry(value) for job_id, value in found.items()}
        return [job_id for job_id in job_ids if job_id not in found]

    def writes(self) -> dict[bytes, bytes | None]:
        """What the table of open jobs must remember: also those that died, until somebody asks for them again."""
        entries: dict[bytes, bytes | None] = {}
        for job_id in self.changed:
            entry = self.entries[job_id]
            key = job_id.encode()
            if job_id in self._had_died:
                entries[_DIED + key] = None
            entries[_OPEN + key] = encode_entry(entry) if isinstance(entry, OpenJob) else None
            if isinstance(entry, ClosedJob) and entry.outcome == "died":
                entries[_DIED + key] = encode_entry(entry)
        return entries

    def closed_writes(self) -> dict[bytes, bytes | None]:
        """What the table of closed jobs must remember for a while."""
        ended = ((job_id, self.entries[job_id]) for job_id in self.changed)
        return {
            job_id.encode(): encode_entry(entry)
            for job_id, entry in ended
            if isinstance(entry, ClosedJob) and entry.outcome != "died"
        }


def cancelled(job: OpenJob, at: datetime, reason: str) -> JobCancelled:
    """The event that ends a job nobody wants any more."""
    request = job.request
    return JobCancelled(
        job_id=request.job_id,
        workspace=request.workspace,
        lead_id=request.lead_id,
        type=request.type,
        message_id=request.message_id,
        receipt_id=request.receipt_id,
        generation=request.generation,
        at=at,
        reason=reason,
    )
