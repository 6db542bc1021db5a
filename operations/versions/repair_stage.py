"""Where a repair collects the rows of its keys: small tables like the live ones, folded as the live writer folds.

Unlogged, and gone when the repair is. Rows, the records they were made of, and how far each partition was read are
committed together: after a crash of Postgres all of them are empty, and a resumed repair begins anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import psycopg
from sqlalchemy import Index, Table
from sqlalchemy.schema import CreateIndex, CreateTable

from headrace.events.records import Record
from headrace.refusal import Refusal
from operations.versions.repair_keys import Selected
from operations.versions.table_copies import run_ddl, unlogged_copy
from projections.named_sql import NamedSql
from projections.projection import Projection
from projections.schemas import proj_schema
from projections.tables import proj_metadata
from projections.writing.bad_records import ROW_ERRORS
from projections.writing.row_rule import Row, RowRule
from projections.writing.upserts import Upsert, rows_of

_SQL = NamedSql(__file__)
#: Postgres notices within a statement that a process is gone; its longest compares all rows of a table.
_ORPHAN_SECONDS = 60
Connection = psycopg.Connection[Any]


class RepairStopped(Refusal):
    """The log and the rows don't fit each other; the message says where and what to do."""


class Replaced(msgspec.Struct, frozen=True):
    """What was done to live rows."""

    inserted: int = 0
    replaced: int = 0
    removed: int = 0


