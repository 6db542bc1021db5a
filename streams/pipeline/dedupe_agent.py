"""The dedupe agent: each webhook's verdict, and the facts of those that are new."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from headrace.events.records import Record
from headrace.events.topics import RECEIPTS, Topic
from headrace.kafka.faust.following import Batch
from headrace.kafka.faust.keyed_agent import Derive, KeyedAgent, Turn
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.kafka.faust.partition_table import PartitionTable, Writes
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from streams.pipeline.dedupe import Judged, judge_record
from streams.pipeline.derived_records import fact_record, receipt_record
from streams.pipeline.seen import decode_seen, encode_seen


class DedupeAgent(KeyedAgent):
    """Judges batches of `webhooks.*` records and writes `inbox` (or its bulk twin) and `receipts`."""

    stage = "dedupe"
    #: Whatever is wrong with one webhook must not stop the ones behind it.
    faults = (Exception,)
    tells_fixed = True

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        seen: PartitionTable,
        facts_to: Topic,
        records_per_second: int | None = None,
    ) -> None:
        super().__init__(settings, outbox)
        self._seen = seen
        self._facts_topic = settings.topic(facts_to)
        self._receipts_topic = settings.topic(RECEIPTS)
        self._memory = timedelta(days=settings.dedupe_window_days)
        self._records_per_second = records_per_second

    async def process(self, batch: Batch) -> None:
        """As every agent's, at the pace that was asked for."""
        started = time.monotonic()
        await super().process(batch)
        await self._keep_pace(sum(map(len, batch.values())), time.monotonic() - started)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """See `KeyedAgent`."""
        writes: Writes = {}
        yield Turn(partial(self._open, writes), partial(self._seen.write, writes))

    def _open(self, writes: Writes, partition: int, records: list[Record]) -> Derive:
        keys = [record.key for record in records]
        stored = dict(zip(keys, self._seen.get_many(partition, keys), strict=True))
        return partial(self._judge, stored, writes.setdefault(partition, {}))

    def _judge(
        self, stored: Mapping[bytes, bytes | None], remembered: dict[bytes, bytes | None], record: Record
    ) -> list[OutRecord]:
        seen = decode_seen(remembered.get(record.key, stored[record.key]))
        judged = judge_record(record, seen, ADAPTERS, self._memory)
        derived = self._derived(record, judged)
        if judged.remember is not None:
            remembered[record.key] = encode_seen(judged.remember)
        return derived

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
