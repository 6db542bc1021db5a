"""Makes rows right again after the log lost its end: what no record stands for any more goes, and all is read again.

A row that a lost record changed is removed whole, because what it was before is only in the log. The position of the
partition goes back to the log's beginning: the workers project it again from there, which brings the removed rows back
as they were before the loss, and changes no other.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from psycopg import sql

from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.offsets import OffsetRange, Partition
from headrace.settings import Settings
from operations.versions.repair import RepairRefused, connected
from operations.versions.repair_stage import Connection
from projections.projection import Projection
from projections.schemas import proj_schema
from projections.tables import key_columns, proj_metadata
from projections.versions import WRITTEN, is_known_shape, versions

VERB = "proj truncated"
#: Rows of a table whose keys a plan names.
_NAMED = 100
#: A key column that may hold an address of a person.
_UNNAMED = frozenset({"value"})


class TruncatedRows(msgspec.Struct, frozen=True, kw_only=True):
    """What a version has of records that a partition lost."""

    projection: str
    version: int
    topic: str
    partition: int
    #: Records from here on were lost, or written since.
    first_lost: int
    #: Where the version is.
    position: int
    #: What the log has now.
    log_start: int
    log_end: int
    #: Table → rows.
    rows: dict[str, int]
    #: Table → keys of the first of them, by column.
    named: dict[str, list[dict[str, str]]]
    dead_letters: int


def plan_truncated(settings: Settings, projections: Iterable[Projection]) -> list[TruncatedRows]:
    """What the written versions have of records that are lost. Raises KafkaUnreachable, TopicsMissing."""
    log, found = LogOffsets(settings), []
    with connected(settings) as connection:
        there = [one for one in versions(connection) if one.state in WRITTEN and is_known_shape(one)]
        for projection in projections:
            own = [one.version for one in there if one.projection == projection.name]
            # Before the log is asked: what is projected meanwhile must not look as if it had no record.
            positions = [(version, *row) for version in own for row in _positions(connection, projection, version)]
            ranges = log.ranges([settings.topic(projection.topic)])
            for version, place, position, newest in positions:
                lost = _first_lost(log, place, ranges[place], newest) if place in ranges else position
                if lost < position:
                    found.append(_truncated_rows(connection, projection, version, place, ranges[place], lost, position))
    return found


def _positions(connection: Connection, projection: Projection, version: int) -> list[tuple[Partition, int, Any]]:
    rows = connection.execute(
        "SELECT topic, partition, next_offset, event_time_max FROM ctl.projection_offsets "
        "WHERE projection = %s AND version = %s ORDER BY topic, partition",
        [projection.name, version],
    )
    return [((topic, partition), position, newest) for topic, partition, position, newest in rows]


def _first_lost(log: LogOffsets, place: Partition, whole: OffsetRange, newest: Any) -> int:
    """The end of the log that rows can stand for; see `projections.writing.cut_log`."""
    if newest is None:
        return whole.end
    return log.at(newest + timedelta(milliseconds=1), {place: whole})[place]


def _truncated_rows(
    connection: Connection,
    projection: Projection,
    version: int,
    place: Partition,
    whole: OffsetRange,
    first_lost: int,
    position: int,
) -> TruncatedRows:
    which = [*place, first_lost]
    counts = {name: _count(connection, _about(_COUNT, version, name), which) for name in projection.tables}
    rows = {name: count for name, count in counts.items() if count}
    return TruncatedRows(
        projection=projection.name,
        version=version,
        topic=place[0],
        partition=place[1],
        first_lost=first_lost,
        position=position,
        log_start=whole.start,
        log_end=whole.end,
        rows=rows,
        named={name: _named(connection, version, name, which) for name in rows},
        dead_letters=_count(connection, _LETTERS, [projection.name, version, *which]),
    )


def _count(connection: Connection, query: sql.SQL | sql.Composed, which: list[Any]) -> int:
    found = connection.execute(query, which).fetchone()
    return int(found[0]) if found else 0


def _named(connection: Connection, version: int, name: str, which: list[Any]) -> list[dict[str, str]]:
    table = proj_metadata(version).tables[f"{proj_schema(version)}.{name}"]
    keys = [column for column in key_columns(table) if column not in _UNNAMED]
    columns = sql.SQL(", ").join(map(sql.Identifier, keys))
    query = sql.SQL("SELECT {} ").format(columns) + _about(_FROM, version, name) + _FIRST
    return [dict(zip(keys, map(str, row), strict=True)) for row in connection.execute(query, which)]


def repair_truncated(settings: Settings, plan: Sequence[TruncatedRows]) -> None:
    """Remove these rows and set the positions back: each partition of a version in one transaction.

    Raises RepairRefused when a position moved since the plan was made.
    """
    with connected(settings) as connection:
        for lost in plan:
            with connection.transaction():
                _set_back(connection, lost)
                for table in lost.rows:
                    which = [lost.topic, lost.partition, lost.first_lost]
                    connection.execute(_about(_DELETE, lost.version, table), which)


def _set_back(connection: Connection, lost: TruncatedRows) -> None:
    where = [lost.projection, lost.version, lost.topic, lost.partition]
    moved = connection.execute(
        "UPDATE ctl.projection_offsets SET next_offset = %s, event_time_max = NULL "
        "WHERE projection = %s AND version = %s AND topic = %s AND partition = %s AND next_offset = %s",
        [lost.log_start, *where, lost.position],
    )
    if moved.rowcount != 1:
        raise RepairRefused(
            f"{lost.projection} version {lost.version} has moved on in {lost.topic}[{lost.partition}] since this was "
            "planned: run the command again"
        )
    connection.execute(
        "DELETE FROM ctl.dead_letters WHERE projection = %s AND version = %s AND topic = %s AND partition = %s "
        'AND "offset" >= %s',
        [*where, lost.first_lost],
    )


def _about(statement: sql.SQL, version: int, table: str) -> sql.Composed:
    """The statement about the rows that were made of a partition's records from an offset on."""
    return statement.format(sql.Identifier(proj_schema(version), table)) + _WHICH


_COUNT, _FROM, _DELETE = sql.SQL("SELECT count(*) FROM {}"), sql.SQL("FROM {}"), sql.SQL("DELETE FROM {}")
_WHICH = sql.SQL(" WHERE src_topic = %s AND src_partition = %s AND src_offset >= %s")
_FIRST = sql.SQL(f" ORDER BY src_offset LIMIT {_NAMED}")
_LETTERS = sql.SQL(
    "SELECT count(*) FROM ctl.dead_letters "
    'WHERE projection = %s AND version = %s AND topic = %s AND partition = %s AND "offset" >= %s'
)
