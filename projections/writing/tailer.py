"""Keeps versions of projections up to date beside the live one: those that wait to be promoted, and the one before.

The agents of this process write what was live when it started. Every other version that is written follows the log
here, outside the consumer group: one process at a time, found out by an advisory lock. What two of them write at once
is sorted out by the positions, which only one can move. A version that can't be written never stops the live one: its
problem stands in `ctl.projection_versions`. So does an event of a newer program, before which its partition is held.
"""

import asyncio
import zlib
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Any

import structlog

from headrace.events.records import Record
from headrace.kafka.faust.loop import Loop
from headrace.kafka.faust.newer_events import process_readable
from headrace.kafka.groupless_consumer import TopicPartition, groupless_consumer, to_record
from headrace.settings import Settings
from projections.connection import Connect, connector
from projections.projection import Projection
from projections.registry import ALL_PROJECTIONS
from projections.versions import Version, followed
from projections.writing.cut_log import LogCut, find_cuts, later_than
from projections.writing.first_offset import first_offset
from projections.writing.positions import DatabaseReplaced, PositionConflict
from projections.writing.waiting import when_possible
from projections.writing.writer import ProjectionWriter, all_versions

log = structlog.get_logger()

#: Seconds between two looks at which versions there are, and after a failure.
LOOK_SECONDS = 2.0
_BEAT_SECONDS = 5.0
_POLL_MS = 500
_POLL_RECORDS = 2000
#: Advisory locks of two numbers: this one says what the other is about.
_LOCK_CLASS = zlib.crc32(b"headrace version tailer") - 2**31


class VersionTailer(Loop):
    """Follows every version that this process does not write already."""

    def __init__(
        self,
        settings: Settings,
        written_here: Callable[[], Mapping[str, int]],
        alone: AbstractSet[str] = frozenset(),
    ) -> None:
        """`written_here`: projection → the version its agent writes; empty until it is known.

        `alone`: as in `followed`.
        """
        super().__init__()
        self._settings = settings
        self._written_here = written_here
        self._alone = alone
        self._connect = connector(settings.database_url, "headrace-versions")
        self._tails: dict[tuple[str, int], asyncio.Task[None]] = {}

    async def run_for_ever(self) -> None:
        """Look every few seconds which versions there are."""
        while True:
            try:
                found = await _versions(self._connect)
                await self._follow(followed(found, self._written_here(), self._alone))
            except Exception as error:  # Postgres is away: the agents say so, and this is only their companion
                log.warning("versions.unknown", error_class=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def on_stop(self) -> None:
        """Stop following."""
        await super().on_stop()
        await self._follow([])

    async def _follow(self, versions: Sequence[Version]) -> None:
        wanted = {(version.projection, version.version): version for version in versions}
        for place in self._tails.keys() - wanted.keys():
            await _ended(self._tails.pop(place))
        for place, version in wanted.items():
            if place not in self._tails or self._tails[place].done():
                self._tails[place] = asyncio.create_task(self._tail(version))

    async def _tail(self, version: Version) -> None:
        """Until cancelled, or at once when another process does it."""
        number = zlib.crc32(f"{self._settings.topic_prefix}{version.projection}:{version.version}".encode()) - 2**31
        try:
            async with await self._connect() as connection:
                locked = await connection.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_CLASS, number])
                if (await locked.fetchone()) == (True,):
                    await _Tail(self._settings, version).run()
        except Exception as error:
            log.exception(
                "version.failed",
                projection=version.projection,
                version=version.version,
                error_class=type(error).__name__,
            )
            problem = str(error) if isinstance(error, LogCut) else type(error).__name__
            await _tell_problem(self._connect, version, problem)


