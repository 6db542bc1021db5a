"""Which versions of each projection's tables there are, and which one the views read.

A version N of a projection is its tables in the schema `proj_vN`. Version 1 came with the migrations and is live until
another one is promoted, also without a row in `ctl.projection_versions`.
"""

import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row

from projections.projection import Projection
from projections.registry import ALL_PROJECTIONS
from projections.schemas import proj_schema

if TYPE_CHECKING:
    pass

# Only those who write rows ask for shapes, and nobody else should wait for SQLAlchemy.
# ruff: noqa: PLC0415

#: The version the migrations make.
FIRST_VERSION = 1
#: Views that are part of a version, in its schema, with the projection they belong to.
OWN_VIEWS = {"lead_survivors": "leads", "moved_messages": "leads"}
_PLACEHOLDER = re.compile(rb"\{proj\}\.(\w+)")

#: building: a rebuild fills it. dual: complete, and written beside the live one. live: what the views read.
#: previous: was live before the last promotion, and is still written. frozen: complete up to a moment, and not written.
#: dropped: its tables are gone.
VersionState = Literal["building", "dual", "live", "previous", "frozen", "dropped"]
#: What the workers keep up to date.
WRITTEN: tuple[VersionState, ...] = ("dual", "live", "previous")


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one projection."""

    projection: str
    version: int
    state: VersionState
    #: The projectors' revision that built it; None for the first version.
    rev: int | None
    #: What its tables look like (`shape_of`); None where nobody noted it.
    shape: str | None
    #: The run that built it.
    run_id: UUID | None
    changed_at: datetime | None
    #: Why nobody can write it at the moment, in words; None while all is well.
    problem: str | None

    @property
    def schema(self) -> str:
        """The schema its tables are in."""
        return proj_schema(self.version)


class UnknownShape(RuntimeError):
    """The version's tables are not those this program declares: an older or newer one writes them."""

    def __init__(self, version: Version) -> None:
        self.version = version
        super().__init__(
            f"{version.projection} version {version.version} has other tables than this program declares: "
            "only a program that declares them can write it"
        )


def live_version(connection: psycopg.Connection[Any], projection: str) -> int:
    """The version of the projection that the views read."""
    return live_versions(connection)[projection]


def live_versions(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """The live version of every projection."""
    return {one.projection: one.version for one in versions(connection) if one.state == "live"}


def live_schemas(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """The schema each table is read from, by the table's name."""
    return schemas(live_versions(connection))


def schemas(of: Mapping[str, int]) -> dict[str, str]:
    """Table → schema, for these versions by projection."""
    owners = {table: projection.name for projection in ALL_PROJECTIONS for table in projection.tables} | OWN_VIEWS
    return {table: proj_schema(of[owner]) for table, owner in owners.items() if owner in of}


def tables_in(statement: bytes) -> set[str]:
    """The tables it reads by placeholder."""
    return {found.decode() for found in _PLACEHOLDER.findall(statement)}


def bind(statement: bytes, of: Mapping[str, str]) -> bytes:
    """Puts each table's schema in front of it: `{proj}.leads` → `proj_v2.leads`. KeyError for an unknown table."""
    return _PLACEHOLDER.sub(lambda found: f"{of[found[1].decode()]}.".encode() + found[1], statement)


def fingerprint(live: Mapping[str, int]) -> int:
    """A number for what is live altogether: 1 as long as it is the first version of everything.

    What was proven about rows holds for as long as nothing else is promoted, and again after a rollback.
    """
    changed = sorted((name, version) for name, version in live.items() if version != FIRST_VERSION)
    return zlib.crc32(repr(changed).encode()) & 0x7FFFFFFF if changed else FIRST_VERSION


def versions(connection: psycopg.Connection[Any]) -> list[Version]:
    """Every version of every projection there is or was, by name and number."""
    with connection.cursor(row_factory=class_row(Version)) as cursor:
        return with_first(cursor.execute(VERSIONS).fetchall())


def with_first(stored: Sequence[Version]) -> list[Version]:
    """The stored versions, and the first one of each projection that has no live one."""
    live = {one.projection for one in stored if one.state == "live"}
    implied = [
        Version(
            projection=projection.name,
            version=FIRST_VERSION,
            state="live",
            rev=None,
            shape=None,
            run_id=None,
            changed_at=None,
            problem=None,
        )
        for projection in ALL_PROJECTIONS
        if projection.name not in live
    ]
    return sorted([*stored, *implied], key=lambda one: (one.projection, one.version))


def shape_of(projection: Projection) -> str:
    """A digest of the projection's tables as this program declares them, whatever their version."""
    return _shape_of_tables(tuple(projection.tables))


# A writer asks at every connection, and compiling all tables takes a tenth of a second.
@cache
def _shape_of_tables(names: tuple[str, ...]) -> str:
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.schema import CreateTable

    from projections.tables import proj_metadata

    tables = proj_metadata(FIRST_VERSION).tables
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    statements = [
        str(CreateTable(tables[f"{proj_schema(FIRST_VERSION)}.{name}"]).compile(dialect=dialect))
        for name in sorted(names)
    ]
    return hashlib.sha256("\n".join(statements).encode()).hexdigest()[:16]


def foreign(found: Iterable[Version], states: Iterable[VersionState] = WRITTEN) -> frozenset[str]:
    """The projections that have a version in one of these states which only another program can write."""
    wanted = set(states)
    return frozenset(one.projection for one in found if one.state in wanted and not is_known_shape(one))


def followed(found: Sequence[Version], home: Mapping[str, int], alone: AbstractSet[str] = frozenset()) -> list[Version]:
    """The versions to be kept up to date outside the consumer group.

    `home`: what the agents of this process write, by projection. Where another program's workers share the group,
    they take partitions that this program's version needs, so that even the version at home has to be followed.
    `alone`: projections whose agents this process does without.
    """
    shared = foreign(found)
    return [
        one
        for one in found
        if one.state in WRITTEN
        and is_known_shape(one)
        and (
            one.projection in alone
            or (one.projection in home and (home[one.projection] != one.version or one.projection in shared))
        )
    ]


def is_known_shape(version: Version) -> bool:
    """Whether this program can write the version's tables."""
    if version.shape is None:
        return True
    return any(one.name == version.projection and shape_of(one) == version.shape for one in ALL_PROJECTIONS)


def is_live(alias: str) -> str:
    """SQL: whether a row of a control table, by its projection and version, is about the live version."""
    return (
        f"{alias}.version = coalesce((SELECT live.version FROM ctl.projection_versions AS live "  # noqa: S608
        f"WHERE live.projection = {alias}.projection AND live.state = 'live'), {FIRST_VERSION})"
    )


VERSIONS = b"""
SELECT projection, version, state, rev, shape, run_id, changed_at, problem FROM ctl.projection_versions
"""
