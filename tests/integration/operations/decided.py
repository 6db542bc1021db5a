"""An installation whose messages a real jobs worker has decided, to be decided again by the real command."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from headrace.events.codec import Codec
from headrace.events.envelope import Envelope, read_envelope
from headrace.events.ids import derived_id
from headrace.events.job_plan import SCORING, job_id
from headrace.events.jobs import JobSucceeded
from headrace.events.messages import LeadChanged, MessageReceived
from headrace.events.records import Record
from headrace.events.topics import ALL_TOPICS, JOBS, MESSAGES, WORKSPACES, Topic
from headrace.events.workspaces import JobSettings, WorkspaceApplied, WorkspaceFacts
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import read_ranges
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings
from operations.replay.decide.plan import DecidePlan, look
from operations.replay.decide.settings_of import SettingsOf
from operations.replay.webhooks.window import Window
from tests.headrace_command import Finished, headrace
from tests.integration.operations.installation import Installation
from tests.lifeline import kill_group, lifeline

ROOT = Path(__file__).parents[3]
KILLED = Path(__file__).with_name("killed_replay.py")
PROGRAM = Path(__file__).with_name("mistaken_jobs.py")
CODEC = Codec()
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
POST_PROCESS = "SMS_INBOUND_POST_PROCESS"
#: How long a worker may take for a test's jobs, seconds.
DEADLINE = 60.0
FACTS = WorkspaceFacts(sender_name="Dana", company="Acme North", service="recover unpaid claims")

INTERESTED = "Yes, I'm interested!"
#: What people write, and so most of what jobs can conclude.
TEXTS = (
    INTERESTED,
    "Please stop texting me and remove my number.",
    "No thanks, we are not interested.",
    "Can you call me at +1 312 555 0148 tomorrow?",
    "How much does it cost?",
    "Reach out again after March 15, please.",
    "I am out of office until Monday, with no access to my mail.",
    "Tuesday at 3pm works for a meeting.",
    "We already use another vendor for that.",
    "ok",
)


class Decided:
    """Writes what the jobs worker reads, runs it, and asks for replays of what it did."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.settings = settings
        self.installation = Installation(settings)
        self.directory = directory

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PYTHONPATH": str(ROOT),
            "KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
            "DATABASE_URL": self.settings.database_url,
            "HEADRACE_TOPIC_PREFIX": self.settings.topic_prefix,
            "HEADRACE_PARTITIONS": str(self.settings.partitions),
            "HEADRACE_DATA_DIR": str(self.settings.data_dir),
        }

    def apply(self, **fields: Any) -> None:
        """The workspace is made known."""
        shared: dict[str, Any] = {"facts": FACTS, "response_mode": "AI_AUTO_SEND"}
        given = JobSettings(**(shared | fields))
        self.write(WORKSPACES, WorkspaceApplied(workspace="acme", name="Acme", timezone="UTC", jobs=given), "acme")

    def receive(self, number: int, text: str, lead: str = "", **fields: Any) -> str:
        """An SMS came in; every message is of a lead of its own unless one is named. Its id."""
        lead_id, at = derived_id("lead", lead or str(number)), START + timedelta(seconds=number)
        shared: dict[str, Any] = {"receipt_id": derived_id("receipt", str(number)), "workspace": "acme"}
        changed = LeadChanged(**shared, lead_id=lead_id, created_at=at, changed_at=at, identities=())
        message = MessageReceived(
            **shared,
            provider="ghl",
            lead_id=lead_id,
            message_id=derived_id("message", str(number)),
            conversation_id=derived_id("conversation", lead or str(number)),
            channel="sms",
            direction="inbound",
            source="direct",
            provider_event="InboundMessage",
            provider_message_id=str(number),
            sent_at=at,
            received_at=at,
            **({"text": text, "body": text} | fields),
        )
        self.write(MESSAGES, changed, lead_id)
        self.write(MESSAGES, message, lead_id)
        return message.message_id

    def write(self, topic: Topic, event: Any, key: str, **envelope: Any) -> None:
        """An event as some process of ours writes it."""
        type_ = CODEC.type_of(event)
        shared: dict[str, Any] = {
            "id": derived_id("test", type_, key, str(id(event))),
            "source": "/pipeline/resolve",
            "time": START,
        }
        headers = Envelope(type=type_, **(shared | envelope)).headers()
        partition = key_partition(key.encode(), self.settings.partitions)
        record = OutRecord(self.settings.topic(topic), partition, key.encode(), CODEC.encode(event), headers)
        asyncio.run(self._send(record))

    async def _send(self, record: OutRecord) -> None:
        outbox = Outbox(self.settings)
        await outbox.start()
        await outbox.send([record])
        await outbox.stop()

    @contextmanager
    def worker(self, *arguments: str, **environment: str) -> Iterator[None]:
        """The jobs worker, while the block runs."""
        with (self.directory / "worker.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, str(PROGRAM), *arguments],
                env={**os.environ, **self.environment, **environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            with lifeline(kill_group(process.pid)):
                try:
                    yield
                finally:
                    process.terminate()
                    process.wait(timeout=30)

    def work(self, message_ids: Iterable[str], *arguments: str, **environment: str) -> None:
        """A worker does all jobs of these messages, and is gone."""
        jobs = {job_id(id_, type_) for id_ in message_ids for type_ in (POST_PROCESS, SCORING)}
        give_up = time.monotonic() + DEADLINE
        with self.worker(*arguments, **environment):
            while not jobs <= {event.job_id for event in self.events(JOBS) if isinstance(event, JobSucceeded)}:
                assert time.monotonic() < give_up, (self.directory / "worker.log").read_text()[-3000:]
                time.sleep(0.2)

    def records(self, topic: Topic) -> list[Record]:
        """All that the topic holds."""
        return list(read_ranges(self.settings, LogOffsets(self.settings).ranges([self.settings.topic(topic)])))

    def events(self, topic: Topic) -> list[Any]:
        """All events of the topic, those of a key in their order."""
        return [CODEC.decode(read_envelope(one.headers).type, one.value or b"") for one in self.records(topic)]

    def written_by_replays(self) -> Counter[str]:
        """Event type → how many records a replay wrote."""
        envelopes = [read_envelope(one.headers) for topic in (MESSAGES, JOBS) for one in self.records(topic)]
        return Counter(one.type for one in envelopes if one.correction)

    def ends(self) -> Mapping[tuple[str, int], int]:
        """Where every topic ends."""
        log = LogOffsets(self.settings)
        ranges = log.ranges([self.settings.topic(topic) for topic in ALL_TOPICS])
        return {place: one.end for place, one in ranges.items()}

    def replay(self, *options: str, **environment: str) -> Finished:
        """What the command does."""
        return headrace({**self.environment, **environment}, *self.command(*options))

    def killed_after(self, sends: int, *arguments: str) -> int:
        """How a command ends that kills itself after so many acknowledged sends."""
        done = subprocess.run(
            [sys.executable, str(KILLED), str(sends), *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            timeout=120,
            check=False,
        )
        return done.returncode

    def forget_settings(self) -> None:
        """Compaction: of the workspace, only a newer state is left."""
        self.apply()
        topic = self.settings.topic(WORKSPACES)
        ranges = LogOffsets(self.settings).ranges([topic])
        before = {TopicPartition(*place, one.end - 1): None for place, one in ranges.items() if one.end}
        admin = AdminClient({"bootstrap.servers": self.settings.kafka_bootstrap, "log_level": 0})
        # Deleting is what a test can order of a broker; compaction comes when it likes.
        admin.incremental_alter_configs([_cleanup(topic, "delete")])[_cleanup(topic, "delete")].result()
        for future in admin.delete_records(list(before)).values():
            future.result()

    def command(self, *options: str) -> tuple[str, ...]:
        """`headrace replay webhooks --depth decide` of everything."""
        until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        window = ("--provider", "ghl", "--from", "1d", "--to", until)
        return ("replay", "webhooks", *window, "--depth", "decide", *options)

    def outcome(self, *options: str, **environment: str) -> dict[str, Any]:
        """What it says, as JSON."""
        done = self.replay("--json", *options, **environment)
        assert done.exit_code == 0, done.output
        return json_in(done)

    def look(self, settings_of: SettingsOf = "then") -> DecidePlan:
        """The plan for everything."""
        now = datetime.now(UTC)
        window = Window(provider="ghl", start=now - timedelta(days=1), end=now + timedelta(days=1))
        return look(self.settings, window, settings_of, 10, lambda _phase, _count: None).plan

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What analysts see, once the projections are through."""
        self.installation.project()
        with psycopg.connect(self.settings.database_url) as connection:
            return connection.execute(statement.encode()).fetchall()


def json_in(done: Finished) -> dict[str, Any]:
    """The JSON object that a command printed."""
    found: dict[str, Any] = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    return found


def _cleanup(topic: str, policy: str) -> ConfigResource:
    entry = ConfigEntry("cleanup.policy", policy, incremental_operation=AlterConfigOpType.SET)
    return ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