class RepairStage:
    """The stage of a repair of one projection's live version."""

    def __init__(self, projection: Projection, version: int) -> None:
        self.projection = projection
        self.version = version
        self.schema = f"repair_{projection.name}"
        tables = proj_metadata(version).tables
        #: Always in the same order, the live writer's.
        live = [tables[f"{proj_schema(version)}.{name}"] for name in sorted(projection.tables)]
        self._made = {table.name: unlogged_copy(table, self.schema, keyed=True) for table in live}
        self._upserts = {name: Upsert(table) for name, table in self._made.items()}
        self._parts = {table.name: self._parts_of(table) for table in live}

    def _parts_of(self, live: Table) -> dict[str, str]:
        """What stands in statements about a live table and the repair's own, which are called `t` and `m` there."""
        rule = RowRule(live)
        own = _SQL.filled("is_own", stage=self.schema).decode()
        return {
            "live": live.fullname,
            "made": self._made[live.name].fullname,
            "extra": f"{self.schema}.extra_{live.name}",
            "columns": ", ".join(rule.columns),
            "columns_of_made": ", ".join(f"m.{name}" for name in rule.columns),
            "keys": ", ".join(rule.keys),
            "keys_of_live": ", ".join(f"t.{key}" for key in rule.keys),
            "keys_of_made": ", ".join(f"m.{key}" for key in rule.keys),
            "keys_of_extra": ", ".join(f"e.{key}" for key in rule.keys),
            "is_own": own,
            "on_conflict": rule.on_conflict(disowned=own),
        }

    def enter(self, connection: Connection) -> None:
        """Wait until no session of an earlier process is at the stage, and keep out any other as long as this lives.

        Raises RepairStopped when one goes on for long.
        """
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = '{_ORPHAN_SECONDS}s'".encode())
                connection.execute("SELECT pg_advisory_lock(hashtextextended('headrace ' || %s, 0))", [self.schema])
        except psycopg.errors.LockNotAvailable:
            raise RepairStopped(
                f"A session that works on {self.schema} has outlived its run for {_ORPHAN_SECONDS} s: look for "
                "headrace-repair in pg_stat_activity, end it, then resume."
            ) from None

    def create(self, connection: Connection) -> None:
        """Make it, or find it as it was left."""
        with connection.transaction():
            connection.execute(self._sql("create"))
            for name, table in self._made.items():
                run_ddl(connection, CreateTable(table, if_not_exists=True))
                lineage = Index(f"ix_{name}_lineage", table.c.src_partition, table.c.src_offset)
                run_ddl(connection, CreateIndex(lineage, if_not_exists=True))

    def drop(self, connection: Connection) -> None:
        """Remove it with all it holds."""
        connection.execute(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE".encode())

    def choose(self, connection: Connection, selected: Selected, starts: Mapping[int, int]) -> None:
        """Begin anew with these keys. `starts`: partition → the offset to read from."""
        with connection.transaction(), connection.cursor() as cursor:
            made = ", ".join(table.fullname for table in self._made.values())
            connection.execute(self._sql("begin_anew", tables=made))
            with cursor.copy(self._sql("copy_keys")) as copy:
                copy.set_types(["int4", "bytea", "int4"])
                for partition, keys in selected.items():
                    for key, batch in keys.items():
                        copy.write_row((partition, key, batch))
            cursor.executemany(self._sql("begin"), sorted((partition, starts[partition]) for partition in selected))

    def selected(self, connection: Connection) -> dict[int, dict[bytes, int]]:
        """The keys with their batches; empty before they were chosen."""
        batches: dict[int, dict[bytes, int]] = {}
        with connection.transaction(), connection.cursor("keys") as cursor:
            cursor.itersize = 10_000
            for partition, key, batch in cursor.execute(self._sql("keys")):
                batches.setdefault(partition, {})[key] = batch
        return batches

    def progress(self, connection: Connection) -> dict[int, int]:
        """The next offset to read, by partition."""
        return dict(connection.execute(self._sql("progress")).fetchall())

    def add(self, connection: Connection, records: Sequence[Record], selected: Selected) -> None:
        """Fold in the next records of a partition; those of other keys are passed over.

        Raises RepairStopped for a record that stands for no rows, unless the live version set it aside, too.
        """
        partition = records[0].partition
        keys = selected[partition]
        chosen = [record for record in records if record.key in keys]
        refused: list[Record] = []
        with connection.transaction():
            self._move(connection, partition, records[0].offset, records[-1].offset + 1)
            if chosen:
                self._fold(connection, chosen, refused)
                self._touch(connection, ((record, keys[record.key]) for record in chosen), refused)

    def _move(self, connection: Connection, partition: int, start: int, end: int) -> None:
        moved = connection.execute(self._sql("move"), {"partition": partition, "start": start, "end": end})
        if moved.rowcount != 1:
            raise RepairStopped(f"{self.projection.topic.name}[{partition}]: somebody else reads into the same stage.")

    def _fold(self, connection: Connection, records: Sequence[Record], refused: list[Record]) -> None:
        projected = []
        for record in records:
            try:
                projected.append((record, rows_of(record, self.projection.project(record), self.projection.rev)))
            except ValueError as error:
                self._refuse(connection, record, error, refused)
        try:
            with connection.transaction():
                self._write(connection, (row for _, rows in projected for row in rows))
        except ROW_ERRORS:
            for record, rows in projected:
                try:
                    with connection.transaction():
                        self._write(connection, rows)
                except ROW_ERRORS as error:
                    self._refuse(connection, record, error, refused)

    def _write(self, connection: Connection, rows: Iterable[Row]) -> None:
        by_table: dict[str, list[Row]] = {}
        for row in rows:
            by_table.setdefault(row.table, []).append(row)
        for name, own in by_table.items():
            upsert = self._upserts[name]
            connection.execute(upsert.statement, upsert.parameters(own), prepare=True)

    def _refuse(self, connection: Connection, record: Record, error: Exception, refused: list[Record]) -> None:
        place = [record.topic, record.partition, record.offset]
        set_aside = connection.execute(_SQL["is_set_aside"], [self.projection.name, self.version, *place])
        if set_aside.fetchone() is None:
            raise RepairStopped(
                f"The record {record.topic}[{record.partition}] offset {record.offset} can't be projected "
                f"({type(error).__name__}), and the live version did not set it aside. Correct the projector, then "
                "resume."
            ) from error
        refused.append(record)

    def _touch(self, connection: Connection, chosen: Iterable[tuple[Record, int]], refused: Sequence[Record]) -> None:
        away = {record.offset for record in refused}
        rows = [(record.partition, record.offset, batch, record.offset in away) for record, batch in chosen]
        connection.execute(self._sql("touch"), [list(column) for column in zip(*rows, strict=True)])

    def check_lineage(self, connection: Connection, topic: str) -> None:
        """Raises RepairStopped when rows of the keys name places which nobody has projected: a hand changed them."""
        for name, parts in self._parts.items():
            of_version = [self.projection.name, self.version, topic]
            ((displaced,),) = connection.execute(_SQL.filled("count_displaced", **parts), of_version).fetchall()
            if displaced:
                raise RepairStopped(
                    f"{displaced} rows of {name} say that they come from records which nobody has projected: where "
                    "rows come from was changed by hand, and a repair goes by that. Cancel the run, and make all rows "
                    f"anew: `headrace proj rebuild {self.projection.name} --execute`."
                )

    def claims(self, connection: Connection) -> dict[int, list[int]]:
        """Places that live rows of these keys name as newer than what was read, though nothing was read there.

        What the workers have written since is left out. By partition.
        """
        claimed: dict[int, set[int]] = {}
        for parts in self._parts.values():
            for partition, offset in connection.execute(self._sql("claims", **parts)):
                claimed.setdefault(partition, set()).add(offset)
        return {partition: sorted(offsets) for partition, offsets in claimed.items()}

    def compare(self, connection: Connection) -> int:
        """Find the live rows that chosen records once stood for, and don't any more. Returns how many."""
        extra = 0
        with connection.transaction():
            for parts in self._parts.values():
                connection.execute(self._sql("find_extra", **parts))
                ((count,),) = connection.execute(_SQL.filled("count_extra", **parts)).fetchall()
                extra += count
        return extra

    def batches(self, connection: Connection) -> list[tuple[int, int]]:
        """(partition, batch) of all that is left to be replaced, in order."""
        return connection.execute(self._sql("batches")).fetchall()

    def replace(self, connection: Connection, batch: int) -> Replaced:
        """Put the rows of a batch in place of the live ones, and note it. In the caller's transaction.

        The caller holds the lock on the live version's position in the batch's partition, and has read up to it.
        """
        inserted = replaced = removed = 0
        for parts in self._parts.values():
            removed += connection.execute(_SQL.filled("remove", **parts), [batch]).rowcount
            ((new, changed),) = connection.execute(self._sql("replace", **parts), [batch]).fetchall()
            inserted, replaced = inserted + new, replaced + changed
        connection.execute(self._sql("note_replaced"), [batch, inserted, replaced, removed])
        return Replaced(inserted, replaced, removed)

    def mend_dead_letters(self, connection: Connection, batch: int, topic: str, run_id: object) -> int:
        """Records of the batch that were set aside, and are rows now, are fixed. Returns how many."""
        return connection.execute(
            self._sql("mend_dead_letters"), [run_id, batch, self.projection.name, self.version, topic]
        ).rowcount

    def replaced(self, connection: Connection) -> Replaced:
        """All that was done so far, also by a process that is dead."""
        (counts,) = connection.execute(self._sql("replaced")).fetchall()
        return Replaced(*counts)

    def _sql(self, name: str, **parts: str) -> bytes:
        return _SQL.filled(name, stage=self.schema, **parts)
