"""The leads of one person on partitions of their own, whose logs the real agents read in any order, and crash."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.events.codec import Codec
from headrace.events.enrichments import Enrichment, MessageClassified, ReplyDecided
from headrace.events.envelope import Envelope, read_envelope
from headrace.events.inbox import SuppressionReason
from headrace.events.job_plan import SCORING
from headrace.events.jobs import JobSucceeded
from headrace.events.messages import LeadMerged, LeadSignalled, LeadSplit, LeadSuppressed, MessageReceived
from headrace.events.records import Record
from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings
from streams.jobs.attempt import cancelled
from streams.jobs.conversation import Head
from streams.jobs.conversations import Conversations
from streams.jobs.execute_agent import ExecuteAgent
from streams.jobs.job_inputs import job_input
from streams.jobs.job_records import JobRecords
from streams.jobs.label_agent import LabelAgent
from streams.jobs.open_job import OpenJob, decode_entry
from streams.jobs.open_jobs import OpenJobs
from streams.jobs.request_agent import RequestAgent
from streams.jobs.requests import jobs_after
from streams.jobs.step import Emitted, JobInput
from streams.jobs.types import label_of
from streams.jobs.void_jobs import VoidJobs
from tests.unit.streams.jobs.sms import sms

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NEXT_DAY = START + timedelta(days=1)
SETTINGS = Settings(partitions=3)
CODEC = Codec()
PLACES = [(topic, partition) for topic in ("messages", "jobs", "enrichments") for partition in range(3)]


class Crash(Exception):
    """The process is gone between the acks and the write."""


class Table:
    """A table of all partitions."""

    def __init__(self) -> None:
        self.entries: dict[int, dict[bytes, bytes]] = defaultdict(dict)
        self.is_broken = False

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self.entries[partition].get(key)

    def get_many(self, partition: int, keys: list[bytes]) -> list[bytes | None]:
        return [self.get(partition, key) for key in keys]

    def scan(self, partition: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        return ((key, value) for key, value in list(self.entries[partition].items()) if key.startswith(prefix))

    async def write(self, writes: Mapping[int, Mapping[bytes, bytes | None]]) -> None:
        if self.is_broken:
            raise Crash
        for partition, entries in writes.items():
            for key, value in entries.items():
                if value is None:
                    self.entries[partition].pop(key, None)
                else:
                    self.entries[partition][key] = value


class Log:
    """What was written to each partition, and how far it was read."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], list[Record]] = {place: [] for place in PLACES}
        self.positions = dict.fromkeys(PLACES, 0)

    async def send(self, records: Iterable[OutRecord]) -> None:
        for record in records:
            place = (record.topic.rpartition(".")[2], record.partition)
            written = self.records[place]
            written.append(
                Record(record.topic, record.partition, len(written), record.key, record.value, record.headers, 0)
            )

    def events(self, topic: str) -> list[Any]:
        return [
            CODEC.decode(read_envelope(record.headers).type, record.value or b"")
            for place in PLACES
            if place[0] == topic
            for record in self.records[place]
        ]


class Follower:
    """Knows which jobs are open, as the executor does."""

    def __init__(self) -> None:
        self.jobs: dict[str, OpenJob] = {}
        self.partitions: set[int] = set()

    def job_changed(self, job_id: str, job: OpenJob | None, run_ended: bool) -> None:
        """The job is open, or not. Nobody runs it but the test."""
        del run_ended
        if job is None:
            self.jobs.pop(job_id, None)
        else:
            self.jobs[job_id] = job

    def has_loaded(self, partition: int) -> bool:
        return partition in self.partitions

    def loaded(self, partition: int) -> None:
        self.partitions.add(partition)

    def jobs_of(self, lead_id: str) -> list[str]:
        return [job_id for job_id, job in self.jobs.items() if job.request.lead_id == lead_id]


