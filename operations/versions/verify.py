"""Compares two versions of a projection's tables, row by row where their hashes differ.

Two versions are written by separate transactions, so they are equal only as of one vector of offsets. A snapshot in
which both stand at the same positions is waited for. Under traffic that may never come: then what only one of them has
read is left out by key, which is said, and the rest is compared as strictly.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
import psycopg
from psycopg import Connection

from headrace.kafka.offsets import Partition
from headrace.refusal import Refusal
from headrace.settings import Settings
from operations.runs.runs import ActiveRun
from operations.versions.content_hash import SESSION, ContentHash, content_hash, table_shapes
from operations.versions.verify_options import VerifyOptions
from operations.versions.version_difference import Comparison, TableDifference, UnsettledRange
from projections.connection import libpq_url
from projections.projection import Projection
from projections.schemas import proj_schema
from projections.versions import Version, live_version, versions

_PAUSE = 0.02
#: behind: nothing differs, but one version lacks what the other had read when the comparison began.
Outcome = Literal["equal", "expected", "different", "behind"]


class VerifyImpossible(Refusal):
    """There is nothing to compare; the message says what to do."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared with what."""

    projection: Projection
    version: int
    against: int


class ProjectionVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Two versions of one projection."""

    projection: str
    version: int
    against: int
    outcome: Outcome
    #: Whether both stood at the same offsets. If not, keys that moved between them are left out, and counted.
    same_offsets: bool
    #: Records of the log that one has read and the other has not.
    apart: int
    tables: tuple[TableDifference, ...]


class TableContent(msgspec.Struct, frozen=True, kw_only=True):
    """The content hash of one table of the read model."""

    projection: str
    table: str
    version: int
    content: ContentHash


def pairs(
    database_url: str,
    projections: Iterable[Projection],
    *,
    version: int | None = None,
    against: int | None = None,
    lenient: bool = False,
) -> list[Pair]:
    """What to compare: by default the newest complete version beside the live one with that.

    Raises VerifyImpossible when a projection has no such versions; if `lenient`, only when none has.
    """
    with _connect(database_url) as connection:
        known = versions(connection)
    found: list[Pair] = []
    refused: VerifyImpossible | None = None
    for one in projections:
        try:
            found.append(_pair(one, [v for v in known if v.projection == one.name], version, against))
        except VerifyImpossible as error:
            refused = error
            if not lenient:
                raise
    if not found and refused is not None:
        raise refused
    return found


def verify(
    settings: Settings, compared: Sequence[Pair], options: VerifyOptions, run: ActiveRun, say: Callable[[str], None]
) -> list[ProjectionVerdict]:
    """Compare each pair; nothing is written but the ledger's row.

    Raises VerifyImpossible, RunCancelled or psycopg.Error.
    """
    verdicts: list[ProjectionVerdict] = []
    with _connect(settings.database_url) as connection:
        for pair in compared:
            verdicts.append(_Verification(connection, pair, options, run, say).judge())
    run.finish(verdicts=msgspec.to_builtins([_without_rows(verdict) for verdict in verdicts]))
    return verdicts


def hash_content(database_url: str, projections: Sequence[Projection]) -> list[TableContent]:
    """The content of the live tables, all of them in one snapshot. Raises psycopg.Error."""
    contents: list[TableContent] = []
    with _connect(database_url) as connection, _snapshot(connection):
        for projection in projections:
            version = live_version(connection, projection.name)
            for name, shape in table_shapes(connection, version, projection.tables).items():
                content = content_hash(connection, shape.rows, list(shape.columns))
                contents.append(TableContent(projection=projection.name, table=name, version=version, content=content))
    return contents


def overall(verdicts: Iterable[ProjectionVerdict]) -> Outcome:
    """The worst of the outcomes."""
    order: tuple[Outcome, ...] = ("equal", "expected", "behind", "different")
    return max((verdict.outcome for verdict in verdicts), key=order.index, default="equal")


class _Verification:
    """One pair, in as many snapshots as it takes to find both at the same offsets."""

    def __init__(
        self,
        connection: Connection[Any],
        pair: Pair,
        options: VerifyOptions,
        run: ActiveRun,
        say: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._pair = pair
        self._options = options
        self._run = run
        self._say = say

    def judge(self) -> ProjectionVerdict:
        deadline = time.monotonic() + self._options.wait_seconds
        self._run.progress(f"waiting for {self._pair.projection.name}")
        began: dict[Partition, int] | None = None
        while True:
            with _snapshot(self._connection):
                ours, theirs = (self._positions(version) for version in (self._pair.version, self._pair.against))
                if began is None:
                    began = _highest(ours, theirs)
                if ours == theirs or time.monotonic() >= deadline:
                    return self._compare(ours, theirs, began)
            time.sleep(_PAUSE)

    def _compare(
        self, ours: Mapping[Partition, int], theirs: Mapping[Partition, int], began: Mapping[Partition, int]
    ) -> ProjectionVerdict:
        moving = unsettled(ours, theirs)
        left_out = [*moving, *self._expired()]
        tables = tuple(self._tables(left_out))
        outcomes = {table.outcome for table in tables}
        outcome: Outcome = "different" if "different" in outcomes else "expected" if "expected" in outcomes else "equal"
        if outcome != "different" and any(min(ours.get(p, 0), theirs.get(p, 0)) < end for p, end in began.items()):
            outcome = "behind"
        return ProjectionVerdict(
            projection=self._pair.projection.name,
            version=self._pair.version,
            against=self._pair.against,
            outcome=outcome,
            same_offsets=not moving,
            apart=sum(one.end - one.start for one in moving),
            tables=tables,
        )

    def _tables(self, left_out: Sequence[UnsettledRange]) -> Iterable[TableDifference]:
        pair, names = self._pair, self._pair.projection.tables
        ours, theirs = (table_shapes(self._connection, version, names) for version in (pair.version, pair.against))
        for name in names:
            self._run.progress(f"comparing {pair.projection.name}.{name}")
            self._say(f"comparing {name} of {proj_schema(pair.version)} with {proj_schema(pair.against)}")
            expected = _expected_of(name, self._options.expect_changed)
            comparison = Comparison(self._connection, ours[name], theirs[name], left_out, expected)
            yield comparison.compare(self._options.buckets, self._options.show, all_values=self._options.all_values)

    def _positions(self, version: int) -> dict[Partition, int]:
        rows = self._connection.execute(_POSITIONS, [self._pair.projection.name, version])
        return {(topic, partition): next_offset for topic, partition, next_offset in rows}

    def _expired(self) -> list[UnsettledRange]:
        """What retention had removed before one of the two could read it: it can't have rows of that."""
        rows = self._connection.execute(
            _EXPIRED, [self._pair.projection.name, [self._pair.version, self._pair.against]]
        )
        return [UnsettledRange(*row) for row in rows]


