"""The loop under every agent: collect batches, check offsets, fill holes, process, acknowledge; or stop the process.

Nothing is acknowledged that was not processed. An exception ends the process at once: its supervisor restarts
it, and the group's committed offset is where it goes on. Bad records never raise here; they are dead letters.
An event that only a newer program can read is neither: its partition is held, untouched, for that program.
"""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import faust
import msgspec
import structlog
from aiokafka import TopicPartition
from faust.types import TP, EventT, StreamT

from events.codec import NewerEvent, is_newer
from events.envelope import header_map
from events.records import Record
from runtime.exit_status import START_AGAIN
from runtime.settings import Settings
from workers import metrics
from workers.log_reader import read_range
from workers.offset_guard import Hole, OffsetGuard, Partition, TailWatch
from workers.vital import vital

log = structlog.get_logger()

#: Records of each partition, in offset order without holes.
Batch = dict[Partition, list[Record]]
Process = Callable[[Batch], Awaitable[None]]
#: Where an agent begins in a partition: (topic, partition, oldest offset Kafka has, the group's committed
#: offset or None) → the first offset to process.
StartOffset = Callable[[str, int, int, int | None], Awaitable[int]]

#: Records processed in one go. More only adds delay and memory.
BATCH_RECORDS = 2000
#: Between two looks at where the partitions end, seconds: what was lost there is found at the second look.
TAIL_SECONDS = 2.0


async def after_committed(_topic: str, _partition: int, oldest: int, committed: int | None) -> int:
    """Begin where the consumer group stopped, or at the oldest record."""
    return oldest if committed is None else committed


