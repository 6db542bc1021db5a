"""The projections worker: one agent a projection, each at the position Postgres has, whatever Kafka says.

While the live tables of a projection are those of another program, that one's workers write them, and this one stands
beside them (`projections.writing.beside`).
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog

from headrace.kafka.errors import KafkaError
from headrace.kafka.faust.batch_transport import TopicPartition
from headrace.kafka.faust.following import Batch, Follower
from headrace.kafka.faust.loop import Loop
from headrace.kafka.faust.worker import BatchApp, Worker
from headrace.kafka.offsets import Partition
from headrace.logs import configure_logs
from headrace.settings import Settings
from projections.connection import connector
from projections.registry import ALL_PROJECTIONS
from projections.writing.beside import BesideWorker, written_elsewhere
from projections.writing.cut_log import Cut, LogCut
from projections.writing.first_offset import first_offset
from projections.writing.placing import Placing
from projections.writing.stage_watch import StageWatch
from projections.writing.tailer import VersionTailer
from projections.writing.waiting import can_wait
from projections.writing.writer import ProjectionWriter

log = structlog.get_logger()

BEAT_SECONDS = 5.0


class ProjectionAgent:
    """Feeds one writer."""

    def __init__(self, writer: ProjectionWriter) -> None:
        self._writer = writer

    async def process(self, batch: Batch) -> None:
        """Write rows and positions; waits while Postgres is away."""
        await self._writer.write_when_possible(batch)

    async def start_offset(self, topic: str, partition: int, oldest: int, _committed: int | None) -> int:
        """Where Postgres is. What retention removed before it was projected is passed over and noted."""
        positions = await self._writer.positions_when_possible(topic)
        return await first_offset(self._writer, positions, topic, partition, oldest)


class Heartbeat(Loop):
    """Tells Postgres every few seconds that the projections live, and how far the broker is.

    Where nothing is written it is also the one who notices that Postgres or the log went back.
    """

    def __init__(self, app: BatchApp, agents: list[tuple[Follower, ProjectionWriter]]) -> None:
        super().__init__()
        self._app: Any = app
        self._agents = agents

    async def run_for_ever(self) -> None:
        """Kafka or Postgres away: tried again. Raises DatabaseReplaced and LogCut."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            for follower, writer in self._agents:
                if not self._app.rebalancing:
                    await self._beat_if_possible(follower, writer)

    async def _beat_if_possible(self, follower: Follower, writer: ProjectionWriter) -> None:
        try:
            await self._beat(follower, writer)
        except (KafkaError, OSError) as error:
            log.warning("projection.no_heartbeat", agent=follower.name, error_class=type(error).__name__)
        except Exception as error:
            if not can_wait(error):
                raise
            log.warning("projection.no_heartbeat", agent=follower.name, error_class=type(error).__name__)

    async def _beat(self, follower: Follower, writer: ProjectionWriter) -> None:
        # What is committed now was written; Postgres, asked after that, can't be behind it, nor the log behind either.
        written = follower.guard.positions()
        await writer.check_positions(written)
        ranges = await self._ranges(follower)
        cuts = [
            Cut(*place, ranges[place][1], position, ranges[place][1])
            for place, position in written.items()
            if place in ranges and position > ranges[place][1]
        ]
        if cuts:
            raise LogCut(cuts)
        await writer.beat(ranges)

    async def _ranges(self, follower: Follower) -> dict[Partition, tuple[int, int]]:
        thread = self._app.consumer._thread
        ours: list[TopicPartition] = [tp for tp in self._app.consumer.assignment() if tp.topic in follower.topics]
        if not ours:
            return {}
        starts = await thread.earliest_offsets(*ours)
        ends = await thread.highwaters(*ours)
        return {(tp.topic, tp.partition): (starts[tp], ends[tp]) for tp in ours}


def run_projections(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, in the consumer group or beside it. Waits while Postgres is away."""
    configure_logs(settings, "projections")
    others = written_elsewhere(settings)
    (BesideWorker(settings, others) if others else projections_worker(settings)).run()


def projections_worker(settings: Settings) -> Worker:
    """All projections. One process or several: partitions are shared out."""
    worker = Worker(settings, "projections")
    agents = []
    for projection in ALL_PROJECTIONS:
        connect = connector(settings.database_url, f"headrace-{projection.name}")
        writer = ProjectionWriter(connect, topic_prefix=settings.topic_prefix, projections=(projection,))
        agent = ProjectionAgent(writer)
        follower = worker.follow(f"project_{projection.name}", (projection.topic,), agent.process, agent.start_offset)
        agents.append((follower, writer))
    worker.services.append(Placing(worker.app, agents))
    worker.services.append(Heartbeat(worker.app, agents))
    worker.services.append(StageWatch(settings))
    worker.services.append(VersionTailer(settings, lambda: _written_by(writer for _, writer in agents)))
    return worker


def _written_by(writers: Iterable[ProjectionWriter]) -> dict[str, int]:
    return {name: version for writer in writers for name, version in writer.versions.items()}
