"""A Faust transport that hands agents whole record batches, because Faust's cost is per message, not per byte.

Stock Faust wraps every record in two tasks, a queue item and an acknowledgement (about 100 µs). Here one
fetch of one partition is one Faust message whose value is the list of its records: the same agents, tables, recovery,
rebalancing and commits, at a cost per batch. `PartitionStore` takes the batches of changelogs apart.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

import aiokafka
from aiokafka.errors import IllegalStateError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from headrace.kafka.faust.lease import follow_heartbeats
from headrace.kafka.faust.service import FAUST_LOGGER
from headrace.kafka.groupless_consumer import to_record
from headrace.kafka.truncation import commit_metadata

_T = TypeVar("_T")
#: Faust's, for whoever talks to its consumer: topic and partition.
TopicPartition = TP

#: How long the broker holds a fetch that has less than FETCH_MIN_BYTES. Faust's 1.5 s would hold back every
#: partition behind the leader topic's always empty one, because aiokafka keeps one fetch in flight per broker.
FETCH_MAX_WAIT_MS = 100
#: Answering at once for every record would make the broker busier than the workers.
FETCH_MIN_BYTES = 100_000
#: Records a fetch may return: bounds a batch, and so the work between two commits.
MAX_POLL_RECORDS = 1000

#: Seconds the brokers have for an answer. Some of aiokafka's questions have no limit of their own, and each that stands
#: open keeps one of the consumer thread's two hands.
ANSWER_SECONDS = 30.0


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with fetches of a bounded wait and a useful size."""

    logger = FAUST_LOGGER

    async def on_start(self) -> None:
        """As Faust's; from then on every heartbeat renews the worker's lease."""
        await super().on_start()
        app: Any = self.app
        follow_heartbeats(self._consumer._coordinator, app.lease, app.joined, app.put_out)
        commit = self._consumer.commit

        async def commit_with_times(offsets: dict[aiokafka.TopicPartition, OffsetAndMetadata]) -> None:
            """Faust commits offsets alone; with them goes until when what is done was appended."""
            times = {place: app.appended_ms((place.topic, place.partition)) for place in offsets}
            await commit(
                {
                    place: OffsetAndMetadata(offset.offset, commit_metadata(times[place]))
                    for place, offset in offsets.items()
                }
            )

        self._consumer.commit = commit_with_times

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # aiokafka reads these when it builds its fetcher at start, and offers no other way in past Faust.
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        consumer._fetch_min_bytes = FETCH_MIN_BYTES
        return consumer

    async def ask(self, question: Callable[[], Awaitable[_T]]) -> _T:
        """Ask the brokers something in the consumer's thread. Raises TimeoutError, and KafkaError as the question."""

        async def limited() -> _T:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await question()

        # The thread may be busy with questions of Faust's own, which have no limit.
        async with asyncio.timeout(2 * ANSWER_SECONDS):
            answer: _T = await self.call_thread(limited)
        return answer

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """As Faust's, with a time limit."""
        offsets: Mapping[TP, int] = await self.ask(lambda: self._ensure_consumer().beginning_offsets(partitions))
        return offsets

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """As Faust's, with a time limit."""
        offsets: Mapping[TP, int] = await self.ask(lambda: self._ensure_consumer().end_offsets(partitions))
        return offsets

    async def offsets_at(self, moments_ms: Mapping[TP, int]) -> Mapping[TP, int | None]:
        """The first offset of each partition appended at the moment or later; None where nothing was."""
        answers = await self.ask(lambda: self._ensure_consumer().offsets_for_times(dict(moments_ms)))
        return {tp: None if answer is None else answer.offset for tp, answer in answers.items()}


class BatchConsumer(driver.Consumer):
    """Yields one message per fetched batch; its offset is that of the last record."""

    logger = FAUST_LOGGER

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        #: Topics that are read from where somebody else says (see `begin_at`), and not from the committed offset.
        self.placed_topics: frozenset[str] = self.app.placed_topics
        #: Their partitions from which nothing is fetched before `begin_at`.
        self.unplaced: set[TP] = set()
        self._seeking = asyncio.Lock()

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """As Faust's: to the committed offsets. Called whenever fetching begins anew."""
        async with self._seeking:
            while not await self._seek_what_is_ours():
                pass

    async def _seek_what_is_ours(self) -> bool:
        """False when partitions moved while the brokers were asked, on which Faust would end the worker."""
        held = {tp for tp in self.assignment() if tp.topic in self.placed_topics}
        self.pause_partitions(held)
        self.unplaced = held
        try:
            await super().perform_seek()
        except IllegalStateError:
            return False
        return True

    async def begin_at(self, offsets: Mapping[TP, int], generation: int) -> None:
        """Fetch from here on. Does nothing when the group has rebalanced since: Faust asks again then."""
        async with self._seeking:
            ours = {tp: offset for tp, offset in offsets.items() if tp in self.unplaced}
            if self.app.rebalancing or self.app.consumer_generation_id != generation or not ours:
                return
            await self.seek_wait(ours)
            for tp in ours:
                # Commits only move forward from what this says, and the group may have been further.
                self._committed_offset[tp] = None
            self.unplaced -= ours.keys()
            self.resume_partitions(ours.keys())

    def committed_offsets(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """What the group had committed when fetching began."""
        known = {tp: self._committed_offset[tp] for tp in partitions}
        return {tp: offset for tp, offset in known.items() if offset is not None}

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