class Follower:
    """Follows the topics of one agent. Give `run` to the agent as its body."""

    def __init__(
        self,
        app: faust.App,
        settings: Settings,
        name: str,
        topics: frozenset[str],
        process: Process,
        start_offset: StartOffset = after_committed,
    ) -> None:
        self.name = name
        #: Names on the broker.
        self.topics = topics
        self.guard = OffsetGuard()
        self._app = app
        self._settings = settings
        self._process = process
        self._start_offset = start_offset
        #: Partitions that stand before an event of a newer program, until they go to another worker.
        self.held: set[Partition] = set()
        self._queue: asyncio.Queue[EventT[Any]] = asyncio.Queue(maxsize=64)
        self._generation: int | None = None
        self._tails = TailWatch()
        self._next_look = 0.0

    async def run(self, stream: StreamT[Any]) -> None:
        """The agent's body: reads events into a queue, so that one step can take all that waits."""
        manual = stream.noack()
        stepping = vital(self._step_for_ever(manual), f"agent {self.name}")
        try:
            async for event in manual.events():
                await self._queue.put(event)
        finally:
            stepping.cancel()

    async def position(self, partition: Partition) -> int:
        """The next offset to process, also before the first record of a partition came."""
        self._notice_rebalance()
        while not self.guard.knows(partition):
            first_offsets = await self._first_offsets(partition)
            if self._notice_rebalance():
                continue
            for place, first in first_offsets.items():
                # Whoever asked at the same time may have begun already, and gone on since: that must not be undone.
                if not self.guard.knows(place):
                    self.guard.start(place, first)
        return self.guard.positions()[partition]

    async def _step_for_ever(self, stream: StreamT[Any]) -> None:
        while True:
            events = await self._collect()
            try:
                if events:
                    await self._step(stream, events)
                if self._queue.empty() and time.monotonic() >= self._next_look:
                    await self._look_at_tails()
                    self._next_look = time.monotonic() + TAIL_SECONDS
            except Exception as error:
                log.exception("agent.failed", agent=self.name, error_class=type(error).__name__)
                os._exit(START_AGAIN)

    async def _collect(self) -> list[EventT[Any]]:
        """What waits; nothing when nothing came for a while."""
        try:
            async with asyncio.timeout(TAIL_SECONDS):
                events = [await self._queue.get()]
        except TimeoutError:
            return []
        count = len(events[0].value)
        while count < BATCH_RECORDS and not self._queue.empty():
            events.append(self._queue.get_nowait())
            count += len(events[-1].value)
        return events

    async def _step(self, stream: StreamT[Any], events: list[EventT[Any]]) -> None:
        self._notice_rebalance()
        # Faust fetches again, from the committed offset, whatever was in flight at a rebalance.
        current = [event for event in events if self._is_ours(event)]
        batch = await self._without_holes(current)
        if batch:
            done = await self._process_readable(batch)
            for partition, records in done.items():
                self.guard.advance(partition, records[-1].offset + 1)
        for event in current:
            if self._is_ours(event):
                await stream.ack(event)

    def _is_ours(self, event: EventT[Any]) -> bool:
        """False for what another worker, or this one after a rebalance, will read again from Kafka."""
        message = event.message
        is_current = message.generation_id == self._app.consumer_generation_id
        return is_current and (message.topic, message.partition) not in self.held

    async def _process_readable(self, batch: Batch) -> Batch:
        """Process a batch up to the events of a newer program. Returns what was processed."""
        try:
            await self._process(batch)
        except NewerEvent:
            readable = {partition: before_newer(records) for partition, records in batch.items()}
            if readable == batch:
                raise
            for partition, records in batch.items():
                if len(readable[partition]) < len(records):
                    self._hold(partition, records[len(readable[partition])])
            # Nothing has been done yet: agents read a whole batch before they send or write any of it.
            batch = {partition: records for partition, records in readable.items() if records}
            if batch:
                await self._process(batch)
        return batch

    def _hold(self, partition: Partition, record: Record) -> None:
        self.held.add(partition)
        metrics.HELD.labels(self.name).set(len(self.held))
        log.error(
            "agent.holding",
            agent=self.name,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            type=header_map(record.headers).get("ce_type"),
            hint="a newer program wrote this event: upgrade this one; the partition waits here, nothing is lost",
        )

    def _notice_rebalance(self) -> bool:
        """True once after each: a partition that went away and came back may have been read further elsewhere."""
        if self._generation == self._app.consumer_generation_id:
            return False
        self.guard.reset()
        self.held.clear()
        self._tails = TailWatch()
        metrics.HELD.labels(self.name).set(0)
        self._generation = self._app.consumer_generation_id
        return True

    async def _without_holes(self, events: list[EventT[Any]]) -> Batch:
        self._notice_rebalance()
        fetched: Batch = defaultdict(list)
        for event in events:
            fetched[event.message.topic, event.message.partition].extend(event.value)
        batch: Batch = {}
        for partition, records in fetched.items():
            checked = await self._checked(partition, records)
            if checked:
                batch[partition] = checked
        return batch

    async def _checked(self, partition: Partition, records: list[Record]) -> list[Record]:
        await self.position(partition)
        checked = self.guard.check(partition, records)
        filled = list(checked.records)
        for hole in checked.holes:
            filled.extend(await self._filled(hole))
        return sorted(filled, key=lambda record: record.offset) if checked.holes else filled

    async def _filled(self, hole: Hole) -> list[Record]:
        log.warning("agent.hole", agent=self.name, **msgspec.structs.asdict(hole))
        records = await read_range(self._settings, hole)
        if len(records) < hole.end - hole.start:
            # Retention was faster than we were; what is gone can only be named.
            log.error("agent.expired", agent=self.name, lost=hole.end - hole.start - len(records))
        return records

    async def _look_at_tails(self) -> None:
        """Process what Faust fetched and dropped at the end of a partition, as it can while a group rebalances."""
        if self._app.rebalancing or not self._app.tables.actives_ready:
            return
        consumer: Any = self._app.consumer
        ours = [tp for tp in consumer.assignment() if tp.topic in self.topics and tuple(tp) not in self.held]
        ours = [tp for tp in ours if tp not in consumer.unplaced]
        try:
            ends = {tuple(tp): end for tp, end in (await consumer.highwaters(*ours)).items()} if ours else {}
        except Exception as error:  # the broker is away: nobody can tell what is missing
            log.warning("agent.no_end_offsets", agent=self.name, error_class=type(error).__name__)
            return
        positions = {partition: await self.position(partition) for partition in ends}
        for hole in self._tails.holes(positions, ends):
            await self._process_tail(hole, self._generation)

    async def _process_tail(self, hole: Hole, generation: int | None) -> None:
        partition = (hole.topic, hole.partition)
        for start in range(hole.start, hole.end, BATCH_RECORDS):
            part = Hole(*partition, start, min(start + BATCH_RECORDS, hole.end))
            records = await self._filled(part)
            if self._notice_rebalance() or generation != self._generation or not self._queue.empty():
                # Whatever comes by itself after all shows what is still missing before it.
                return
            done = await self._process_readable({partition: records}) if records else {}
            next_offset = part.end
            if partition in self.held:
                next_offset = done[partition][-1].offset + 1 if done else start
            if generation != self._app.consumer_generation_id:
                return
            self.guard.advance(partition, next_offset)
            if next_offset > start:
                self._app.consumer.ack_through(TP(*partition), next_offset - 1)
            if partition in self.held:
                return

    async def _first_offsets(self, partition: Partition) -> dict[Partition, int]:
        """Where this one and all other unknown partitions of ours begin.

        Asked for in one go: the broker answers a question after the fetch before it, so that one question for each of
        64 partitions kept an idle worker from its first record for eight seconds.
        """
        thread = self._app.consumer._thread
        consumer = thread._ensure_consumer()
        assigned = {tuple(tp) for tp in self._app.consumer.assignment() if tp.topic in self.topics}
        unknown = {partition, *(place for place in assigned if not self.guard.knows(place))}
        places = [TopicPartition(*place) for place in sorted(unknown)]

        async def ask() -> tuple[list[int | None], dict[TopicPartition, int]]:
            committed = await asyncio.gather(*(consumer.committed(place) for place in places))
            return committed, await consumer.beginning_offsets(places)

        committed, oldest = await thread.ask(ask)
        return {
            (place.topic, place.partition): await self._start_offset(
                place.topic, place.partition, oldest[place], offset
            )
            for place, offset in zip(places, committed, strict=True)
        }


def before_newer(records: list[Record]) -> list[Record]:
    """The records before the first event of a newer program."""
    for number, record in enumerate(records):
        if is_newer(header_map(record.headers).get("ce_type", "")):
            return records[:number]
    return records
