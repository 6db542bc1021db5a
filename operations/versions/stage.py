"""Where a rebuild collects its rows: unlogged tables without indexes, and how far each partition was read into them.

Rows and progress are committed together, and both are unlogged: after a crash of Postgres both are empty, so that a
resumed rebuild reads from the beginning instead of trusting a position whose rows are gone.
"""

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import psycopg
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from headrace.events.records import Record
from headrace.kafka.log_offsets import LogRange, Place
from headrace.refusal import Refusal
from operations.versions.copy_rows import HEADER, TRAILER, encoder, lineage_encoder
from projections.projection import Projection, RowOp
from projections.tables import fold_of, key_columns, proj_metadata, proj_schema
from projections.writing.upserts import Row, Upsert, rows_of

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


class RebuildStopped(Refusal):
    """The log and the rows don't fit each other; the message says where and what to do."""


class Stage:
    """The stage of one version of a projection."""

    def __init__(self, projection: Projection, version: int) -> None:
        self.projection = projection
        self.version = version
        self.schema = f"stage_{projection.name}_v{version}"
        tables = proj_metadata(version).tables
        self.tables: list[Table] = [tables[f"{proj_schema(version)}.{name}"] for name in projection.tables]
        self._encoders = {table.name: encoder(table) for table in self.tables}
        self._keys = {table.name: itemgetter(*key_columns(table)) for table in self.tables}
        self._folds = {table.name: Upsert(table).fold for table in self.tables}
        self._lineages: dict[Place, Callable[[int], bytes]] = {}

    def create(self, connection: psycopg.Connection[Any], ranges: Mapping[Place, LogRange]) -> None:
        """Make it, or find it as it was left."""
        _run(connection, f"CREATE SCHEMA IF NOT EXISTS {self.schema}")
        _run(
            connection,
            f"CREATE UNLOGGED TABLE IF NOT EXISTS {self.schema}.progress (topic text, partition int, "
            "next_offset bigint NOT NULL, newest_at timestamptz, PRIMARY KEY (topic, partition))",
        )
        _run(
            connection,
            f"CREATE UNLOGGED TABLE IF NOT EXISTS {self.schema}.refused "
            '(topic text, partition int, "offset" bigint, PRIMARY KEY (topic, partition, "offset"))',
        )
        _run(
            connection,
            f"CREATE UNLOGGED TABLE IF NOT EXISTS {self.schema}.folded (name text PRIMARY KEY, row_count bigint)",
        )
        _run(connection, f"CREATE SCHEMA IF NOT EXISTS {proj_schema(self.version)}")
        for table in self.tables:
            columns = ", ".join(
                f"{column.name} {column.type.compile(_DIALECT)}{'' if column.nullable else ' NOT NULL'}"
                for column in table.columns
            )
            _run(connection, f"CREATE UNLOGGED TABLE IF NOT EXISTS {self.schema}.{table.name} ({columns})")
        for (topic, partition), log_range in ranges.items():
            connection.execute(
                f"INSERT INTO {self.schema}.progress VALUES (%s, %s, %s) ON CONFLICT DO NOTHING".encode(),  # noqa: S608
                [topic, partition, log_range.start],
            )

    def drop(self, connection: psycopg.Connection[Any]) -> None:
        """Remove it with all it holds."""
        _run(connection, f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")

    def progress(self, connection: psycopg.Connection[Any]) -> dict[Place, int]:
        """The next offset to read, by partition."""
        rows = connection.execute(f"SELECT topic, partition, next_offset FROM {self.schema}.progress".encode())  # noqa: S608
        return {(topic, partition): next_offset for topic, partition, next_offset in rows}

    def write(
        self, connection: psycopg.Connection[Any], records: Sequence[Record], dead: Mapping[tuple[str, int, int], str]
    ) -> None:
        """Add the rows of records that follow the progress of their partitions. `dead`: as the live version has them.

        Raises RebuildStopped for a record that can't be projected, unless the live version set it aside, too.
        """
        chunks, refused = self.encode(records, dead)
        with connection.transaction(), connection.cursor() as cursor:
            self._move(cursor, records)
            for table, rows in chunks.items():
                with cursor.copy(f"COPY {self.schema}.{table} FROM STDIN (FORMAT binary)".encode()) as copy:
                    copy.write(HEADER + b"".join(rows) + TRAILER)
            if refused:
                cursor.executemany(f"INSERT INTO {self.schema}.refused VALUES (%s, %s, %s)".encode(), refused)  # noqa: S608

    def encode(
        self, records: Iterable[Record], dead: Mapping[tuple[str, int, int], str]
    ) -> tuple[dict[str, list[bytes]], list[tuple[str, int, int]]]:
        """The records' rows for COPY, by table, and where the records stand that the live version set aside.

        Raises RebuildStopped.
        """
        chunks: dict[str, list[bytes]] = defaultdict(list)
        refused = []
        for record in records:
            if dead and dead.get(_place(record)) in _POSTGRES_REFUSED:
                refused.append(_place(record))
                continue
            try:
                for table, line in self._lines(record):
                    chunks[table].append(line)
            except (ValueError, TypeError, KeyError, OverflowError, AttributeError, _STRUCT_ERROR) as error:
                if _place(record) not in dead:
                    raise _stopped(record, error) from error
                refused.append(_place(record))
        return chunks, refused

    def _lines(self, record: Record) -> list[tuple[str, bytes]]:
        """(table, encoded row) of a record: all of it, or an error."""
        lineage = self._lineage(record)
        operations = self.projection.project(record)
        if len({table for table, _ in operations}) < len(operations):
            operations = self._distinct(record, operations)
        encoders = self._encoders
        return [(table, encoders[table](values, lineage)) for table, values in operations]

    def _lineage(self, record: Record) -> bytes:
        encode = self._lineages.get((record.topic, record.partition))
        if encode is None:
            encode = lineage_encoder(record.topic, record.partition, self.projection.rev)
            self._lineages[record.topic, record.partition] = encode
        return encode(record.offset)

    def _distinct(self, record: Record, operations: list[RowOp]) -> list[RowOp]:
        """The same key twice in one record: the writer's own rule says which one counts."""
        if len({(table, self._keys[table](values)) for table, values in operations}) == len(operations):
            return operations
        by_table: dict[str, list[Row]] = defaultdict(list)
        for row in rows_of(record, operations, self.projection.rev):
            by_table[row.table].append(row)
        return [RowOp(table, values) for table, rows in by_table.items() for values in self._folds[table](rows)]

    def _move(self, cursor: psycopg.Cursor[Any], records: Sequence[Record]) -> None:
        by_place: dict[Place, list[Record]] = defaultdict(list)
        for record in records:
            by_place[record.topic, record.partition].append(record)
        for (topic, partition), own in sorted(by_place.items()):
            first, last = own[0].offset, own[-1].offset
            if last - first + 1 != len(own):
                raise RebuildStopped(f"{topic}[{partition}] has a hole between the offsets {first} and {last}.")
            cursor.execute(
                f"UPDATE {self.schema}.progress SET next_offset = %s, "  # noqa: S608
                "newest_at = greatest(newest_at, to_timestamp(%s / 1000.0)) "
                "WHERE topic = %s AND partition = %s AND next_offset = %s".encode(),
                [last + 1, max(record.timestamp_ms for record in own), topic, partition, first],
            )
            if cursor.rowcount != 1:
                raise RebuildStopped(f"{topic}[{partition}]: somebody else reads into the same stage.")

    def by_size(self, connection: psycopg.Connection[Any]) -> list[Table]:
        """The version's tables, what takes longest first."""
        sizes = dict(
            connection.execute(
                "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relnamespace = %s::regnamespace",
                [self.schema],
            ).fetchall()
        )
        return sorted(self.tables, key=lambda table: (-sizes[table.name], table.name))

    def fold(self, connection: psycopg.Connection[Any], table: Table) -> int:
        """Make the version's table and put one row a key into it, then its indexes. Returns its rows.

        Does nothing to a table that an interrupted run has folded. A transaction of its own.
        """
        with connection.transaction():
            done = connection.execute(
                f"SELECT row_count FROM {self.schema}.folded WHERE name = %s".encode(),  # noqa: S608
                [table.name],
            ).fetchone()
            if done is not None:
                return int(done[0])
            # Not as much as it could use: several tables are folded at once, and indexes have helpers of their own.
            _run(connection, "SET LOCAL work_mem = '64MB'")
            _run(connection, "SET LOCAL maintenance_work_mem = '128MB'")
            _run(connection, f"DROP TABLE IF EXISTS {table.fullname}")
            rows = self._fold_table(connection, table)
            connection.execute(f"INSERT INTO {self.schema}.folded VALUES (%s, %s)".encode(), [table.name, rows])  # noqa: S608
        return rows

    def _fold_table(self, connection: psycopg.Connection[Any], table: Table) -> int:
        create = CreateTable(table, include_foreign_key_constraints=[])
        primary = table.primary_key
        statement = str(create.compile(dialect=_DIALECT))
        constraint = f"CONSTRAINT {primary.name} PRIMARY KEY"
        head, _, tail = statement.rpartition(", \n\t" + constraint)
        if not head:
            raise TypeError(f"{table} has no primary key as expected")
        _run(connection, head + "\n)")
        keys, source = ", ".join(key_columns(table)), f"{self.schema}.{table.name}"
        doubled = f"{self.schema}.doubled_{table.name}"
        _run(connection, f"DROP TABLE IF EXISTS {doubled}")
        _run(
            connection,
            f"CREATE UNLOGGED TABLE {doubled} AS SELECT {keys} FROM {source} GROUP BY {keys} HAVING count(*) > 1",  # noqa: S608
        )
        _run(connection, f"ANALYZE {doubled}")
        names = ", ".join(column.name for column in table.columns)
        match = " AND ".join(f"d.{key} = s.{key}" for key in key_columns(table))
        rows = connection.execute(
            f"INSERT INTO {table.fullname} ({names}) SELECT {names} FROM {source} AS s "  # noqa: S608
            f"WHERE NOT EXISTS (SELECT FROM {doubled} AS d WHERE {match})".encode()
        ).rowcount
        folded = ", ".join(_folded(column.name, fold_of(column), keys) for column in table.columns)
        rows += connection.execute(
            f"INSERT INTO {table.fullname} ({names}) SELECT DISTINCT ON ({keys}) {folded} "  # noqa: S608
            f"FROM {source} AS s JOIN {doubled} AS d USING ({keys}) "
            f"ORDER BY {keys}, src_partition DESC, src_offset DESC, proj_rev DESC".encode()
        ).rowcount
        _run(connection, f"ALTER TABLE {table.fullname} ADD {constraint}{tail.rstrip().removesuffix(')')}")
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            _run(connection, str(CreateIndex(index).compile(dialect=_DIALECT)))
        _run(connection, f"ANALYZE {table.fullname}")
        return rows


def _folded(name: str, fold: str | None, keys: str) -> str:
    if fold is None:
        return name
    return f"{'min' if fold == 'least' else 'max'}({name}) OVER (PARTITION BY {keys})"


def _place(record: Record) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


def _stopped(record: Record, error: Exception) -> RebuildStopped:
    reason = str(error) if isinstance(error, ValueError) and not isinstance(error, UnicodeError) else "a bad value"
    return RebuildStopped(
        f"The record {record.topic}[{record.partition}] offset {record.offset} can't be projected "
        f"({type(error).__name__}: {reason}), and the live version did not set it aside. Correct the projector, or "
        "let `headrace run projections` reach it first, then resume."
    )


def _run(connection: psycopg.Connection[Any], statement: str) -> None:
    connection.execute(statement.encode())


_STRUCT_ERROR = struct.error
#: Error classes of dead letters that projected well, and were refused by Postgres.
_POSTGRES_REFUSED = frozenset(
    {
        "DataError",
        "IntegrityError",
        "ProgramLimitExceeded",
        "UntranslatableCharacter",
        "CharacterNotInRepertoire",
        "NotNullViolation",
        "NumericValueOutOfRange",
        "InvalidTextRepresentation",
        "UnicodeEncodeError",
        "OverflowError",
    }
)
