"""An installation without processes: a test plays them, and what it leaves out is what went wrong."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import psycopg
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from headrace.events.codec import Codec
from headrace.events.envelope import Envelope
from headrace.events.ids import derived_id
from headrace.events.job_plan import SCORING, STEPS, job_id
from headrace.events.jobs import AnyJobEvent, JobRequested, JobStepFinished, JobSucceeded, JobType
from headrace.events.messages import LeadSuppressed, MessageReceived
from headrace.events.receipts import ReceiptJudged
from headrace.events.records import Record
from headrace.events.topics import DEAD_LETTERS, INBOX, INBOX_BULK, JOBS, MESSAGES, RECEIPTS, WEBHOOKS_BULK, Topic
from headrace.events.webhooks import WebhookMeta, webhook_headers
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import read_ranges
from headrace.settings import Settings
from operations.audit.audit import audit
from operations.audit.findings import AuditReport
from projections.connection import connector
from projections.writing.writer import ProjectionWriter
from tests.reply_topics import WEBHOOKS_GHL

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CODEC = Codec()
POST_PROCESS: JobType = "SMS_INBOUND_POST_PROCESS"


class Installation:
    """Plays every process: what the test leaves out is what went wrong."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})
        self._log = LogOffsets(settings)

    def send(self, topic: Topic, partition: int, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        name = self.settings.topic(topic)
        self._producer.produce(name, value, b"key", partition, headers=list(headers))
        assert self._producer.flush(15) == 0

    def event(self, topic: Topic, event: object, receipt: int) -> None:
        type_ = CODEC.type_of(event)
        envelope = Envelope(
            id=derived_id("event", type_, str(receipt)),
            type=type_,
            source="/test",
            time=NOW,
            receipt_id=receipt_id(receipt),
        )
        self.send(topic, 0, CODEC.encode(event), envelope.headers())

    def webhook(self, number: int, topic: Topic = WEBHOOKS_GHL) -> None:
        """Ingest: receipt `number` becomes the next record of partition 0."""
        meta = WebhookMeta(receipt_id=receipt_id(number), provider="ghl", workspace="acme", received_at=NOW)
        self.send(topic, 0, b"{}", webhook_headers(meta))

    def verdict(self, number: int, offset: int, topic: Topic = WEBHOOKS_GHL, **fields: Any) -> None:
        """Dedupe: the verdict on the record at that offset."""
        shared: dict[str, Any] = {
            "receipt_id": receipt_id(number),
            "workspace": "acme",
            "provider": "ghl",
            "verdict": "fresh",
            "dedupe_key": f"acme:{number}",
            "received_at": NOW,
            "source_topic": self.settings.topic(topic),
            "source_partition": 0,
            "source_offset": offset,
            "body_bytes": 2,
            "message_ids": (message_id(number),),
            "fact_count": 1,
        }
        self.event(RECEIPTS, ReceiptJudged(**(shared | fields)), number)

    def message(self, number: int, *, with_jobs: bool = True, **fields: Any) -> None:
        """Resolve: the message of receipt `number`. With jobs: the jobs app has done all its work."""
        shared: dict[str, Any] = {
            "receipt_id": receipt_id(number),
            "workspace": "acme",
            "provider": "ghl",
            "lead_id": derived_id("lead", "a"),
            "message_id": message_id(number),
            "conversation_id": derived_id("conversation", "a"),
            "channel": "sms",
            "direction": "inbound",
            "source": "direct",
            "provider_event": "InboundMessage",
            "provider_message_id": str(number),
            "sent_at": NOW,
            "received_at": NOW,
            "text": "yes",
            "body": "yes",
        }
        self.event(MESSAGES, MessageReceived(**(shared | fields)), number)
        if with_jobs:
            self.request(number)
            self.succeed(number)
            self.succeed(number, SCORING)

    def request(self, number: int, type_: JobType = POST_PROCESS, **fields: Any) -> None:
        """The jobs app: a job of the message is asked for."""
        self.job(JobRequested(**about_job(number, type_), **({"due_at": NOW} | fields)), number)

    def succeed(self, number: int, type_: JobType = POST_PROCESS, *, without: str = "", **fields: Any) -> None:
        """The jobs app: all steps of the job but one, what follows, and its end."""
        about = about_job(number, type_) | fields
        for step in STEPS[type_]:
            if step != without:
                self.job(JobStepFinished(**about, step=step, attempt=1), number)
        if SCORING not in (type_, without):
            self.request(number, SCORING)
        self.job(JobSucceeded(**about, attempt=1, started_at=NOW, worker="w"), number)

    def job(self, event: AnyJobEvent, number: int) -> None:
        """Any event of a job of the message."""
        self.event(JOBS, event, number)

    def suppression(self, number: int) -> None:
        """Resolve: the suppression of receipt `number`."""
        self.event(
            MESSAGES,
            LeadSuppressed(
                receipt_id=receipt_id(number),
                workspace="acme",
                lead_id=derived_id("lead", "a"),
                provider="ghl",
                reason="unsubscribed",
                occurred_at=NOW,
                received_at=NOW,
                provider_event="OPT_OUT",
            ),
            number,
        )

    def dead_letter(self, origin: Topic, offset: int, receipt: int, stage: str) -> None:
        """A stage gives up on a record."""
        headers = {
            "ce_receiptid": receipt_id(receipt),
            "dlq_stage": stage,
            "dlq_topic": self.settings.topic(origin),
            "dlq_partition": "0",
            "dlq_offset": str(offset),
            "dlq_error_class": "KeyError",
            "dlq_reason": "broken",
            "dlq_attempts": "1",
            "dlq_first_at": NOW.isoformat(),
            "dlq_last_at": NOW.isoformat(),
        }
        self.send(DEAD_LETTERS, 0, b"{}", [(name, value.encode()) for name, value in headers.items()])

    def commit(self, group: str, *topics: Topic) -> None:
        """The group has processed all of the topics."""
        names = [self.settings.topic(topic) for topic in topics]
        consumer = Consumer(
            {
                "bootstrap.servers": self.settings.kafka_bootstrap,
                "group.id": f"{self.settings.topic_prefix}{group}",
                "log_level": 0,
            }
        )
        ends = [TopicPartition(*place, found.end) for place, found in self._log.ranges(names).items()]
        _commit(consumer, ends)
        consumer.close()

    def judge_and_resolve(self) -> None:
        """All stages of the pipeline are through, and the jobs app has asked for its jobs."""
        self.commit("pipeline", WEBHOOKS_GHL, INBOX, INBOX_BULK)
        self.commit("bulk", WEBHOOKS_BULK)
        self.commit("jobs", MESSAGES)

    def project(self) -> None:
        """The projections are through."""
        asyncio.run(self._project())

    async def _project(self) -> None:
        writer = ProjectionWriter(connector(self.settings.database_url), topic_prefix=self.settings.topic_prefix)
        batch: dict[tuple[str, int], list[Record]] = defaultdict(list)
        ranges = self._log.ranges(writer.topics)
        for record in read_ranges(self.settings, ranges):
            batch[record.topic, record.partition].append(record)
        for place, kept in ranges.items():
            writer.begin_at(*place, kept.start)
        await writer.write(batch)
        await writer.beat({place: (found.start, found.end) for place, found in ranges.items()})
        await writer.close()

    def audit(self, **options: Any) -> AuditReport:
        return audit(self.settings, **({"wait_seconds": 0.0} | options))

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.settings.database_url) as connection:
            connection.execute(statement.encode())


# A broker that is busy may still be reading what the group committed before.
@retry(retry=retry_if_exception_type(KafkaException), wait=wait_fixed(0.2), stop=stop_after_delay(20), reraise=True)
def _commit(consumer: Consumer, offsets: list[TopicPartition]) -> None:
    consumer.commit(offsets=offsets, asynchronous=False)


def receipt_id(number: int) -> str:
    return derived_id("receipt", str(number))


def message_id(number: int) -> str:
    return derived_id("message", str(number))


def about_job(number: int, type_: JobType = POST_PROCESS) -> dict[str, Any]:
    """What every event of the job says."""
    return {
        "job_id": job_id(message_id(number), type_),
        "workspace": "acme",
        "lead_id": derived_id("lead", "a"),
        "type": type_,
        "message_id": message_id(number),
        "receipt_id": receipt_id(number),
        "at": NOW,
    }
