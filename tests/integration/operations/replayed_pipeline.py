"""A pipeline whose webhooks are replayed: what it stored, judged and told."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from headrace.events.codec import Codec
from headrace.events.envelope import read_envelope
from headrace.events.ids import derived_id
from headrace.events.inbox import InboxMessage
from headrace.events.records import Record
from headrace.events.topics import INBOX, MESSAGES, RECEIPTS, Topic
from headrace.events.webhooks import WebhookMeta, webhook_headers
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import read_ranges
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from streams.pipeline.dedupe import judge_record
from streams.pipeline.derived_records import fact_record, lead_record, receipt_record
from streams.pipeline.resolve import resolved
from tests.headrace_command import Finished, headrace
from tests.integration.operations.installation import Installation
from tests.reply_topics import WEBHOOKS_GHL

CODEC = Codec()
MISREAD = "what the old adapter made of it"
LEAD = derived_id("lead", "a")


class Pipeline:
    """Plays ingest and the pipeline with an adapter that reads what the test says."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.settings: Settings = installation.settings

    def receive(self, number: int, *, ignored: bool = False, renamed: bool = False, right: bool = False) -> None:
        body = {"contact_id": "c1", "location": {"id": "l"}, "message": {"body": f"the true words {number}"}}
        meta = WebhookMeta(
            receipt_id=derived_id("receipt", str(number)), provider="ghl", workspace="acme", received_at=now()
        )
        value, headers = json.dumps(body).encode(), webhook_headers(meta)
        offset = len(self.records(WEBHOOKS_GHL))
        key = b"key"
        record = Record(self.settings.topic(WEBHOOKS_GHL), 0, offset, key, value, headers, 0)
        self.installation.send(WEBHOOKS_GHL, 0, value, headers)
        judged = judge_record(record, None, ADAPTERS, timedelta(days=30))
        assert judged.receipt is not None
        verdict = judged.receipt
        if ignored:
            verdict = msgspec.structs.replace(
                verdict, verdict="ignored", reason="unhandled", message_ids=(), fact_count=0
            )
            self._write(receipt_record(CODEC, self.settings.topic(RECEIPTS), verdict, record, ""), RECEIPTS)
            return
        (fact,) = judged.facts
        assert isinstance(fact, InboxMessage)
        id_ = derived_id("message", "old", str(number)) if renamed else fact.message_id
        text = fact.text if right else MISREAD
        fact = msgspec.structs.replace(fact, message_id=id_, text=text)
        inbox = fact_record(CODEC, self.settings, self.settings.topic(INBOX), fact, 0, "")
        self._write(inbox, INBOX)
        self._write(lead_record(CODEC, self.settings, resolved(fact, LEAD), read_envelope(inbox.headers), 0), MESSAGES)
        verdict = msgspec.structs.replace(verdict, message_ids=(id_,))
        self._write(receipt_record(CODEC, self.settings.topic(RECEIPTS), verdict, record, ""), RECEIPTS)

    def _write(self, record: Any, topic: Topic) -> None:
        self.installation.send(topic, record.partition, record.value, record.headers)

    def records(self, topic: Topic) -> list[Record]:
        ranges = LogOffsets(self.settings).ranges([self.settings.topic(topic)])
        return list(read_ranges(self.settings, ranges))

    def events(self, topic: Topic) -> list[Any]:
        return [CODEC.decode(read_envelope(r.headers).type, r.value or b"") for r in self.records(topic)]

    def replay(self, *options: str) -> Finished:
        until = (now() + timedelta(hours=1)).isoformat()
        environment = {
            "KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
            "DATABASE_URL": self.settings.database_url,
            "HEADRACE_TOPIC_PREFIX": self.settings.topic_prefix,
            "HEADRACE_PARTITIONS": str(self.settings.partitions),
        }
        return headrace(environment, "replay", "webhooks", "--provider", "ghl", "--from", "1h", "--to", until, *options)

    def outcome(self, *options: str) -> dict[str, Any]:
        done = self.replay("--json", *options)
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(next(line for line in done.output.splitlines() if line.startswith("{")))
        return found


def now() -> datetime:
    return datetime.now(UTC)
