"""Writes batches of records as rows, exactly once: rows, dead letters and positions go in one transaction."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

import msgspec
import psycopg
import structlog
from psycopg import AsyncCursor
from psycopg.rows import class_row
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from events.records import Record
from projections.bad_records import ROW_ERRORS, BadRecordFound, BadStreaks, found_bad, insert_dead_letters
from projections.connection import Connect, Connection
from projections.positions import Conflict, Move, Partition, PositionConflict, Positions, observe_broker
from projections.projection import Projection
from projections.registry import ALL_PROJECTIONS
from projections.tables import proj_metadata, proj_schema
from projections.upserts import Row, Upsert, rows_of
from projections.versions import VERSIONS, UnknownShape, Version, is_known_shape, with_first

log = structlog.get_logger()

Batch = Mapping[Partition, Sequence[Record]]
_T = TypeVar("_T")

#: Longest pause between two attempts while Postgres is away, seconds.
LONGEST_PAUSE = 5.0


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What one call committed."""

    #: Records projected, dead letters included.
    records: int
    #: Records below the position: done before, dropped now.
    repeated: int
    dead_letters: int


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

        What another writer of the same version was faster with counts as repeated.
        """
        while True:
            try:
                return await when_possible(lambda: self.write(batch))
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
                raise await self._conflict(cursor, [_offered(topic, partition, start, start)])
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
        async with connection.cursor(row_factory=class_row(Version)) as cursor:
            await cursor.execute(VERSIONS)
            found = with_first(await cursor.fetchall())
        live = [one for one in found if one.projection in names and one.state == "live"]
        unknown = [one for one in live if not is_known_shape(one)]
        if unknown:
            raise UnknownShape(unknown[0])
        return {one.projection: one.version for one in live}

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

    async def _write(self, cursor: AsyncCursor[Any], batch: Batch) -> Written:
        new, known = await self._continuing(cursor, batch)
        records = sum(map(len, new.values()))
        repeated = sum(map(len, batch.values())) - records
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
            _log_dead_letter(found)
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
            new, conflicts = _continue(batch, self._known)
            if not conflicts:
                return new, self._known
        known = await self._read_positions(cursor)
        new, conflicts = _continue(batch, known)
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
            raise await self._conflict(cursor, [_offered(m.topic, m.partition, m.start, m.start) for m in refused])

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


async def when_possible(attempt: Callable[[], Awaitable[_T]]) -> _T:
    """Repeat an attempt, with growing pauses, for as long as Postgres is away. Logs an outage once, and its end."""
    retrying = AsyncRetrying(
        retry=retry_if_exception(is_postgres_away),
        wait=wait_random_exponential(multiplier=0.2, max=LONGEST_PAUSE),
        before_sleep=_log_outage_once,
        reraise=True,
    )

    async def attempted() -> _T:
        # A coroutine function, by which tenacity knows that there is something to await.
        return await attempt()

    result: _T = await retrying(attempted)
    if retrying.statistics.get("attempt_number", 1) > 1:
        log.warning("projection.postgres_back", attempts=retrying.statistics["attempt_number"])
    return result


def is_postgres_away(error: BaseException) -> bool:
    """True when trying again later can help: no connection, a shutdown, a deadlock, a read-only standby."""
    if isinstance(error, psycopg.errors.ProgramLimitExceeded):
        return False
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | psycopg.errors.ReadOnlySqlTransaction)


def _log_outage_once(state: RetryCallState) -> None:
    if state.attempt_number == 1 and state.outcome is not None:
        log.warning("projection.postgres_away", error_class=type(state.outcome.exception()).__name__)


def _log_dead_letter(found: BadRecordFound) -> None:
    record = found.record
    log.error(
        "projection.dead_letter",
        projection=found.projection,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        error_class=found.error_class,
        reason=found.reason,
    )


def _continue(batch: Batch, known: Mapping[Partition, int]) -> tuple[dict[Partition, Sequence[Record]], list[Conflict]]:
    """The records at and above each position, and where they do not follow it or each other."""
    new: dict[Partition, Sequence[Record]] = {}
    conflicts: list[Conflict] = []
    for place, records in batch.items():
        stored = known.get(place)
        rest = _ascending(records if stored is None else [r for r in records if r.offset >= stored])
        if not rest:
            continue
        first = rest[0].offset if stored is None else stored
        jump = next(((at, r.offset) for at, r in enumerate(rest, first) if r.offset != at), None)
        if jump is not None:
            conflicts.append(_offered(*place, *jump, stored))
        new[place] = rest
    return new, conflicts


def _ascending(records: Sequence[Record]) -> Sequence[Record]:
    """The records in offset order, each once: a batch put together from two reads may overlap itself."""
    if all(left.offset < right.offset for left, right in pairwise(records)):
        return records
    by_offset = {record.offset: record for record in records}
    return [by_offset[offset] for offset in sorted(by_offset)]


def _offered(topic: str, partition: int, expected: int, offered: int, stored: int | None = None) -> Conflict:
    return Conflict(topic=topic, partition=partition, stored=stored, expected=expected, offered=offered)
