"""Plans the building of a projection's tables anew from the log; `operations.versions.rebuild_run` does it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import read_ranges
from headrace.kafka.offsets import OffsetRange, Partition
from headrace.refusal import Refusal
from headrace.settings import Settings
from projections.connection import libpq_url
from projections.named_sql import NamedSql
from projections.projection import Projection
from projections.registry import ALL_PROJECTIONS
from projections.schemas import proj_schema
from projections.versions import live_version, versions

_SQL = NamedSql(__file__)
VERB = "proj rebuild"
#: Events a second of one worker, and of all of them: cautious, for the plan's minutes alone.
_RATE, _LARGEST_RATE = 20_000, 50_000
#: Records of each partition that are looked at to tell how large the others are.
_SAMPLE = 50

#: Up to where the log is read: a moment of the broker's clock, or an offset for each partition, which is not read.
Until = datetime | Mapping[int, int]


class RebuildRefused(Refusal):
    """The projection can't be rebuilt; the message says why and what to do."""


class RebuildPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the rebuild of one projection would do."""

    projection: str
    version: int
    live_version: int
    #: (topic, partition, first offset, end offset), fixed now so that a resumed run reads the same.
    ranges: list[tuple[str, int, int, int]]
    events: int
    #: Rows there will be, and bytes of the log to be read: estimates.
    keys: int
    log_bytes: int
    minutes: float
    #: Of the live tables; the stage and the new ones need about twice that.
    live_bytes: int
    #: What `--until` said; empty for all there is. Such a version stays as it is: nobody keeps it up to date.
    until: str = ""
    ai_cost_micro_usd: int = 0

    @property
    def disk_bytes(self) -> int:
        """Needed while it builds, besides what is there."""
        return 2 * self.live_bytes

    @property
    def log_ranges(self) -> dict[Partition, OffsetRange]:
        """What is to be read."""
        return {(topic, partition): OffsetRange(start, end) for topic, partition, start, end in self.ranges}


def find_projection(name: str) -> Projection:
    """The projection of that name. Raises RebuildRefused."""
    for projection in ALL_PROJECTIONS:
        if projection.name == name:
            return projection
    names = ", ".join(projection.name for projection in ALL_PROJECTIONS)
    raise RebuildRefused(f"There is no projection {name!r}; there are {names}.")


def plan_rebuild(
    settings: Settings, projection: Projection, workers: int = 1, until: Until | None = None
) -> RebuildPlan:
    """What is to be read. Raises RebuildRefused when retention has removed what live rows were made of."""
    log = LogOffsets(settings)
    whole = log.ranges([settings.topic(projection.topic)])
    ranges = whole if until is None else _until(log, whole, until)
    events = sum(found.count for found in ranges.values())
    with _connected(settings) as connection:
        live = live_version(connection, projection.name)
        check_complete(connection, projection, live, ranges)
        number = max(one.version for one in versions(connection) if one.projection == projection.name) + 1
        keys, size = _live_size(connection, projection, live)
    share = events / max(1, sum(found.count for found in whole.values()))
    return RebuildPlan(
        projection=projection.name,
        version=number,
        live_version=live,
        ranges=[(*place, found.start, found.end) for place, found in sorted(ranges.items())],
        events=events,
        keys=round(keys * share),
        log_bytes=round(events * _mean_bytes(settings, ranges)),
        minutes=round(events / min(_RATE * workers, _LARGEST_RATE) / 60, 1),
        live_bytes=round(size * share),
        until="" if until is None else _told(until),
    )


def check_complete(
    connection: psycopg.Connection[Any], projection: Projection, live: int, ranges: Mapping[Partition, OffsetRange]
) -> None:
    """Retention may only have removed what the live version never had either. Raises RebuildRefused."""
    for (topic, partition), log_range in ranges.items():
        if log_range.start == 0:
            continue
        noted = connection.execute(
            "SELECT coalesce(sum(to_offset - from_offset), 0) FROM ctl.expired_ranges WHERE projection = %s "
            "AND version = %s AND topic = %s AND partition = %s AND to_offset <= %s",
            [projection.name, live, topic, partition, log_range.start],
        ).fetchone()
        if noted is None or noted[0] < log_range.start:
            raise RebuildRefused(
                f"{topic}[{partition}] begins at offset {log_range.start}: retention removed {log_range.start:,} "
                f"records before it, and the live version of {projection.name} has rows made of them. Made "
                "anew from what is left they would be lost or wrong, so it is refused."
            )


def _until(log: LogOffsets, whole: Mapping[Partition, OffsetRange], until: Until) -> dict[Partition, OffsetRange]:
    """The ranges cut off. Raises RebuildRefused for offsets that the log has not."""
    if isinstance(until, datetime):
        ends = log.at(until, whole)
    else:
        if sorted(until) != sorted(partition for _, partition in whole):
            raise RebuildRefused(f"--until has to name each partition with its end: {_ends(whole)} is all of the log.")
        ends = {place: until[place[1]] for place in whole}
    for (topic, partition), end in ends.items():
        found = whole[topic, partition]
        if not found.start <= end <= found.end:
            raise RebuildRefused(
                f"{topic}[{partition}] has the offsets {found.start:,} to {found.end:,}: {end:,} is outside of them."
            )
    return {place: OffsetRange(found.start, ends[place]) for place, found in whole.items()}


def _ends(ranges: Mapping[Partition, OffsetRange]) -> str:
    return ",".join(f"{partition}={found.end}" for (_, partition), found in sorted(ranges.items()))


def _told(until: Until) -> str:
    if isinstance(until, datetime):
        return until.isoformat()
    return ",".join(f"{partition}={end}" for partition, end in sorted(until.items()))


def _live_size(connection: psycopg.Connection[Any], projection: Projection, live: int) -> tuple[int, int]:
    """Rows and bytes of the live tables, as Postgres' statistics have them."""
    names: Sequence[str] = [f"{proj_schema(live)}.{table}" for table in projection.tables]
    found = connection.execute(
        _SQL["live_size"],
        [names],
    ).fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)


def _mean_bytes(settings: Settings, ranges: Mapping[Partition, OffsetRange]) -> float:
    """Bytes of a record with its key and headers, from some in the middle of each partition."""
    middles = {place: (found.start + found.end) // 2 for place, found in ranges.items()}
    looked_at = {place: OffsetRange(at, min(at + _SAMPLE, ranges[place].end)) for place, at in middles.items()}
    sizes = [
        len(record.key) + len(record.value or b"") + sum(len(name) + len(value) for name, value in record.headers)
        for record in read_ranges(settings, looked_at)
    ]
    return sum(sizes) / max(1, len(sizes))


def _connected(settings: Settings) -> psycopg.Connection[Any]:
    return psycopg.connect(
        libpq_url(settings.database_url), autocommit=True, connect_timeout=5, application_name="headrace-rebuild"
    )