def unsettled(ours: Mapping[Partition, int], theirs: Mapping[Partition, int]) -> list[UnsettledRange]:
    """What only one of two has read, by their next offsets. A projection has one topic, so partitions name places."""
    return [
        UnsettledRange(place[1], *sorted((ours.get(place, 0), theirs.get(place, 0))))
        for place in sorted(ours.keys() | theirs.keys())
        if ours.get(place, 0) != theirs.get(place, 0)
    ]


def check_expected(database_url: str, compared: Iterable[Pair], expect_changed: Iterable[str]) -> None:
    """Raises VerifyImpossible for a column that no table has: a slip of the pen must not hide a difference."""
    known: set[str] = set()
    with _connect(database_url) as connection:
        for pair in compared:
            for version in (pair.version, pair.against):
                for name, shape in table_shapes(connection, version, pair.projection.tables).items():
                    known.update(shape.columns)
                    known.update(f"{name}.{column}" for column in shape.columns)
    unknown = [name for name in expect_changed if name not in known]
    if unknown:
        raise VerifyImpossible(f"None of the compared tables has a column {', '.join(unknown)}.")


def _pair(projection: Projection, known: Sequence[Version], version: int | None, against: int | None) -> Pair:
    there = {one.version: one for one in known if one.state != "dropped"}
    live = next(one.version for one in known if one.state == "live")
    right = live if against is None else against
    # A frozen version differs by what it has not read: it is compared when it is asked for.
    newest = [number for number, one in there.items() if number != right and one.state not in ("building", "frozen")]
    left = version if version is not None else max(newest, default=None)
    if left is None:
        building = [number for number, one in there.items() if one.state == "building"]
        raise VerifyImpossible(
            f"{projection.name} has no complete version beside version {right}: "
            + (
                f"version {building[-1]} is being built. `headrace proj status` tells how far it is."
                if building
                else f"`headrace proj rebuild {projection.name} --execute` builds one."
            )
        )
    for number in (left, right):
        if number not in there:
            raise VerifyImpossible(
                f"{projection.name} has no version {number}; there are {', '.join(map(str, sorted(there)))}."
            )
    if left == right:
        raise VerifyImpossible(f"Version {left} of {projection.name} would be compared with itself.")
    return Pair(projection=projection, version=left, against=right)


def _connect(database_url: str) -> Connection[Any]:
    connection = psycopg.connect(
        libpq_url(database_url), autocommit=True, connect_timeout=5, application_name="headrace-verify"
    )
    connection.execute(SESSION)
    return connection


def _snapshot(connection: Connection[Any]) -> Any:
    """A transaction in which every question is answered as of the same moment."""
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    return connection.transaction()


def _expected_of(table: str, expect_changed: Iterable[str]) -> list[str]:
    split = [name.rpartition(".") for name in expect_changed]
    return [column for of, _, column in split if of in ("", table)]


def _highest(ours: Mapping[Partition, int], theirs: Mapping[Partition, int]) -> dict[Partition, int]:
    return {place: max(ours.get(place, 0), theirs.get(place, 0)) for place in ours.keys() | theirs.keys()}


def _without_rows(verdict: ProjectionVerdict) -> ProjectionVerdict:
    """For the ledger, which is to hold no content."""
    tables = tuple(msgspec.structs.replace(table, rows=()) for table in verdict.tables)
    return msgspec.structs.replace(verdict, tables=tables)


_POSITIONS = b"""
SELECT topic, partition, next_offset FROM ctl.projection_offsets WHERE projection = %s AND version = %s
"""
_EXPIRED = b"""
SELECT DISTINCT partition::int, from_offset, to_offset
FROM ctl.expired_ranges WHERE projection = %s AND version = ANY(%s)
"""