class Person:
    """A jobs worker for all partitions, whose jobs begin and conclude when a test says so."""

    def __init__(self) -> None:
        self.log, self.follower = Log(), Follower()
        self.tables = (Table(), Table(), Table())
        log: Any = self.log
        tables: tuple[Any, Any, Any] = self.tables
        self.conversations = Conversations(tables[0])
        open_jobs = OpenJobs(tables[1], tables[2])
        self.void = VoidJobs(frozenset({SCORING}), open_jobs, self.follower.jobs_of)
        cancellations = self.void.cancellations
        self.execute = ExecuteAgent(SETTINGS, log, open_jobs, self.conversations, self.follower, cancellations)
        self._agents: dict[str, Any] = {
            "messages": RequestAgent(SETTINGS, log, self.conversations, open_jobs.needs, cancellations),
            "jobs": self.execute,
            "enrichments": LabelAgent(SETTINGS, log, self.conversations, label_of),
        }
        self._records = JobRecords(SETTINGS, "/test")
        self.running: dict[str, tuple[OpenJob, JobInput]] = {}
        #: Up to where everything is to be read before jobs run again.
        self._awaited: dict[tuple[str, int], int] = {}

    async def load(self) -> None:
        """Take over all partitions."""
        for partition in range(SETTINGS.partitions):
            await self.execute.load(partition)

    async def receive(self, event: Any, correction: str = "") -> None:
        """An event of a lead is written."""
        topic = "enrichments" if isinstance(event, Enrichment) else "messages"
        key = event.lead_id.encode()
        headers = Envelope(
            id="e", type=CODEC.type_of(event), source="/test", time=START, correction=correction
        ).headers()
        await self.log.send([OutRecord(topic, key_partition(key, 3), key, CODEC.encode(event), headers)])

    async def read(self, place: tuple[str, int], count: int, *, crashing: bool = False) -> None:
        """An agent takes a batch; crashing, everything it wrote stands, and nothing is remembered."""
        start = self.log.positions[place]
        records = self.log.records[place][start : start + count]
        if not records:
            return
        for table in self.tables:
            table.is_broken = crashing
        try:
            await self._agents[place[0]].process({place: records})
            self.log.positions[place] = start + len(records)
        except Crash:
            self.running.clear()
            self._awaited = {place: len(records) for place, records in self.log.records.items()}
        finally:
            for table in self.tables:
                table.is_broken = False

    async def begin(self, job_id: str) -> None:
        """The job reads its input, and asks a model; void, it ends instead."""
        job = self.follower.jobs[job_id]
        given = job_input(self.conversations, job, job.partition, 1)
        if given.suppressed_reason is not None and self.void.is_void(job):
            await self.log.send([self._records.job(cancelled(job, START, "lead suppressed"))])
        else:
            self.running[job_id] = (job, given)

    async def conclude(self, job_id: str) -> None:
        """The model has answered: the job looks again, concludes and ends."""
        job, given = self.running.pop(job_id)
        if job_id not in self.follower.jobs:
            return
        fresh = job_input(self.conversations, job, job.partition, 1)
        out = []
        if job.request.type != SCORING:
            out.append(self._records.emitted(self._decision(job, fresh), job.request, ["decide"], START, ""))
        if job.request.type != SCORING and given.suppressed_reason is None:
            out.append(self._records.emitted(self._label(job, fresh), job.request, ["label"], START, ""))
        out.extend(self._records.job(follower) for follower in jobs_after(job.request, START))
        about = {name: getattr(job.request, name) for name in ("job_id", "workspace", "lead_id", "type")}
        about |= {name: getattr(job.request, name) for name in ("message_id", "receipt_id", "generation")}
        out.append(self._records.job(JobSucceeded(**about, at=START, attempt=1)))
        await self.log.send(out)

    def _decision(self, job: OpenJob, job_input: JobInput) -> Emitted:
        is_open = job_input.suppressed_reason is None
        event = ReplyDecided(
            **_about(job, job_input, "decide_reply"),
            draft_id="draft",
            channel="sms",
            decision="send_at" if is_open else "blocked",
            send_at=NEXT_DAY if is_open else None,
            threshold=0.9,
            response_mode="AI_AUTO_SEND",
        )
        return Emitted(topic="enrichments", event=event)

    def _label(self, job: OpenJob, job_input: JobInput) -> Emitted:
        label = MessageClassified(**_about(job, job_input, "classify"), label="Interested", confidence=1.0)
        return Emitted(topic="enrichments", event=label)

    def head(self, lead_id: str) -> Head:
        """What is known of a lead where it is at home."""
        return self.conversations.read(key_partition(lead_id.encode(), 3)).head(lead_id)

    def texts(self, lead_id: str) -> list[str]:
        """The lead's messages."""
        view = self.conversations.read(key_partition(lead_id.encode(), 3))
        return [message.text for message in view.messages(lead_id, view.head(lead_id))]

    def waiting(self) -> list[str]:
        """Jobs that may begin: after a crash, none before the log is read to where it ended."""
        if any(self.log.positions[place] < end for place, end in self._awaited.items()):
            return []
        return [job_id for job_id in self.follower.jobs if job_id not in self.running]

    async def settle(self) -> None:
        """Read everything, run everything, until there is nothing left."""
        while True:
            unread = [place for place in PLACES if self.log.positions[place] < len(self.log.records[place])]
            for place in unread:
                await self.read(place, 1)
            if not unread and self.running:
                await self.conclude(next(iter(self.running)))
            elif not unread and self.waiting():
                await self.begin(self.waiting()[0])
            elif not unread:
                return

    def open_jobs(self) -> list[OpenJob]:
        """Those in the table."""
        table = self.tables[1]
        entries = [decode_entry(value) for part in table.entries.values() for value in part.values()]
        return [entry for entry in entries if isinstance(entry, OpenJob)]

    def standing(self) -> dict[tuple[str, str], Any]:
        """(job, step) → the newest conclusion."""
        return {(event.job_id, event.step): event for event in self.log.events("enrichments")}


