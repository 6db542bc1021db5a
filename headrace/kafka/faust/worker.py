"""A Headrace worker: one Faust app with our transport, an outbox, agents that follow topics, and a watchdog."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import faust
import structlog
from faust.types.transports import TransportT

from headrace.events.topics import MAX_RECORD_BYTES, Topic
from headrace.garbage import collect_rarely
from headrace.kafka.clients import KafkaUnreachable
from headrace.kafka.faust import partition_store
from headrace.kafka.faust.batch_transport import MAX_POLL_RECORDS, BatchTransport
from headrace.kafka.faust.changelog import Changelog
from headrace.kafka.faust.claim import Claim, members_named, refuse_namesake
from headrace.kafka.faust.credentials import faust_credentials
from headrace.kafka.faust.fenced_producer import FencedProducers
from headrace.kafka.faust.following import Follower, Process, StartOffset, after_committed
from headrace.kafka.faust.lease import Lease
from headrace.kafka.faust.log_end import Truncated
from headrace.kafka.faust.membership import why_put_out
from headrace.kafka.faust.outbox import Outbox
from headrace.kafka.faust.partition_table import ClaimKeeper, PartitionTable, declare_table
from headrace.kafka.faust.service import FAUST_LOGGER, Service
from headrace.kafka.faust.serving import open_process, serve
from headrace.kafka.faust.setting_aside import setting_aside
from headrace.kafka.faust.stops import LAST_SECONDS, LastAct, Stop, before_leaving, do_last_acts, leave
from headrace.kafka.faust.vital import guarded
from headrace.kafka.faust.watchdog import Watchdog
from headrace.kafka.offsets import Partition
from headrace.kafka.topics import size_and_safety
from headrace.kafka.truncation import truncations
from headrace.settings import Settings

log = structlog.get_logger()

#: A member of a group that sends no heartbeat for so long is dropped by its coordinator.
SESSION_SECONDS = 10.0


class BatchApp(faust.App):
    """A Faust app over `BatchTransport`, with an outbox that is ready before any agent runs."""

    logger = FAUST_LOGGER
    outbox: Outbox
    #: See `BatchConsumer.placed_topics`.
    placed_topics: frozenset[str] = frozenset()
    changelog_producers: FencedProducers
    lease: Lease
    #: Until when the processed records of a partition were appended.
    appended_ms: Callable[[Partition], int | None]
    #: Called in the consumer's thread with the member id by which the group knows this worker now.
    joined: Callable[[str], None]
    #: Called in the consumer's thread with the member id that the group does not know any more.
    put_out: Callable[[str], None]

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        #: Faust's name of a table → ours.
        self.partition_tables: dict[str, PartitionTable] = {}

    def _new_transport(self) -> TransportT:
        return BatchTransport(self.conf.broker_consumer, self)

    async def on_first_start(self) -> None:
        """Faust makes the data directory, but not the ones above it."""
        self.conf.datadir.mkdir(parents=True, exist_ok=True)
        await super().on_first_start()

    async def on_start(self) -> None:
        """Start the outbox first: agents may send from their first record on."""
        await self.outbox.start()
        await self.changelog_producers.start()
        await super().on_start()

    async def on_stop(self) -> None:
        """Stop the outbox last: agents may send until their consumer is gone."""
        await super().on_stop()
        await self.changelog_producers.stop()
        await self.outbox.stop()


class Worker:
    """Puts a Faust app together. Nothing connects before `run`."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.name = name
        self.settings = settings
        self.lease = Lease(SESSION_SECONDS)
        self.outbox = Outbox(settings, self.lease)
        self.followers: list[Follower] = []
        #: Started once the app runs, stopped before it stops.
        self.services: list[Service] = []
        #: Done before it ends by itself: what no other worker can do in its place.
        self.last_acts: list[LastAct] = []
        self._loop: asyncio.AbstractEventLoop | None = None
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
            broker_session_timeout=SESSION_SECONDS,
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
        self.app.lease = self.lease
        self.app.changelog_producers = FencedProducers(settings)
        self.app.put_out = self._put_out
        self.claim = Claim(self.app.conf.datadir)
        self.app.joined = self.claim.joined
        self.app.appended_ms = self._appended_ms

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
        topic_settings = size_and_safety(MAX_RECORD_BYTES, self.settings)
        declared = declare_table(self.app, name, self.settings.partitions, ttl_seconds, topic_settings)
        changelog = Changelog(self.settings, self.app.changelog_producers, declared.changelog_topic_name)
        table = self.app.partition_tables[name] = PartitionTable(declared, changelog)

        async def restore() -> None:
            # Faust would drop an error here, and go on with a table that its changelog cannot bring back.
            await guarded(table.restore_changelogs(), f"table {name}")

        declared.on_recover(restore)
        return table

    def _appended_ms(self, partition: Partition) -> int | None:
        followers = (follower for follower in self.followers if partition[0] in follower.topics)
        return next((follower.guard.appended_ms(partition) for follower in followers), None)

    def _put_out(self, member_id: str) -> None:
        """Called in the consumer's thread."""
        if self._loop is not None:
            with suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(do_last_acts(), self._loop).result(LAST_SECONDS)
        leave(why_put_out(self.settings, self.app.conf.id, self.app.conf.consumer_group_instance_id, member_id))

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, or end the process with a non-zero status."""
        open_process(self.settings, self.name)
        collect_rarely()
        self._refuse_twins()
        self._refuse_truncated()
        asyncio.run(self._serve())

    def _refuse_twins(self) -> None:
        """Before it joins: the group would take the place away from whoever has the name."""
        group, name = self.app.conf.id, self.app.conf.consumer_group_instance_id
        try:
            self.claim.take()
            namesakes = members_named(self.settings, group, name)
            refuse_namesake(group, self.settings.instance_id, self.claim.was(), namesakes, SESSION_SECONDS + 2)
        except Stop as twin:
            leave(twin)

    def _refuse_truncated(self) -> None:
        """Not even join the group, so that it is empty when its positions are set back."""
        followed = {topic for follower in self.followers for topic in follower.topics}
        topics = sorted(followed - self.app.placed_topics)
        try:
            cuts = truncations(self.settings, [self.app.conf.id], topics)
        except KafkaUnreachable:
            # The start waits for the brokers; each partition is looked at again when it is assigned.
            return
        for cut in cuts:
            leave(Truncated((cut.topic, cut.partition), cut.position, cut.cut, cut.group))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        for act in self.last_acts:
            before_leaving(act)
        self.app.in_worker = True
        self.services.append(ClaimKeeper(list(self.app.partition_tables.values())))
        self.services.append(Watchdog(self.app, self.followers, self.settings.watchdog_seconds, time.monotonic))
        await serve(self._start, self._stop, self._crash)

    async def _start(self) -> None:
        await self.app.start()
        for service in self.services:
            await service.start()

    async def _stop(self) -> None:
        for service in self.services:
            await service.stop()
        await self.app.stop()

    async def _crash(self) -> BaseException | None:
        app: Any = self.app
        await app._crashed.wait()
        reason: BaseException | None = app.crash_reason
        return reason
