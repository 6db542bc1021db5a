"""A Faust transport that hands agents whole record batches, because Faust's cost is per message, not per byte.

Stock Faust wraps every record in two tasks, a queue item and an acknowledgement (about 100 µs). Here one
fetch of one partition is one Faust message whose value is the list of its records: the same agents, tables, recovery,
rebalancing and commits, at a cost per batch. `PartitionStore` takes the batches of changelogs apart.
"""

import logging
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import aiokafka
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from events.records import Record

#: How long the broker holds a fetch that has less than FETCH_MIN_BYTES. Faust's 1.5 s would hold back every
#: partition behind the leader topic's always empty one, because aiokafka keeps one fetch in flight per broker.
FETCH_MAX_WAIT_MS = 100
#: Answering at once for every record would make the broker busier than the workers.
FETCH_MIN_BYTES = 100_000
#: Records a fetch may return: bounds a batch, and so the work between two commits.
MAX_POLL_RECORDS = 1000

#: Faust's services log every start and stop under the module of their class; ours would look like our own lines.
FAUST_LOGGER = logging.getLogger("faust")


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with fetches of a bounded wait and a useful size."""

    logger = FAUST_LOGGER

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # aiokafka reads these when it builds its fetcher at start, and offers no other way in past Faust.
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        consumer._fetch_min_bytes = FETCH_MIN_BYTES
        return consumer


class BatchConsumer(driver.Consumer):
    """Yields one message per fetched batch; its offset is that of the last record."""

    logger = FAUST_LOGGER

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """As Faust's, batch by batch. What a rebalance cuts off here is fetched again or found by the hole check."""
        fetched, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if fetched is None or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        for tp, records in fetched.items():
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if active is not None and tp not in active and tp not in self._buffered_partitions:
                continue
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            yield tp, self._batch_message(tp, records)

    def _batch_message(self, tp: TP, records: list[Any]) -> ConsumerMessage:
        last = records[-1]
        return ConsumerMessage(
            last.topic,
            last.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            [],
            None,
            [to_record(record) for record in records],
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: the offsets between two batch messages are the records inside, not holes."""

    def ack_through(self, tp: TP, offset: int) -> None:
        """Acknowledge a record, and all before it, that was read without Faust."""
        self._acked[tp].append(offset)
        self._acked_index[tp].add(offset)

    def _new_offset(self, tp: TP) -> int | None:
        """The offset to commit: agents acknowledge batches in order, so the newest one covers all before it."""
        acked = self._acked[tp]
        if not acked:
            return None
        newest = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return int(newest) + 1


class BatchTransport(driver.Transport):
    """The transport of every Headrace worker."""

    Consumer: ClassVar[type] = BatchConsumer


def to_record(record: Any) -> Record:
    """An aiokafka record as ours."""
    return Record(
        record.topic,
        record.partition,
        record.offset,
        record.key or b"",
        record.value,
        list(record.headers),
        record.timestamp,
    )
