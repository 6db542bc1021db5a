"""Where a rebuild collects its rows: unlogged tables without indexes, and how far each partition was read into them.

Rows and progress are committed together, and both are unlogged: after a crash of Postgres both are empty, so that a
resumed rebuild reads from the beginning instead of trusting a position whose rows are gone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import psycopg
from sqlalchemy import Table
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable

from headrace.events.records import Record
from headrace.kafka.offsets import OffsetRange, Partition
from headrace.refusal import Refusal
from operations.versions.copy_rows import CopyRows
from operations.versions.table_copies import run_ddl, unlogged_copy
from projections.named_sql import NamedSql
from projections.projection import Projection, RowOp
from projections.schemas import proj_schema
from projections.tables import key_columns, proj_metadata
from projections.writing.bad_records import ROW_ERRORS
from projections.writing.row_rule import Row, RowRule
from projections.writing.upserts import rows_of

_SQL = NamedSql(__file__)
#: What projectors, psycopg and Postgres raise for a bad value.
_BAD_VALUE = (*ROW_ERRORS, ValueError, TypeError, KeyError, AttributeError)
#: Topic, partition and offset of each record that the live version set aside → the class of the error.
Dead = Mapping[tuple[str, int, int], str]
#: Table → rows to be copied.
_Rows = Mapping[str, list[list[Any]]]


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
        self._copies = {table.name: CopyRows(table) for table in self.tables}
        self._keys = {table.name: itemgetter(*key_columns(table)) for table in self.tables}
        self._rules = {table.name: RowRule(table) for table in self.tables}

    def create(self, connection: psycopg.Connection[Any], ranges: Mapping[Partition, OffsetRange]) -> None:
        """Make it, or find it as it was left."""
        connection.execute(self._sql("create", schema=proj_schema(self.version)))
        for table in self.tables:
            run_ddl(connection, CreateTable(unlogged_copy(table, self.schema, keyed=False), if_not_exists=True))
        begins = [(topic, partition, log_range.start) for (topic, partition), log_range in ranges.items()]
        connection.cursor().executemany(self._sql("begin"), begins)

    def drop(self, connection: psycopg.Connection[Any]) -> None:
        """Remove it with all it holds."""
        connection.execute(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE".encode())

    def progress(self, connection: psycopg.Connection[Any]) -> dict[Partition, int]:
        """The next offset to read, by partition."""
        rows = connection.execute(self._sql("progress"))
        return {(topic, partition): next_offset for topic, partition, next_offset in rows}

    def write(self, connection: psycopg.Connection[Any], records: Sequence[Record], dead: Dead) -> None:
        """Add the rows of records that follow the progress of their partitions. `dead`: as the live version has them.

        Raises RebuildStopped for a record that can't be projected, unless the live version set it aside, too.
        """
        rows, refused = self._projected(records, dead)
        with connection.transaction(), connection.cursor() as cursor:
            self._move(cursor, records)
            try:
                with connection.transaction():
                    self._copy(cursor, rows)
            except _BAD_VALUE:
                refused = self._write_one_by_one(cursor, records, dead)
            if refused:
                cursor.executemany(self._sql("refuse"), [_place(record) for record in refused])

    def _projected(self, records: Iterable[Record], dead: Dead) -> tuple[_Rows, list[Record]]:
        """The records' rows by table, and the records that the live version set aside. Raises RebuildStopped."""
        rows: dict[str, list[list[Any]]] = defaultdict(list)
        refused = []
        for record in records:
            if dead and dead.get(_place(record)) in _POSTGRES_REFUSED:
                refused.append(record)
                continue
            try:
                for table, row in self._rows(record):
                    rows[table].append(row)
            except _BAD_VALUE as error:
                _check_dead(record, error, dead)
                refused.append(record)
        return rows, refused

    def _rows(self, record: Record) -> list[tuple[str, list[Any]]]:
        """(table, row) of a record: all of it, or an error."""
        operations = self.projection.project(record)
        if self._is_doubled(operations):
            operations = self._folded(record, operations)
        return self._encoded(record, operations)

    def _encoded(self, record: Record, operations: list[RowOp]) -> list[tuple[str, list[Any]]]:
        lineage = (record.topic, record.partition, record.offset, self.projection.rev)
        copies = self._copies
        return [(table, copies[table].row(values, lineage)) for table, values in operations]

    def _is_doubled(self, operations: list[RowOp]) -> bool:
        """True when a key is there twice. Most records have one row a table at most."""
        if len({table for table, _ in operations}) == len(operations):
            return False
        return len({(table, self._keys[table](values)) for table, values in operations}) < len(operations)

    def _folded(self, record: Record, operations: list[RowOp]) -> list[RowOp]:
        """As the live writer makes rows of them: storable, and one a key."""
        by_table: dict[str, list[Row]] = defaultdict(list)
        for row in rows_of(record, operations, self.projection.rev):
            by_table[row.table].append(row)
        return [RowOp(table, values) for table, rows in by_table.items() for values in self._rules[table].fold(rows)]

    def _copy(self, cursor: psycopg.Cursor[Any], rows: _Rows) -> None:
        for table, of_table in rows.items():
            with cursor.copy(f"COPY {self.schema}.{table} FROM STDIN (FORMAT binary)".encode()) as copy:
                copy.set_types(self._copies[table].types)
                for row in of_table:
                    copy.write_row(row)

    def _write_one_by_one(self, cursor: psycopg.Cursor[Any], records: Iterable[Record], dead: Dead) -> list[Record]:
        """As the live writer where Postgres refuses a value: find whose it is. Returns what is set aside."""
        refused: list[Record] = []
        for record in records:
            if dead.get(_place(record)) in _POSTGRES_REFUSED:
                refused.append(record)
                continue
            try:
                operations = self._folded(record, self.projection.project(record))
                with cursor.connection.transaction():
                    self._copy(cursor, _by_table(self._encoded(record, operations)))
            except _BAD_VALUE as error:
                _check_dead(record, error, dead)
                refused.append(record)
        return refused

    def _move(self, cursor: psycopg.Cursor[Any], records: Sequence[Record]) -> None:
        by_place: dict[Partition, list[Record]] = defaultdict(list)
        for record in records:
            by_place[record.topic, record.partition].append(record)
        for (topic, partition), own in sorted(by_place.items()):
            first, last = own[0].offset, own[-1].offset
            if last - first + 1 != len(own):
                raise RebuildStopped(f"{topic}[{partition}] has a hole between the offsets {first} and {last}.")
            newest_ms = max(record.timestamp_ms for record in own)
            move = {"topic": topic, "partition": partition, "start": first, "end": last + 1, "newest_ms": newest_ms}
            if cursor.execute(self._sql("move"), move).rowcount != 1:
                raise RebuildStopped(f"{topic}[{partition}]: somebody else reads into the same stage.")

    def by_size(self, connection: psycopg.Connection[Any]) -> list[Table]:
        """The version's tables, what takes longest first."""
        sizes = dict(connection.execute(_SQL["sizes"], [self.schema]).fetchall())
        return sorted(self.tables, key=lambda table: (-sizes[table.name], table.name))

    def fold(self, connection: psycopg.Connection[Any], table: Table) -> int:
        """Make the version's table and put one row a key into it, then its indexes. Returns its rows.

        Does nothing to a table that an interrupted run has folded. A transaction of its own.
        """
        with connection.transaction():
            folded = connection.execute(self._sql("folded"), [table.name]).fetchone()
            if folded is not None:
                return int(folded[0])
            rows = self._fold_table(connection, table)
            connection.execute(self._sql("note_folded"), [table.name, rows])
        return rows

    def _fold_table(self, connection: psycopg.Connection[Any], table: Table) -> int:
        rule = self._rules[table.name]
        parts = {
            "table": table.fullname,
            "source": f"{self.schema}.{table.name}",
            "doubled": f"{self.schema}.doubled_{table.name}",
            "columns": ", ".join(rule.columns),
            "keys": ", ".join(rule.keys),
            "of_doubled": ", ".join(f"d.{key}" for key in rule.keys),
            "of_source": ", ".join(f"s.{key}" for key in rule.keys),
            "newest_of_all": rule.newest_of_all(),
            "newest_first": rule.newest_first(),
        }
        connection.execute(_SQL.filled("prepare_fold", **parts))
        # Of its own, the primary key is no part of the table any more: sorted at once it takes a fraction of the time.
        primary_key = AddConstraint(table.primary_key)
        run_ddl(connection, CreateTable(table, include_foreign_key_constraints=[]))
        connection.execute(_SQL.filled("find_doubled", **parts))
        rows = connection.execute(_SQL.filled("copy_single", **parts)).rowcount
        rows += connection.execute(_SQL.filled("fold_doubled", **parts)).rowcount
        run_ddl(connection, primary_key)
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            run_ddl(connection, CreateIndex(index))
        connection.execute(f"ANALYZE {table.fullname}".encode())
        return rows

    def _sql(self, name: str, **parts: str) -> bytes:
        return _SQL.filled(name, stage=self.schema, **parts)


def _by_table(rows: Iterable[tuple[str, list[Any]]]) -> _Rows:
    by_table: dict[str, list[list[Any]]] = defaultdict(list)
    for table, row in rows:
        by_table[table].append(row)
    return by_table


def _place(record: Record) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


def _check_dead(record: Record, error: Exception, dead: Dead) -> None:
    """Raises RebuildStopped unless the live version set the record aside, too."""
    if _place(record) in dead:
        return
    reason = str(error) if isinstance(error, ValueError) and not isinstance(error, UnicodeError) else "a bad value"
    raise RebuildStopped(
        f"The record {record.topic}[{record.partition}] offset {record.offset} can't be projected "
        f"({type(error).__name__}: {reason}), and the live version did not set it aside. Correct the projector, or "
        "let `headrace run projections` reach it first, then resume."
    ) from error


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
