"""Sets the consumer to where Postgres is, before it fetches anything.

Kafka's committed offsets are no more than a hint for the projections: a database that was lost, made anew or restored
is behind them. Were the difference read as a hole, it would be all of the log. So each partition waits until Postgres
has told its position, the consumer is set there, and Faust reads on from it as it always does.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from headrace.kafka.errors import KafkaError
from headrace.kafka.faust.batch_transport import TopicPartition
from headrace.kafka.faust.following import Follower
from headrace.kafka.faust.loop import Loop
from headrace.kafka.faust.worker import BatchApp
from projections.writing.cut_log import LogCut, find_cuts, later_than
from projections.writing.writer import ProjectionWriter

log = structlog.get_logger()

CHECK_SECONDS = 0.05


class Placing(Loop):
    """Does it for all partitions of these agents, after each rebalance."""

    def __init__(self, app: BatchApp, agents: Sequence[tuple[Follower, ProjectionWriter]]) -> None:
        super().__init__()
        self._app: Any = app
        self._agents = {topic: agent for agent in agents for topic in agent[0].topics}

    async def run_for_ever(self) -> None:
        """Kafka away: tried again. Raises LogCut."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if not self._app.consumer.unplaced or self._app.rebalancing:
                continue
            try:
                await self._place(frozenset(self._app.consumer.unplaced), self._app.consumer_generation_id)
            except (KafkaError, OSError) as error:
                log.warning("projection.not_placed", error_class=type(error).__name__)

    async def _place(self, places: frozenset[TopicPartition], generation: int) -> None:
        """`position` waits for Postgres, and meanwhile the group may rebalance: `begin_at` knows."""
        positions = {tp: await self._agents[tp.topic][0].position(tuple(tp)) for tp in places}
        await self._check_log(places)
        _tell_set_back(positions, self._app.consumer.committed_offsets(places))
        await self._app.consumer.begin_at(positions, generation)

    async def _check_log(self, places: frozenset[TopicPartition]) -> None:
        writers = {self._agents[tp.topic][1] for tp in places}
        known = {place: at for writer in writers for place, at in (await writer.projected()).items()}
        projected = {place: at for place, at in known.items() if TopicPartition(*place) in places}
        moments = {TopicPartition(*place): moment for place, moment in later_than(projected).items()}
        if not moments:
            return
        thread = self._app.consumer._thread
        later = await thread.offsets_at(moments)
        ends = await thread.highwaters(*moments)
        cuts = find_cuts(projected, _by_place(ends), _by_place(later))
        if cuts:
            raise LogCut(cuts)


def _by_place(offsets: Mapping[Any, Any]) -> dict[tuple[str, int], Any]:
    return {(tp.topic, tp.partition): offset for tp, offset in offsets.items()}


def _tell_set_back(positions: Mapping[TopicPartition, int], committed: Mapping[TopicPartition, int]) -> None:
    back = {tp: committed[tp] - position for tp, position in positions.items() if committed.get(tp, 0) > position}
    if back:
        log.warning(
            "projection.set_back",
            partitions=[f"{tp.topic}[{tp.partition}]@{positions[tp]}" for tp in sorted(back)],
            records=sum(back.values()),
            hint="Postgres is behind what the group had committed: it was restored or made anew, and catches up",
        )
