"""Ends a worker that is assigned, behind and not moving: a restart is the cure, silence is not."""

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Any

import faust
import msgspec
import structlog
from aiokafka.errors import KafkaError

from headrace.exit_status import START_AGAIN
from headrace.kafka.faust.following import Follower
from headrace.kafka.faust.loop import Loop
from headrace.kafka.faust.stops import Stop, depart
from headrace.kafka.offsets import Partition

log = structlog.get_logger()

CHECK_SECONDS = 5.0


class Standing(msgspec.Struct, frozen=True):
    """A partition that did not move: its position and since when (monotonic seconds)."""

    position: int
    since: float


def stuck_partitions(
    positions: Mapping[Partition, int],
    end_offsets: Mapping[Partition, int],
    standing: dict[Partition, Standing],
    now: float,
    limit: float,
) -> list[Partition]:
    """The partitions that have been behind at one position for longer than the limit. Updates `standing`."""
    stuck = []
    for partition, end in end_offsets.items():
        position = positions[partition]
        known = standing.get(partition)
        if position >= end or known is None or known.position != position:
            standing[partition] = Standing(position, now)
        elif now - known.since > limit:
            stuck.append(partition)
    for gone in standing.keys() - end_offsets.keys():
        del standing[gone]
    return stuck


class Watchdog(Loop):
    """Compares every agent's position with the broker's end offsets."""

    def __init__(self, app: faust.App, followers: list[Follower], limit: float, now: Callable[[], float]) -> None:
        super().__init__()
        self._app = app
        self._followers = followers
        self._limit = limit
        self._now = now
        self._standing: dict[Partition, Standing] = {}

    async def run_for_ever(self) -> None:
        """Look every few seconds."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if not self._app.rebalancing:
                await self._look()

    async def _look(self) -> None:
        try:
            ends = self._movable(await self._end_offsets())
            positions = await self._positions(ends)
        except (KafkaError, OSError) as error:  # the broker is away: nobody can tell who is behind
            log.warning("watchdog.no_end_offsets", error_class=type(error).__name__)
            self._standing.clear()
            return
        except Stop as stop:
            await depart(stop)
        stuck = stuck_partitions(positions, ends, self._standing, self._now(), self._limit)
        if stuck:
            log.error("worker.stuck", partitions=[f"{topic}[{number}]" for topic, number in stuck])
            os._exit(START_AGAIN)

    def _movable(self, ends: Mapping[Partition, int]) -> dict[Partition, int]:
        """Without the partitions that wait for a newer program: starting this one again is no cure."""
        held = set().union(*(follower.held for follower in self._followers))
        return {partition: end for partition, end in ends.items() if partition not in held}

    async def _positions(self, ends: Mapping[Partition, int]) -> dict[Partition, int]:
        by_topic = {topic: follower for follower in self._followers for topic in follower.topics}
        return {partition: await by_topic[partition[0]].position(partition) for partition in ends}

    async def _end_offsets(self) -> dict[Partition, int]:
        consumer: Any = self._app.consumer
        ours = [
            tp for tp in consumer.assignment() if not consumer._is_changelog_tp(tp) and "__assignor" not in tp.topic
        ]
        ends = await consumer.highwaters(*ours) if ours else {}
        return {(tp.topic, tp.partition): end for tp, end in ends.items()}
