"""The dedupe agent: forwards facts and verdicts, waits for the acks, then remembers. In this order nothing is lost."""

import asyncio
import time
from datetime import timedelta

import structlog

from headrace.events.codec import Codec
from headrace.events.records import Record
from headrace.events.topics import RECEIPTS, Topic
from headrace.kafka.faust.dead_letters import dead_letter, fixed_letter
from headrace.kafka.faust.following import Batch
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.kafka.faust.partition_table import PartitionTable, Writes
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from streams.pipeline.dedupe import Judged, judge_record
from streams.pipeline.derived_records import fact_record, receipt_record
from streams.pipeline.seen import Seen, decode_seen, encode_seen

log = structlog.get_logger()

SOURCE = "/pipeline/dedupe"
STAGE = "dedupe"


class DedupeAgent:
    """Judges batches of `webhooks.*` records and writes `inbox` (or its bulk twin) and `receipts`."""

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        seen: PartitionTable,
        facts_to: Topic,
        records_per_second: int | None = None,
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._seen = seen
        self._codec = Codec()
        self._facts_topic = settings.topic(facts_to)
        self._receipts_topic = settings.topic(RECEIPTS)
        self._memory = timedelta(days=settings.dedupe_window_days)
        self._records_per_second = records_per_second

    async def process(self, batch: Batch) -> None:
        """Judge, forward, wait for the acks, remember."""
        started = time.monotonic()
        out: list[OutRecord] = []
        writes: Writes = {}
        for (_topic, partition), records in batch.items():
            remembered = writes.setdefault(partition, {})
            stored = self._seen.get_many(partition, [record.key for record in records])
            for record, value in zip(records, stored, strict=True):
                self._judge(record, decode_seen(remembered.get(record.key, value)), remembered, out)
        await self._outbox.send(out)
        await self._seen.write(writes)
        await self._keep_pace(sum(map(len, batch.values())), time.monotonic() - started)

    def _judge(
        self, record: Record, seen: Seen | None, remembered: dict[bytes, bytes | None], out: list[OutRecord]
    ) -> None:
        try:
            judged = judge_record(record, seen, ADAPTERS, self._memory)
            derived = [*self._derived(record, judged), *fixed_letter(self._settings, record, STAGE)]
        except Exception as error:  # whatever is wrong with one record must not stop the ones behind it
            log.error("dedupe.dead_letter", offset=record.offset, error_class=type(error).__name__)
            out.append(dead_letter(self._settings, record, STAGE, error))
            return
        out.extend(derived)
        if judged.remember is not None:
            remembered[record.key] = encode_seen(judged.remember)

    def _derived(self, record: Record, judged: Judged) -> list[OutRecord]:
        trace = judged.meta.traceparent
        facts = [
            fact_record(self._codec, self._settings, self._facts_topic, fact, index, trace)
            for index, fact in enumerate(judged.facts)
        ]
        if judged.receipt is None:
            return facts
        return [*facts, receipt_record(self._codec, self._receipts_topic, judged.receipt, record, trace)]

    async def _keep_pace(self, count: int, took: float) -> None:
        if self._records_per_second is not None:
            await asyncio.sleep(max(0.0, count / self._records_per_second - took))
