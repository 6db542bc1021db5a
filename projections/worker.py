"""The projections worker: one agent a projection, each at the position Postgres has, whatever Kafka says.

While the live tables of a projection are those of another program, that one's workers write them, and this one stands
beside them (`projections.beside`).
"""

from collections.abc import Iterable

import faust
import structlog
from mode import Service

from projections.beside import BesideWorker, written_elsewhere
from projections.connection import connector
from projections.registry import ALL_PROJECTIONS
from projections.tailer import VersionTailer
from projections.writer import ProjectionWriter, is_postgres_away, when_possible
from runtime.logs import configure_logs
from runtime.settings import Settings
from workers.batch_transport import FAUST_LOGGER
from workers.following import Batch, Follower
from workers.offset_guard import Partition
from workers.worker import Worker

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
        known = await when_possible(lambda: self._writer.positions(topic))
        position = known.get(partition)
        if position is None:
            return oldest
        if position < oldest:
            await self._writer.pass_expired(topic, partition, position, oldest)
            return oldest
        return position


class Heartbeat(Service):
    """Tells Postgres every few seconds that the projections live, and how far the broker is."""

    logger = FAUST_LOGGER

    def __init__(self, app: faust.App, agents: list[tuple[Follower, ProjectionWriter]]) -> None:
        super().__init__()
        self._app = app
        self._agents = agents

    @Service.task  # type: ignore[untyped-decorator]
    async def _beat(self) -> None:
        while not self.should_stop:
            await self.sleep(BEAT_SECONDS)
            if self._app.rebalancing:
                continue
            for follower, writer in self._agents:
                try:
                    await writer.beat(await self._ranges(follower))
                except Exception as error:
                    if not is_postgres_away(error):
                        raise
                    log.warning("projection.no_heartbeat", agent=follower.name, error_class=type(error).__name__)

    async def _ranges(self, follower: Follower) -> dict[Partition, tuple[int, int]]:
        consumer = self._app.consumer
        ours = [tp for tp in consumer.assignment() if tp.topic in follower.topics]
        if not ours:
            return {}
        starts = await consumer.earliest_offsets(*ours)
        ends = await consumer.highwaters(*ours)
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
    worker.services.append(Heartbeat(worker.app, agents))
    worker.services.append(VersionTailer(settings, lambda: _written_by(writer for _, writer in agents)))
    return worker


def _written_by(writers: Iterable[ProjectionWriter]) -> dict[str, int]:
    return {name: version for writer in writers for name, version in writer.versions.items()}
