"""A webhook of the toy provider from its address to the fact of its message, as the pipeline reads it."""

import json
from datetime import UTC, datetime, timedelta

from headrace.events.codec import Codec
from headrace.events.inbox import InboxMessage
from headrace.events.records import Record
from headrace.events.topics import ALL_TOPICS, reply_topic
from headrace.events.webhooks import WebhookMeta, webhook_headers
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from ingest.app import create_app
from streams.jobs.requests import job_ids
from streams.pipeline.dedupe import judge_record

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BODY = b'{"id": "m1", "who": "mara", "words": "Tell me more"}'


def main() -> None:
    topic = reply_topic("toy")
    meta = WebhookMeta(receipt_id="r1", provider="toy", workspace="acme", received_at=NOW)
    key = ADAPTERS["toy"].deliver("acme", json.loads(BODY)).dedupe_key
    record = Record(topic.name, 0, 0, key.encode(), BODY, webhook_headers(meta), 0)
    judged = judge_record(record, None, ADAPTERS, timedelta(days=30))
    (message,) = judged.facts
    assert isinstance(message, InboxMessage)
    assert judged.receipt is not None
    told = {
        "paths": sorted(path for path in create_app(Settings()).openapi()["paths"] if "toy" in path),
        "topic": topic.name if topic in ALL_TOPICS else None,
        "key": judged.receipt.dedupe_key,
        "verdict": judged.receipt.verdict,
        "text": message.text,
        "identities": [identity.kind for identity in message.identities],
        "is readable": Codec().decode("inbox.message.v1", Codec().encode(message)) == message,
        "jobs": len(job_ids(message)),  # type: ignore[arg-type]
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
