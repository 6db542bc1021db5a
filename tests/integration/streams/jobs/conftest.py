"""A jobs worker as a process, what it reads, and what it wrote."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from headrace.events.codec import Codec
from headrace.events.envelope import Envelope, read_envelope
from headrace.events.ids import derived_id
from headrace.events.jobs import JobCancelled, JobDied, JobEvent, JobRequested, JobSucceeded
from headrace.events.messages import MessageReceived
from headrace.events.topics import ENRICHMENTS, JOBS, MESSAGES, WORKSPACES, Topic
from headrace.events.workspaces import JobSettings, ResponseMode, WorkspaceApplied, WorkspaceFacts
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings
from streams.jobs.job_records import JobRecords
from tests.lifeline import end

PROGRAM = Path(__file__).with_name("jobs_program.py")
ROOT = Path(__file__).parents[4]
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DEADLINE = 60.0
CODEC = Codec()
Process = subprocess.Popen[bytes]


class Jobs:
    """One installation under test: writes what the worker reads, reads what it writes, starts and kills it."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.settings = settings
        self.directory = directory
        self.journal = directory / "steps"
        self.log = directory / "worker.log"
        #: What was read so far, so that whoever waits does not read it all again at each look.
        self._events: dict[str, list[Any]] = defaultdict(list)
        self._positions: dict[TopicPartition, int] = {}

    def worker(self, *arguments: str, instance: str = "0", **environment: str) -> AbstractContextManager[Process]:
        """The worker with steps for tests, while the block runs."""
        command = (sys.executable, str(PROGRAM), "--journal", str(self.journal), *arguments)
        return self.program(*command, HEADRACE_INSTANCE_ID=instance, **environment)

    @contextmanager
    def program(self, *command: str, **environment: str) -> Iterator[Process]:
        """A program of the installation while the block runs, ended in order at its end if it still runs."""
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                command, env={**os.environ, **self._environment(), **environment}, stdout=output, stderr=output
            )
        try:
            yield process
        finally:
            end(process)

    def _environment(self) -> dict[str, str]:
        return {
            "PYTHONPATH": str(ROOT),
            "KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
            "HEADRACE_TOPIC_PREFIX": self.settings.topic_prefix,
            "HEADRACE_PARTITIONS": str(self.settings.partitions),
            "HEADRACE_DATA_DIR": str(self.settings.data_dir),
            "HEADRACE_RETRY_TIERS": "0.3,0.3,0.3",
            "HEADRACE_BREAKER_SECONDS": "1",
        }

    def message(self, number: int, text: str = "", *, lead: str | None = None, **fields: Any) -> MessageReceived:
        """An inbound SMS of a lead; every message has a lead of its own unless one is named."""
        shared: dict[str, Any] = {
            "receipt_id": derived_id("receipt", str(number)),
            "workspace": "acme",
            "provider": "ghl",
            "lead_id": derived_id("lead", lead or str(number)),
            "message_id": derived_id("message", str(number)),
            "conversation_id": derived_id("conversation", lead or str(number)),
            "channel": "sms",
            "direction": "inbound",
            "source": "direct",
            "provider_event": "InboundMessage",
            "provider_message_id": str(number),
            "sent_at": START + timedelta(seconds=number),
            "received_at": START + timedelta(seconds=number),
            "text": text,
            "body": text,
        }
        return MessageReceived(**(shared | fields))

    async def receive(self, events: Iterable[Any]) -> None:
        """Write events of leads to `messages`."""
        await self._send(MESSAGES, ((event.lead_id, event) for event in events))

    async def apply(
        self,
        *workspaces: str,
        timezone: str = "UTC",
        budget: int | None = None,
        mode: ResponseMode = "SETTER_MANAGED",
        facts: WorkspaceFacts | None = None,
    ) -> None:
        """Make workspaces known."""
        given = JobSettings(ai_budget_micro_usd_per_day=budget, response_mode=mode, facts=facts)
        applied = (WorkspaceApplied(workspace=name, name=name, timezone=timezone, jobs=given) for name in workspaces)
        await self._send(WORKSPACES, ((event.workspace, event) for event in applied))

    async def command(self, *events: Any) -> None:
        """Write to `jobs` as a person's command does."""
        records = JobRecords(self.settings, "/cli/jobs")
        await self._write(records.job(event) for event in events)

    async def _send(self, topic: Topic, keyed: Iterable[tuple[str, Any]]) -> None:
        await self._write(self._record(topic, key.encode(), event) for key, event in keyed)

    def _record(self, topic: Topic, key: bytes, event: Any) -> OutRecord:
        envelope = Envelope(
            id=derived_id("test", str(id(event))), type=CODEC.type_of(event), source="/test", time=START
        )
        partition = key_partition(key, self.settings.partitions)
        return OutRecord(self.settings.topic(topic), partition, key, CODEC.encode(event), envelope.headers())

    async def _write(self, records: Iterable[OutRecord]) -> None:
        outbox = Outbox(self.settings)
        await outbox.start()
        try:
            await outbox.send(records)
        finally:
            await outbox.stop()

    async def read(self, topic: Topic) -> list[Any]:
        """All events of a topic; those of a key in their order. Dead letters come as their headers."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.kafka_bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            places = [TopicPartition(self.settings.topic(topic), n) for n in range(self.settings.partitions)]
            consumer.assign(places)
            for place in places:
                consumer.seek(place, self._positions.get(place, 0))
            ends = await consumer.end_offsets(places)
            while behind := [place for place in places if self._positions.get(place, 0) < ends[place]]:
                for place, records in (await consumer.getmany(*behind, timeout_ms=500)).items():
                    self._events[topic.name].extend(_event(topic, record) for record in records)
                    self._positions[place] = records[-1].offset + 1
            return list(self._events[topic.name])
        finally:
            await consumer.stop()

    async def events(self) -> dict[str, list[JobEvent]]:
        """Job id → its events in order."""
        found: dict[str, list[JobEvent]] = defaultdict(list)
        for event in await self.read(JOBS):
            if isinstance(event, JobEvent):
                found[event.job_id].append(event)
        return found

    async def until(self, done: Callable[[dict[str, list[JobEvent]]], bool], deadline: float = DEADLINE) -> Any:
        """The job events, once they satisfy the condition."""
        give_up = time.monotonic() + deadline
        while True:
            events = await self.events()
            if done(events):
                return events
            tail = self.log.read_text()[-3000:] if self.log.exists() else ""
            assert time.monotonic() < give_up, f"{_summary(events)}\n{tail}"
            await asyncio.sleep(0.3)

    async def until_ended(self, count: int, deadline: float = DEADLINE) -> Any:
        """The job events, once so many jobs have ended."""
        return await self.until(lambda events: sum(map(has_ended, events.values())) >= count, deadline)

    async def until_all_is_read(self) -> None:
        """Returns once the worker has read its topics to their ends, its own records of the last job included."""
        log, group = LogOffsets(self.settings), f"{self.settings.topic_prefix}jobs"
        topics = [self.settings.topic(topic) for topic in (MESSAGES, JOBS, ENRICHMENTS)]
        give_up = time.monotonic() + DEADLINE
        while True:
            ends = {place: one.end for place, one in log.ranges(topics).items() if one.end}
            committed = log.committed(group, ends)
            if committed == ends and log.ends(ends) == ends:
                return
            assert time.monotonic() < give_up, f"read up to {committed} of {ends}"
            await asyncio.sleep(0.3)

    def step_runs(self) -> Counter[tuple[str, str]]:
        """(job id, step) → how often it began."""
        lines = self.journal.read_text().splitlines() if self.journal.exists() else []
        return Counter((job_id, step) for job_id, step, _ in (line.split() for line in lines if line.count(" ") == 2))


def _event(topic: Topic, record: Any) -> Any:
    if topic.name == "dead-letters":
        return {name: value.decode() for name, value in record.headers}
    return CODEC.decode(read_envelope(record.headers).type, record.value)


ENDS = (JobSucceeded, JobDied, JobCancelled)


def has_ended(events: list[JobEvent]) -> bool:
    """True when the newest generation of a job has ended."""
    newest = max(event.generation for event in events)
    return any(isinstance(event, ENDS) and event.generation == newest for event in events)


def _summary(events: dict[str, list[JobEvent]]) -> str:
    kinds = Counter(type(event).__name__ for job in events.values() for event in job)
    unfinished = [f"{id_}: {' '.join(names(job))}" for id_, job in events.items() if not has_ended(job)]
    ended = len(events) - len(unfinished)
    return "\n".join([f"{ended} of {len(events)} jobs have ended: {dict(kinds)}", *unfinished[:5]])


def names(events: list[JobEvent]) -> list[str]:
    """The names of a job's events, without the prefix."""
    return [type(event).__name__.removeprefix("Job") for event in events]


def requested(events: list[JobEvent]) -> JobRequested:
    """A job's first request."""
    first = events[0]
    assert isinstance(first, JobRequested)
    return first


@pytest.fixture
def jobs(topics_created: tuple[str, ...], kafka_settings: Settings, tmp_path: Path) -> Jobs:
    """A fresh installation."""
    return Jobs(kafka_settings, tmp_path)
