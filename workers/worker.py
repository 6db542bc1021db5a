"""A Headrace worker: one Faust app with our transport, an outbox, agents that follow topics, and a watchdog."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from typing import Any

import faust
import structlog
from faust.exceptions import ConsistencyError
from faust.types.transports import TransportT
from mode import Service
from prometheus_client import start_http_server

from events.topics import MAX_RECORD_BYTES, Topic
from runtime.durability import warn_of_thin_topics
from runtime.exit_status import START_AGAIN
from runtime.garbage import collect_rarely
from runtime.kafka import faust_credentials
from runtime.logs import configure_logs
from runtime.settings import Settings
from runtime.topics import size_and_safety
from workers import partition_store
from workers.batch_transport import FAUST_LOGGER, MAX_POLL_RECORDS, BatchTransport
from workers.following import Follower, Process, StartOffset, after_committed
from workers.outbox import Outbox
from workers.partition_table import PartitionTable, declare_table
from workers.setting_aside import setting_aside
from workers.watchdog import Watchdog

log = structlog.get_logger()

#: After SIGTERM a worker may finish its batch for this long; what it does not finish is done again.
STOP_SECONDS = 10.0


class BatchApp(faust.App):
    """A Faust app over `BatchTransport`, with an outbox that is ready before any agent runs."""

    logger = FAUST_LOGGER
    outbox: Outbox
    #: See `BatchConsumer.placed_topics`.
    placed_topics: frozenset[str] = frozenset()

    def _new_transport(self) -> TransportT:
        return BatchTransport(self.conf.broker_consumer, self)

    async def on_first_start(self) -> None:
        """Faust makes the data directory, but not the ones above it."""
        self.conf.datadir.mkdir(parents=True, exist_ok=True)
        await super().on_first_start()

    async def on_start(self) -> None:
        """Start the outbox first: agents may send from their first record on."""
        await self.outbox.start()
        await super().on_start()

    async def on_stop(self) -> None:
        """Stop the outbox last: agents may send until their consumer is gone."""
        await super().on_stop()
        await self.outbox.stop()


class Worker:
    """Puts a Faust app together. Nothing connects before `run`."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.name = name
        self.settings = settings
        self.outbox = Outbox(settings)
        self.followers: list[Follower] = []
        #: Started once the app runs, stopped before it stops.
        self.services: list[Service] = []
        self.app = BatchApp(
            f"{settings.topic_prefix}{name}",
            broker=[f"kafka://{address.strip()}" for address in settings.kafka_bootstrap.split(",")],
            broker_credentials=faust_credentials(settings),
            # Tables are files named by table only: every app and instance needs a folder of its own.
            datadir=settings.data_dir / f"{settings.topic_prefix}{name}" / settings.instance_id,
            store=partition_store.URL,
            topic_partitions=settings.partitions,
            topic_replication_factor=settings.replication_factor,
            consumer_group_instance_id=f"{settings.topic_prefix}{name}-{settings.instance_id}",
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=10.0,
            broker_rebalance_timeout=10.0,
            broker_heartbeat_interval=2.0,
            broker_max_poll_records=MAX_POLL_RECORDS,
            broker_commit_interval=1.0,
            stream_buffer_maxsize=64,
            stream_recovery_delay=0.0,
            stream_wait_empty=False,
            table_standby_replicas=0,
            topic_disable_leader=True,
            web_enabled=False,
        )
        self.app.outbox = self.outbox

    def follow(
        self,
        name: str,
        topics: Sequence[Topic],
        process: Process,
        start_offset: StartOffset = after_committed,
        stage: str = "",
    ) -> Follower:
        """Add an agent that reads these topics batch by batch. `stage` names it in dead letters, if not `name`."""
        names = [self.settings.topic(topic) for topic in topics]
        process = setting_aside(self.settings, stage or name, process, self.outbox.send)
        follower = Follower(self.app, self.settings, name, frozenset(names), process, start_offset)
        source = self.app.topic(*names, key_serializer="raw", value_serializer="raw")
        self.app.agent(source, name=name)(follower.run)
        if start_offset is not after_committed:
            self.app.placed_topics |= follower.topics
        self.followers.append(follower)
        return follower

    def table(self, name: str, ttl_seconds: int | None = None) -> PartitionTable:
        """Add a table, partitioned as the topics are."""
        changelog = size_and_safety(MAX_RECORD_BYTES, self.settings)
        table = declare_table(self.app, name, self.settings.partitions, ttl_seconds, changelog)
        return PartitionTable(table, self.outbox)

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, or end the process with a non-zero status."""
        configure_logs(self.settings, self.name)
        warn_of_thin_topics(self.settings)
        if self.settings.metrics_port:
            start_http_server(self.settings.metrics_port, self.settings.metrics_host)
        collect_rarely()
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        self.app.in_worker = True
        self.services.append(Watchdog(self.app, self.followers, self.settings.watchdog_seconds, time.monotonic))
        starting = asyncio.create_task(self._start())
        stopped = asyncio.create_task(stopping.wait())
        crashed = asyncio.create_task(_crash_of(self.app))
        done, _ = await asyncio.wait({starting, stopped, crashed}, return_when=asyncio.FIRST_COMPLETED)
        if starting in done and not starting.exception():
            log.info("worker.ready")
            done, _ = await asyncio.wait({stopped, crashed}, return_when=asyncio.FIRST_COMPLETED)
        if stopped not in done:
            failure = starting.exception() if starting in done else self.app.crash_reason
            log.error("worker.crashed", error_class=type(failure).__name__, hint=_hint(failure, self), exc_info=failure)
            os._exit(START_AGAIN)
        log.info("worker.stopping")
        await self._stop()

    async def _start(self) -> None:
        await self.app.start()
        for service in self.services:
            await service.start()

    async def _stop(self) -> None:
        try:
            async with asyncio.timeout(STOP_SECONDS):
                for service in self.services:
                    await service.stop()
                await self.app.stop()
        except TimeoutError:
            log.warning("worker.stop_timed_out", seconds=STOP_SECONDS)
        # Faust's threads may outlive its services; everything that matters is committed.
        os._exit(0)


def _hint(failure: BaseException | None, worker: Worker) -> str:
    if isinstance(failure, ConsistencyError):
        return (
            f"the tables in {worker.app.conf.datadir} are ahead of their changelog: the topics were wiped and the "
            "directory was not. Remove the directory; tables are read back from their changelogs"
        )
    return "the supervisor starts it again; work goes on from the committed offsets"


async def _crash_of(app: Any) -> None:
    await app._crashed.wait()
