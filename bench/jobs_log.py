"""The log as the jobs benchmarks need it: workspaces and messages in, the times of jobs' events out."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import OFFSET_END, Consumer, Message, Producer, TopicPartition

from bench.topics import Filling, write
from headrace.events.codec import Codec
from headrace.events.envelope import Envelope, read_envelope
from headrace.events.ids import derived_id
from headrace.events.messages import MessageReceived
from headrace.events.topics import JOBS, MESSAGES, WORKSPACES
from headrace.events.workspaces import WorkspaceApplied
from headrace.kafka.clients import confluent_config, confluent_producer_config
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings

TEXT = "Sounds good, tell me more"
_CODEC = Codec()
_AT_ONCE = 10_000
_QUIET_SECONDS = 0.05
_FLUSH_SECONDS = 10.0


def workspace(number: int) -> str:
    """The id of one of the workspaces."""
    return f"w{number}"


def make_workspaces(settings: Settings, count: int) -> None:
    """Make so many workspaces known."""
    names = [workspace(number) for number in range(count)]
    events = (WorkspaceApplied(workspace=name, name=name, timezone="UTC") for name in names)
    write(settings, WORKSPACES, (filling(settings, event.workspace, event) for event in events))


def write_messages(settings: Settings, numbers: Iterable[int], workspaces: int) -> int:
    """Messages of leads of their own, in the workspaces by turns: each asks for a job at once. How many there were."""
    events = (message(number, workspace(number % workspaces)) for number in numbers)
    return write(settings, MESSAGES, (filling(settings, event.lead_id, event) for event in events))


class Trickle:
    """Writes single messages at once. Those that don't arrive are missed by whoever waits for their jobs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = settings.topic(MESSAGES)
        self._producer = Producer(confluent_producer_config(settings) | {"linger.ms": 0, "log_level": 0})

    def send(self, number: int, workspace_id: str) -> None:
        """One message, received now."""
        event = message(number, workspace_id)
        one = filling(self._settings, event.lead_id, event)
        self._producer.produce(self._topic, one.value, one.key, one.partition, headers=one.headers)
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until all are written."""
        self._producer.flush(_FLUSH_SECONDS)


class JobTimes:
    """Follows `jobs` from now on. Times are seconds since the epoch, by the events' own clock."""

    def __init__(self, settings: Settings) -> None:
        config = confluent_config(settings) | {"group.id": "bench-jobs", "log_level": 0, "fetch.wait.max.ms": 20}
        self._consumer = Consumer(config)
        topic = settings.topic(JOBS)
        self._consumer.assign([TopicPartition(topic, number, OFFSET_END) for number in range(settings.partitions)])
        # OFFSET_END is looked up with the first fetch: what is written before it would be missed.
        self._consumer.consume(1, timeout=1.0)
        #: Lead → when its first job was asked for and begun.
        self.requested: dict[str, float] = {}
        self.started: dict[str, float] = {}
        self.succeeded = 0
        self.last_success = 0.0

    def read(self) -> None:
        """Take in what was written since the last time."""
        while records := self._consumer.consume(_AT_ONCE, timeout=_QUIET_SECONDS):
            for record in records:
                self._note(record)

    def close(self) -> None:
        """Follow no more."""
        self._consumer.close()

    def delays(self, leads: Iterable[str]) -> list[float]:
        """Seconds from a lead's message to the start of its job, of those leads whose job has begun."""
        return [self.started[lead] - self.requested[lead] for lead in leads if lead in self.started]

    def _note(self, record: Message) -> None:
        headers: Any = record.headers() or []
        envelope = read_envelope(headers)
        at = envelope.time.timestamp()
        match envelope.type:
            case "job.requested.v1":
                self.requested.setdefault(envelope.subject, at)
            case "job.started.v1":
                self.started.setdefault(envelope.subject, at)
            case "job.succeeded.v1":
                self.succeeded += 1
                self.last_success = max(self.last_success, at)


def filling(settings: Settings, key: str, event: Any) -> Filling:
    """The event as a record."""
    type_ = _CODEC.type_of(event)
    envelope = Envelope(id=derived_id("bench", key), type=type_, source="/bench", time=datetime.now(UTC))
    partition = key_partition(key.encode(), settings.partitions)
    return Filling(key.encode(), _CODEC.encode(event), envelope.headers(), partition)


def message(number: int, workspace_id: str) -> MessageReceived:
    """An SMS that was received now; the number makes lead and message."""
    now = datetime.now(UTC)
    return MessageReceived(
        receipt_id=derived_id("receipt", str(number)),
        workspace=workspace_id,
        provider="ghl",
        lead_id=lead(number),
        message_id=derived_id("message", str(number)),
        conversation_id=derived_id("conversation", str(number)),
        channel="sms",
        direction="inbound",
        source="direct",
        provider_event="InboundMessage",
        provider_message_id=str(number),
        sent_at=now,
        received_at=now,
        text=TEXT,
        body=TEXT,
    )


def lead(number: int) -> str:
    """The lead of the message with this number."""
    return derived_id("lead", str(number))


def leads(numbers: Iterable[int]) -> Iterator[str]:
    """The same of several."""
    return (lead(number) for number in numbers)