class _Tail:
    """Writes one version from its position on."""

    def __init__(self, settings: Settings, version: Version) -> None:
        self._version = version
        (projection,) = (one for one in ALL_PROJECTIONS if one.name == version.projection)
        self._projection: Projection = projection
        self._topic = projection.topic.physical(settings.topic_prefix)
        self._connect = connector(settings.database_url, f"headrace-{projection.name}-{version.version}")
        self._writer = ProjectionWriter(
            self._connect, topic_prefix=settings.topic_prefix, projections=(projection,), version=version.version
        )
        self._consumer = groupless_consumer(settings, _POLL_RECORDS)
        self._places = [TopicPartition(self._topic, number) for number in range(settings.partitions)]

    async def run(self) -> None:
        """Until cancelled. Raises what the consumer or the writer can't get over."""
        await self._consumer.start()
        try:
            self._consumer.assign(self._places)
            await self._seek()
            await _tell_problem(self._connect, self._version, None)
            log.info("version.followed", projection=self._projection.name, version=self._version.version)
            beat = asyncio.get_running_loop().time()
            while True:
                await self._write_next()
                if asyncio.get_running_loop().time() - beat > _BEAT_SECONDS:
                    beat = asyncio.get_running_loop().time()
                    await self._beat()
        finally:
            await self._consumer.stop()
            await self._writer.close()

    async def _write_next(self) -> None:
        fetched = await self._consumer.getmany(timeout_ms=_POLL_MS)
        batch = {
            (place.topic, place.partition): [to_record(raw) for raw in records]
            for place, records in fetched.items()
            if records
        }
        if not batch:
            return
        try:
            await process_readable(batch, self._writer.write_when_possible, self._hold)
        except PositionConflict:
            # Somebody else wrote it, too, or Postgres went back: go on where it is.
            await self._seek()

    async def _hold(self, events: Sequence[Record]) -> None:
        """Read no further in these partitions: who knows the events of a newer program goes on from here."""
        self._consumer.pause(*(TopicPartition(event.topic, event.partition) for event in events))
        places = ", ".join(f"{record.topic}[{record.partition}]@{record.offset}" for record in events)
        log.error("version.holding", projection=self._projection.name, version=self._version.version, places=places)
        await _tell_problem(self._connect, self._version, f"a newer program wrote {places}: only it can go on")

    async def _seek(self) -> None:
        await self._check_log()
        positions = await self._writer.positions_when_possible(self._topic)
        starts = await self._consumer.beginning_offsets(self._places)
        for place in self._places:
            self._consumer.seek(
                place, await first_offset(self._writer, positions, self._topic, place.partition, starts[place])
            )

    async def _check_log(self) -> None:
        """Raises LogCut."""
        projected = await self._writer.projected()
        moments = {TopicPartition(*place): moment for place, moment in later_than(projected).items()}
        later = await self._consumer.offsets_for_times(moments)
        ends = await self._consumer.end_offsets(self._places)
        first_later = {(place.topic, place.partition): at and at.offset for place, at in later.items()}
        cuts = find_cuts(projected, {(place.topic, place.partition): end for place, end in ends.items()}, first_later)
        if cuts:
            raise LogCut(cuts)

    async def _beat(self) -> None:
        """Raises LogCut. Where nothing comes, this is what notices that Postgres went back."""
        written = {(place.topic, place.partition): await self._consumer.position(place) for place in self._places}
        try:
            await when_possible(lambda: self._writer.check_positions(written))
        except DatabaseReplaced:
            await self._seek()
        starts = await self._consumer.beginning_offsets(self._places)
        ends = await self._consumer.end_offsets(self._places)
        ranges = {(place.topic, place.partition): (starts[place], ends[place]) for place in self._places}
        await self._check_log()
        await when_possible(lambda: self._writer.beat(ranges))


async def _versions(connect: Connect) -> list[Version]:
    connection = await connect()
    try:
        return await all_versions(connection)
    finally:
        await connection.close()


async def _tell_problem(connect: Connect, version: Version, problem: str | None) -> None:
    """Best effort: without Postgres nobody could read it."""
    with suppress(Exception):
        connection = await connect()
        try:
            await connection.execute(
                "UPDATE ctl.projection_versions SET problem = %s WHERE projection = %s AND version = %s "
                "AND problem IS DISTINCT FROM %s",
                [problem, version.projection, version.version, problem],
            )
        finally:
            await connection.close()


async def _ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