def _about(job: OpenJob, given: JobInput, step: str) -> dict[str, Any]:
    message = given.message
    return {
        "workspace": "acme",
        "lead_id": job.request.lead_id,
        "message_id": message.message_id,
        "job_id": job.request.job_id,
        "job_type": job.request.type,
        "step": step,
        "receipt_id": "r",
        "at": START,
        "sent_at": message.sent_at,
        "received_at": message.received_at,
    }


def wrote(lead_id: str, number: int, text: str = "words") -> MessageReceived:
    """A message of a lead."""
    at = START + timedelta(minutes=number)
    return sms(at, text, receipt_id=f"r{number}", lead_id=lead_id, message_id=f"{lead_id}-{number}")


def opted_out(lead_id: str, number: int, reason: SuppressionReason = "unsubscribed") -> LeadSuppressed:
    """Nobody may write to the lead."""
    at = START + timedelta(minutes=number)
    return LeadSuppressed(
        receipt_id=f"r{number}",
        workspace="acme",
        lead_id=lead_id,
        provider="ghl",
        reason=reason,
        occurred_at=at,
        received_at=at,
        provider_event="x",
    )


def signalled(lead_id: str, number: int) -> LeadSignalled:
    """The provider said something about the lead."""
    at = START + timedelta(minutes=number)
    return LeadSignalled(
        receipt_id=f"r{number}",
        workspace="acme",
        lead_id=lead_id,
        provider="ghl",
        signal="meeting_booked",
        occurred_at=at,
        received_at=at,
        provider_event="x",
    )


def merged(lead_id: str, into: str) -> LeadMerged:
    """The lead lives on as another."""
    return LeadMerged(receipt_id="r", workspace="acme", lead_id=lead_id, into_lead_id=into, merged_at=START)


def split(lead_id: str, new_lead_id: str, message_ids: Iterable[str], number: int) -> LeadSplit:
    """The lead was two people."""
    return LeadSplit(
        receipt_id="run",
        workspace="acme",
        lead_id=lead_id,
        new_lead_id=new_lead_id,
        identities=(),
        message_ids=tuple(message_ids),
        split_at=START + timedelta(minutes=number),
        by="kim",
    )
