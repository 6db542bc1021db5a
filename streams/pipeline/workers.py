"""The pipeline's two workers: replies, and the flood of sent and opened notices that must not delay them."""

from datetime import timedelta

from headrace.events.topics import INBOX, INBOX_BULK, REPLY_TOPICS, WEBHOOKS_BULK, WEBHOOKS_QUARANTINE
from headrace.kafka.faust.worker import Worker
from headrace.settings import Settings
from streams.pipeline.dedupe_agent import DedupeAgent
from streams.pipeline.resolve_agent import ResolveAgent

#: How long it is remembered which lead a message came in for: EmailBison marks a reply as interesting weeks later.
#: An entry takes 84 bytes on disk and about as much in the changelog: 10 million messages 1.7 GB in all.
MESSAGE_MEMORY = timedelta(days=400)


def pipeline_worker(settings: Settings) -> Worker:
    """Dedupes replies and resolves all facts. One process or several: partitions are shared out."""
    worker = Worker(settings, "pipeline")
    seen = worker.table("seen", ttl_seconds=_memory_seconds(settings))
    identities = worker.table("identities")
    message_homes = worker.table("message_homes", ttl_seconds=MESSAGE_MEMORY // timedelta(seconds=1))
    dedupe = DedupeAgent(settings, worker.outbox, seen, facts_to=INBOX)
    resolve = ResolveAgent(settings, worker.outbox, identities, message_homes)
    worker.follow("dedupe", (*REPLY_TOPICS, WEBHOOKS_QUARANTINE), dedupe.process)
    worker.follow("resolve", (INBOX, INBOX_BULK), resolve.process)
    return worker


def bulk_worker(settings: Settings) -> Worker:
    """Dedupes sent and opened notices, at a pace that leaves room for replies."""
    worker = Worker(settings, "bulk")
    seen = worker.table("seen_bulk", ttl_seconds=_memory_seconds(settings))
    dedupe = DedupeAgent(settings, worker.outbox, seen, facts_to=INBOX_BULK, records_per_second=settings.bulk_rate)
    worker.follow("dedupe_bulk", (WEBHOOKS_BULK,), dedupe.process, stage=DedupeAgent.stage)
    return worker


def _memory_seconds(settings: Settings) -> int:
    return timedelta(days=settings.dedupe_window_days) // timedelta(seconds=1)
