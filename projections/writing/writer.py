"""Writes batches of records as rows, exactly once: rows, dead letters and positions go in one transaction."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec
import psycopg
import structlog
from psycopg import AsyncCursor
from psycopg.rows import class_row

from headrace.events.records import Record
from headrace.kafka.offsets import Partition
from projections.connection import Connect, Connection
from projections.projection import Projection
from projections.registry import ALL_PROJECTIONS
from projections.schemas import proj_schema
from projections.tables import proj_metadata
from projections.versions import VERSIONS, WRITTEN, UnknownShape, Version, is_known_shape, with_first
from projections.writing.bad_records import (
    ROW_ERRORS,
    BadRecordFound,
    BadStreaks,
    found_bad,
    insert_dead_letters,
    log_dead_letter,
)
from projections.writing.batches import NOTHING, Batch, Written, continuing, count, offered, pieces
from projections.writing.positions import (
    Conflict,
    DatabaseReplaced,
    Move,
    PositionConflict,
    Positions,
    Projected,
    check_not_behind,
    observe_broker,
)
from projections.writing.row_rule import Row
from projections.writing.upserts import Upsert, rows_of
from projections.writing.waiting import can_wait, is_postgres_away, when_possible

log = structlog.get_logger()

_T = TypeVar("_T")

#: More records than any batch has.
_NO_LIMIT = 2**31


class _Projected(msgspec.Struct, frozen=True):
    """A record and the rows it stands for."""

    projection: str
    record: Record
    rows: list[Row]


class _Target(msgspec.Struct, frozen=True):
    """Where a writer writes to."""

    #: Projection → version.
    versions: Mapping[str, int]
    positions: Positions
    #: Table → what writes it.
    upserts: Mapping[str, Upsert]


class ProjectionWriter:
    """Projects records of any of its topics. Connects on first use; concurrent calls wait for each other."""

    def __init__(
        self,
        connect: Connect,
        *,
        topic_prefix: str = "",
        projections: Sequence[Projection] = ALL_PROJECTIONS,
        version: int | None = None,
    ) -> None:
        """`topic_prefix` is the installation's, as in `Settings`.

        Without a version it writes, for good, those that are live when it first connects.
        """
        self._connect = connect
        self._projections = {projection.topic.physical(topic_prefix): projection for projection in projections}
        self._fixed = None if version is None else self._target_of({one.name: version for one in projections})
        self._resolved: _Target | None = self._fixed
        # A version beside the live one says what it lacks in its entry, and is begun again from there.
        self._waits = can_wait if version is None else is_postgres_away
        self._begins: dict[Partition, int] = {}
        #: Records of one transaction: fewer after one that took too long.
        self._most = _NO_LIMIT
        self._streaks = BadStreaks()
        self._connection: Connection | None = None
        self._known: dict[Partition, int] | None = None
        self._lock = asyncio.Lock()

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics it projects, by their names on the broker."""
        return tuple(self._projections)

    @property
    def versions(self) -> Mapping[str, int]:
        """Projection → the version it writes; empty before it knows."""
        return {} if self._resolved is None else self._resolved.versions

    async def positions(self, topic: str) -> dict[int, int]:
        """Next offset of each partition of a topic, as Postgres has it now; unknown partitions are left out."""
        known = await self._exclusively(self._read_positions)
        return {partition: next_offset for (name, partition), next_offset in known.items() if name == topic}

    async def positions_when_possible(self, topic: str) -> dict[int, int]:
        """As `positions`, but waits for as long as Postgres is away."""
        return await when_possible(lambda: self.positions(topic), self._waits)

    async def projected(self) -> dict[Partition, Projected]:
        """How far every partition is, with the time of its newest record. Waits for as long as Postgres is away."""
        return await when_possible(lambda: self._exclusively(self._read_newest), self._waits)

    def begin_at(self, topic: str, partition: int, oldest: int) -> None:
        """The oldest offset the broker has: where the partition begins if Postgres knows nothing of it."""
        self._begins[topic, partition] = oldest

    async def check_positions(self, written: Mapping[Partition, int]) -> None:
        """Raises DatabaseReplaced when Postgres is before a position that was committed: `written`, next offsets."""
        check_not_behind(await self._exclusively(self._read_positions), self._begins, written)

    async def write(self, batch: Batch) -> Written:
        """Project a batch: records of each partition in offset order.

        Records below the position are dropped. Raises PositionConflict when a partition does not continue
        where Postgres is, TooManyBadRecords when the fault is hardly the records', UnknownShape when the live
        tables are not this program's, psycopg.Error when Postgres is away or not as expected; nothing is
        committed then.
        """
        return await self._exclusively(lambda cursor: self._write(cursor, batch))

    async def write_when_possible(self, batch: Batch) -> Written:
        """As `write`, but waits and tries again for as long as Postgres is away.

        What another writer of the same version was faster with counts as repeated. A batch that takes longer than the
        statement time-out is written in halves, and so are the next ones; one record alone waits until it fits.
        """
        waiting = list(pieces(batch, self._most))[::-1]
        done = NOTHING
        while waiting:
            piece = waiting.pop()
            try:
                done += await self._write_or_wait(piece)
            except psycopg.errors.QueryCanceled:
                self._most = max(1, count(piece) // 2)
                log.warning("projection.batch_too_slow", topics=self.topics, records=count(piece), next=self._most)
                waiting.extend(list(pieces(piece, self._most))[::-1])
            else:
                self._most = min(_NO_LIMIT, self._most * 2)
        return done

    async def _write_or_wait(self, batch: Batch) -> Written:
        """Raises QueryCanceled when fewer records at once may help."""
        can_halve = count(batch) > 1

        def waits(error: BaseException) -> bool:
            return self._waits(error) and not (can_halve and isinstance(error, psycopg.errors.QueryCanceled))

        while True:
            try:
                return await when_possible(lambda: self.write(batch), waits)
            except PositionConflict as conflict:
                # Each repetition means that somebody went ahead in this batch: it comes to an end.
                if not conflict.is_overtaken:
                    raise

    async def pass_expired(self, topic: str, partition: int, start: int, end: int) -> None:
        """Move over [start, end), which retention removed before it was projected, and keep a note of it.

        Raises PositionConflict when Postgres is not at `start`.
        """

        async def expire(cursor: AsyncCursor[Any]) -> None:
            if not await self._target.positions.expire(cursor, (topic, partition), start, end):
                raise await self._conflict(cursor, [offered(topic, partition, start, start)])
            log.error("projection.expired", topic=topic, partition=partition, start=start, end=end)

        self._known = None
        await self._exclusively(expire)

    async def beat(self, ranges: Mapping[Partition, tuple[int, int]]) -> None:
        """Say "alive" for the partitions it follows, with the broker's (start, end) offsets of each.

        Call it every few seconds: freshness views and `headrace proj status` read nothing else.
        """

        async def observe(cursor: AsyncCursor[Any]) -> None:
            await observe_broker(cursor, ranges)
            await self._target.positions.beat(cursor, ranges)

        await self._exclusively(observe)

    async def close(self) -> None:
        """Close the connection."""
        async with self._lock:
            await self._disconnect()

    async def _exclusively(self, work: Callable[[AsyncCursor[Any]], Awaitable[_T]]) -> _T:
        """Run `work` on the one connection. After an error both it and what it told us are doubtful: forget them."""
        async with self._lock:
            try:
                connection = await self._connected()
                async with connection.cursor() as cursor:
                    return await work(cursor)
            except BaseException:
                self._known = None
                await self._disconnect()
                raise

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._known = None
            self._connection = await self._connect()
            if self._resolved is not self._fixed:
                await self._check_versions(self._connection)
        if self._resolved is None:
            self._resolved = self._target_of(await self._live(self._connection))
        return self._connection

    @property
    def _target(self) -> _Target:
        if self._resolved is None:
            raise RuntimeError("nothing is written before there is a connection")
        return self._resolved

    async def _live(self, connection: Connection) -> dict[str, int]:
        """The live version of each projection, once and for all: whoever promotes another keeps this one written."""
        names = {projection.name for projection in self._projections.values()}
        live = [one for one in await all_versions(connection) if one.projection in names and one.state == "live"]
        unknown = [one for one in live if not is_known_shape(one)]
        if unknown:
            raise UnknownShape(unknown[0])
        return {one.projection: one.version for one in live}

    async def _check_versions(self, connection: Connection) -> None:
        """Another database may hold other versions. Raises DatabaseReplaced."""
        there = {(one.projection, one.version) for one in await all_versions(connection) if one.state in WRITTEN}
        gone = [f"{name} version {version}" for name, version in self.versions.items() if (name, version) not in there]
        if gone:
            raise DatabaseReplaced(f"the database has no {', '.join(gone)} any more, which this program had written")

    def _target_of(self, versions: Mapping[str, int]) -> _Target:
        projections = self._projections.values()
        names = {topic: projection.name for topic, projection in self._projections.items()}
        tables = {version: proj_metadata(version).tables for version in set(versions.values())}
        upserts = {
            name: Upsert(tables[version][f"{proj_schema(version)}.{name}"])
            for projection in projections
            for version in (versions[projection.name],)
            for name in projection.tables
        }
        return _Target(versions, Positions(names, versions), upserts)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _read_positions(self, cursor: AsyncCursor[Any]) -> dict[Partition, int]:
        self._known = await self._target.positions.read(cursor)
        return self._known

    async def _read_newest(self, cursor: AsyncCursor[Any]) -> dict[Partition, Projected]:
        return await self._target.positions.read_newest(cursor)

    async def _write(self, cursor: AsyncCursor[Any], batch: Batch) -> Written:
        new, known = await self._continuing(cursor, batch)
        records = count(new)
        repeated = count(batch) - records
        if not records:
            return Written(records=0, repeated=repeated, dead_letters=0)
        projected, bad = self._project(new)
        try:
            # Almost always every row fits: no savepoint, which would be two round trips more.
            streaks = await self._commit(cursor, new, known, bad, lambda: self._upsert(cursor, projected))
        except ROW_ERRORS:
            refused: list[BadRecordFound] = []
            halving = partial(self._write_rows, cursor, projected, refused)
            streaks = await self._commit(cursor, new, known, bad, halving, refused)
            bad = bad + refused
        self._streaks.keep(streaks)
        known.update({place: records[-1].offset + 1 for place, records in new.items()})
        for found in bad:
            log_dead_letter(found)
        return Written(records=records, repeated=repeated, dead_letters=len(bad))

    async def _commit(
        self,
        cursor: AsyncCursor[Any],
        new: Batch,
        known: Mapping[Partition, int],
        bad: Sequence[BadRecordFound],
        write: Callable[[], Awaitable[None]],
        refused: Sequence[BadRecordFound] = (),
    ) -> Mapping[Partition, int]:
        """Positions, rows and dead letters in one transaction. Returns the streaks; `write` may fill `refused`."""
        async with cursor.connection.transaction():
            await self._move(cursor, new, known)
            await write()
            set_aside = [*bad, *refused]
            streaks = self._streaks.after(new, set_aside)
            await insert_dead_letters(cursor, self._target.versions, set_aside)
        return streaks

    async def _continuing(
        self, cursor: AsyncCursor[Any], batch: Batch
    ) -> tuple[dict[Partition, Sequence[Record]], dict[Partition, int]]:
        """The new records and the positions. Asks Postgres again before it calls anything a hole."""
        if self._known is not None:
            new, conflicts = continuing(batch, self._known, self._begins)
            if not conflicts:
                return new, self._known
        known = await self._read_positions(cursor)
        new, conflicts = continuing(batch, known, self._begins)
        if conflicts:
            raise PositionConflict(conflicts)
        return new, known

    def _project(self, batch: Batch) -> tuple[list[_Projected], list[BadRecordFound]]:
        projected: list[_Projected] = []
        bad: list[BadRecordFound] = []
        for (topic, _), records in batch.items():
            projection = self._projections[topic]
            for record in records:
                try:
                    rows = rows_of(record, projection.project(record), projection.rev)
                except ValueError as error:
                    bad.append(found_bad(projection.name, record, error))
                else:
                    projected.append(_Projected(projection.name, record, rows))
        return projected, bad

    async def _move(self, cursor: AsyncCursor[Any], new: Batch, known: Mapping[Partition, int]) -> None:
        moves = [
            Move(
                topic=topic,
                partition=partition,
                start=records[0].offset,
                end=records[-1].offset + 1,
                known=(topic, partition) in known,
                newest_ms=max(record.timestamp_ms for record in records),
            )
            for (topic, partition), records in new.items()
        ]
        refused = await self._target.positions.move(cursor, moves)
        if refused:
            raise await self._conflict(cursor, [offered(m.topic, m.partition, m.start, m.start) for m in refused])

    async def _conflict(self, cursor: AsyncCursor[Any], conflicts: Sequence[Conflict]) -> PositionConflict:
        """The conflicts with what Postgres has now."""
        stored = await self._target.positions.read(cursor)
        return PositionConflict(
            msgspec.structs.replace(conflict, stored=stored.get((conflict.topic, conflict.partition)))
            for conflict in conflicts
        )

    async def _write_rows(
        self, cursor: AsyncCursor[Any], projected: Sequence[_Projected], refused: list[BadRecordFound]
    ) -> None:
        """Write all rows; where Postgres refuses one, halve until the guilty record stands alone, in `refused`.

        Order does not matter to the result (see `upserts`), so the halves may go one after the other.
        """
        try:
            async with cursor.connection.transaction():
                await self._upsert(cursor, projected)
        except ROW_ERRORS as error:
            if len(projected) == 1:
                refused.append(found_bad(projected[0].projection, projected[0].record, error))
                return
            middle = len(projected) // 2
            await self._write_rows(cursor, projected[:middle], refused)
            await self._write_rows(cursor, projected[middle:], refused)

    async def _upsert(self, cursor: AsyncCursor[Any], projected: Sequence[_Projected]) -> None:
        by_table: dict[str, list[Row]] = defaultdict(list)
        for one in projected:
            for row in one.rows:
                by_table[row.table].append(row)
        # Always in the same order of tables, so that two writers can't lock each other out.
        for table in sorted(by_table):
            await self._target.upserts[table].write(cursor, by_table[table])


async def all_versions(connection: Connection) -> list[Version]:
    """Every version of every projection."""
    async with connection.cursor(row_factory=class_row(Version)) as cursor:
        await cursor.execute(VERSIONS)
        return with_first(await cursor.fetchall())
