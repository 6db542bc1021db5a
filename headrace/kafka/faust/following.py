"""The loop under every agent: collect batches, check offsets, fill holes, process, acknowledge; or stop the process.

Nothing is acknowledged that was not processed. An exception ends the process at once: its supervisor restarts
it, and the group's committed offset is where it goes on. Bad records never raise here; they are dead letters.
An event that only a newer program can read is neither: its partition is held, untouched, for that program.

No step outlives its generation: while the group rebalances none begins, and the partitions are handed on only after
the running one has ended. What a step that was stopped on its way can still do is described in `partition_table`.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

import faust
import msgspec
import structlog
from aiokafka import TopicPartition
from faust.types import TP, EventT, StreamT

from headrace.events.envelope import header_map
from headrace.events.records import Record
from headrace.kafka.faust import metrics
from headrace.kafka.faust.log_end import SET_BACK, SET_ROWS_BACK, LogEnds, Truncated, ask_broker
from headrace.kafka.faust.log_reader import Piece, pieces
from headrace.kafka.faust.newer_events import process_readable
from headrace.kafka.faust.offset_guard import Hole, OffsetGuard, TailWatch
from headrace.kafka.faust.stops import depart
from headrace.kafka.faust.vital import vital
from headrace.kafka.offsets import Partition
from headrace.settings import Settings

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
#: A step that was under way when the group began to rebalance may take so long to end.
STEP_SECONDS = 4.0
#: Between two looks whether a rebalance is over.
_REBALANCE_LOOK = 0.01


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
        self._stepping = asyncio.Lock()
        self._tails = TailWatch()
        self._ends = LogEnds()
        self._next_look = 0.0
        app.on_partitions_revoked.connect(self._end_step, weak=False)

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
        """The next offset to process, also before the first record of a partition came. Raises Truncated."""
        self._notice_rebalance()
        while not self.guard.knows(partition):
            starts = await self._starts(partition)
            if self._notice_rebalance():
                continue
            for place, (first, appended_ms) in starts.items():
                # Whoever asked at the same time may have begun already, and gone on since: that must not be undone.
                if not self.guard.knows(place):
                    self.guard.start(place, first, appended_ms)
        return self.guard.positions()[partition]

    async def _end_step(self, _app: Any, _revoked: Any, **_: Any) -> None:
        """The group waits with its new assignment until this returns."""
        try:
            async with asyncio.timeout(STEP_SECONDS), self._stepping:
                return
        except TimeoutError as error:
            # The brokers don't answer. The partitions go on elsewhere; this step must not go on beside them.
            hint = "a batch was not done when the group rebalanced; it is done again"
            await depart(error, agent=self.name, hint=hint)

    async def _step_for_ever(self, stream: StreamT[Any]) -> None:
        while True:
            events = await self._collect()
            while self._app.rebalancing:  # noqa: ASYNC110 - Faust has a flag, no event
                await asyncio.sleep(_REBALANCE_LOOK)
            try:
                async with self._stepping:
                    if events:
                        await self._step(stream, events)
                    if time.monotonic() >= self._next_look:
                        await self._look_at_tails()
                        self._next_look = time.monotonic() + TAIL_SECONDS
            except Exception as error:
                await depart(error, agent=self.name)

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
        if self._is_over():
            # What stands before and in the holes may not have been done to its end.
            return
        if batch:
            await self._do(batch)
        for event in current:
            if self._is_ours(event):
                await stream.ack(event)

    def _is_over(self) -> bool:
        """True once the generation in which the step began has ended, or is about to."""
        return bool(self._app.rebalancing) or self._generation != self._app.consumer_generation_id

    def _is_ours(self, event: EventT[Any]) -> bool:
        """False for what another worker, or this one after a rebalance, will read again from Kafka."""
        message = event.message
        is_current = message.generation_id == self._app.consumer_generation_id
        return is_current and (message.topic, message.partition) not in self.held

    async def _do(self, batch: Batch) -> None:
        done = await process_readable(batch, self._process, self._hold)
        for partition, records in done.items():
            self.guard.advance(partition, records[-1].offset + 1, records)

    async def _hold(self, events: Sequence[Record]) -> None:
        self.held.update((event.topic, event.partition) for event in events)
        metrics.HELD.labels(self.name).set(len(self.held))
        for event in events:
            log.error(
                "agent.holding",
                agent=self.name,
                topic=event.topic,
                partition=event.partition,
                offset=event.offset,
                type=header_map(event.headers).get("ce_type"),
                hint="a newer program wrote this event: upgrade this one; the partition waits here, nothing is lost",
            )

    def _notice_rebalance(self) -> bool:
        """True once after each: a partition that went away and came back may have been read further elsewhere."""
        if self._generation == self._app.consumer_generation_id:
            return False
        self.guard.reset()
        self.held.clear()
        self._tails = TailWatch()
        self._ends = LogEnds()
        metrics.HELD.labels(self.name).set(0)
        self._generation = self._app.consumer_generation_id
        return True

    async def _without_holes(self, events: list[EventT[Any]]) -> Batch:
        """What is to be processed next. Holes, and what stands before them, are processed on the way."""
        fetched: Batch = defaultdict(list)
        for event in events:
            fetched[event.message.topic, event.message.partition].extend(event.value)
        batch: Batch = {}
        for partition, records in fetched.items():
            new = await self._behind_holes(partition, records)
            if new:
                batch[partition] = new
        return batch

    async def _behind_holes(self, partition: Partition, records: list[Record]) -> list[Record]:
        await self.position(partition)
        reused = self.guard.reused(partition, records)
        if reused is not None:
            position = self.guard.positions()[partition]
            raise self._truncated(partition, position, reused.offset)
        while (checked := self.guard.check(partition, records)).holes:
            hole = checked.holes[0]
            before = [record for record in checked.records if record.offset < hole.start]
            if before:
                await self._do({partition: before})
            if partition in self.held or self._is_over() or not await self._fill(hole):
                return []
        return checked.records

    async def _fill(self, hole: Hole) -> bool:
        """Read from Kafka and process what never arrived. False when its partition is held or the generation over."""
        partition = (hole.topic, hole.partition)
        log.warning("agent.hole", agent=self.name, **msgspec.structs.asdict(hole))
        async with aclosing(pieces(self._settings, hole, BATCH_RECORDS)) as read:
            async for piece in read:
                if self._is_over():
                    return False
                await self._do_piece(partition, piece)
                if partition in self.held:
                    return False
        return not self._is_over()

    async def _do_piece(self, partition: Partition, piece: Piece) -> None:
        lost = piece.end - piece.start - len(piece.records)
        if lost:
            # Retention was faster than we were; what is gone can only be named.
            log.error("agent.expired", agent=self.name, lost=lost)
        if piece.records:
            await self._do({partition: piece.records})
        if partition not in self.held:
            self.guard.advance(partition, piece.end)

    async def _look_at_tails(self) -> None:
        """Process what Faust fetched and dropped at the end of a partition, as it can while a group rebalances.

        Raises Truncated where a log ends before what is processed.
        """
        if self._app.rebalancing or not self._app.tables.actives_ready:
            return
        consumer: Any = self._app.consumer
        ours = [tp for tp in consumer.assignment() if tp.topic in self.topics and tuple(tp) not in self.held]
        ours = [tp for tp in ours if tp not in consumer.unplaced]
        # Before the ends: what is processed meanwhile must not look as if it stood behind them.
        positions = {tuple(tp): await self.position(tuple(tp)) for tp in ours}
        try:
            ends = {tuple(tp): end for tp, end in (await consumer.highwaters(*ours)).items()} if ours else {}
        except Exception as error:  # the broker is away: nobody can tell what is missing
            log.warning("agent.no_end_offsets", agent=self.name, error_class=type(error).__name__)
            return
        shorter = self._ends.shorter(positions, ends)
        if shorter is not None:
            raise self._truncated(shorter, positions[shorter], ends[shorter])
        holes = self._tails.holes(positions, ends)
        if not self._queue.empty():
            # Whatever comes by itself after all shows what is still missing before it.
            return
        for hole in holes:
            await self._fill_tail(hole)

    def _truncated(self, partition: Partition, position: int, cut: int) -> Truncated:
        command = SET_ROWS_BACK if partition[0] in self._app.placed_topics else SET_BACK
        return Truncated(partition, position, cut, self._app.conf.id, command)

    async def _fill_tail(self, hole: Hole) -> None:
        partition = (hole.topic, hole.partition)
        await self._fill(hole)
        position = self.guard.positions().get(partition, hole.start)
        if position > hole.start and not self._is_over():
            self._app.consumer.ack_through(TP(*partition), position - 1)

    async def _starts(self, partition: Partition) -> dict[Partition, tuple[int, int | None]]:
        """Where this one and all other unknown partitions of ours begin, and until when what is done was appended.

        Asked for in one go: the broker answers a question after the fetch before it, so that one question for each of
        64 partitions kept an idle worker from its first record for eight seconds.
        """
        assigned = {tuple(tp) for tp in self._app.consumer.assignment() if tp.topic in self.topics}
        unknown = {partition, *(place for place in assigned if not self.guard.knows(place))}
        answers = await ask_broker(self._app.consumer, [TopicPartition(*place) for place in sorted(unknown)])
        starts = {}
        for answer in answers:
            first = await self._start_offset(answer.topic, answer.partition, answer.oldest, answer.committed)
            cut = answer.cut_below(first)
            if cut is not None:
                raise self._truncated((answer.topic, answer.partition), first, cut)
            starts[answer.topic, answer.partition] = (first, answer.appended_ms)
        return starts
