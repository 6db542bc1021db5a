"""Where a repair collects the rows of its keys: small tables like the live ones, folded as the live writer folds.

Unlogged, and gone when the repair is. Rows, the records they were made of, and how far each partition was read are
committed together: after a crash of Postgres all of them are empty, and a resumed repair begins anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import psycopg
from sqlalchemy import MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from headrace.events.records import Record
from headrace.refusal import Refusal
from operations.versions.repair_keys import Selected
from projections.projection import Projection
from projections.tables import fold_of, key_columns, proj_metadata, proj_schema
from projections.writing.bad_records import ROW_ERRORS
from projections.writing.upserts import Row, Upsert, rows_of

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_LINEAGE = ("src_partition", "src_offset")
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
        metadata = MetaData()
        #: Always in the same order, the live writer's.
        self.live = [tables[f"{proj_schema(version)}.{name}"] for name in sorted(projection.tables)]
        self._tables = [table.to_metadata(metadata, schema=self.schema) for table in self.live]
        self._upserts = {table.name: Upsert(table) for table in self._tables}

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
            _run(connection, f"CREATE SCHEMA IF NOT EXISTS {self.schema}")
            for name, columns in _CONTROL.items():
                _run(connection, f"CREATE UNLOGGED TABLE IF NOT EXISTS {self.schema}.{name} ({columns})")
            _run(connection, f"CREATE INDEX IF NOT EXISTS ix_touched_batch ON {self.schema}.touched (batch)")
            for table in self._tables:
                create = str(CreateTable(table, if_not_exists=True).compile(dialect=_DIALECT))
                _run(connection, create.replace("CREATE TABLE", "CREATE UNLOGGED TABLE", 1))
                name = f"ix_{table.name}_lineage"
                _run(connection, f"CREATE INDEX IF NOT EXISTS {name} ON {table.fullname} ({', '.join(_LINEAGE)})")

    def drop(self, connection: Connection) -> None:
        """Remove it with all it holds."""
        _run(connection, f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")

    def choose(self, connection: Connection, selected: Selected, starts: Mapping[int, int]) -> None:
        """Begin anew with these keys. `starts`: partition → the offset to read from."""
        with connection.transaction(), connection.cursor() as cursor:
            for name in (*_CONTROL, *(table.name for table in self._tables)):
                _run(connection, f"TRUNCATE {self.schema}.{name}")
            with cursor.copy(f"COPY {self.schema}.keys FROM STDIN (FORMAT binary)".encode()) as copy:
                copy.set_types(["int4", "bytea", "int4"])
                for partition, keys in selected.items():
                    for key, batch in keys.items():
                        copy.write_row((partition, key, batch))
            cursor.executemany(
                f"INSERT INTO {self.schema}.progress VALUES (%s, %s)".encode(),  # noqa: S608
                sorted((partition, starts[partition]) for partition in selected),
            )

    def selected(self, connection: Connection) -> dict[int, dict[bytes, int]]:
        """The keys with their batches; empty before they were chosen."""
        found: dict[int, dict[bytes, int]] = {}
        with connection.transaction(), connection.cursor("keys") as cursor:
            cursor.itersize = 10_000
            for partition, key, batch in cursor.execute(self._sql("SELECT partition, key, batch FROM {stage}.keys")):
                found.setdefault(partition, {})[key] = batch
        return found

    def progress(self, connection: Connection) -> dict[int, int]:
        """The next offset to read, by partition."""
        return dict(connection.execute(self._sql("SELECT partition, next_offset FROM {stage}.progress")).fetchall())

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
        moved = connection.execute(
            self._sql("UPDATE {stage}.progress SET next_offset = %s WHERE partition = %s AND next_offset = %s"),
            [end, partition, start],
        )
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
        known = connection.execute(
            "SELECT FROM ctl.dead_letters WHERE projection = %s AND version = %s AND topic = %s AND partition = %s "
            'AND "offset" = %s',
            [self.projection.name, self.version, record.topic, record.partition, record.offset],
        ).fetchone()
        if known is None:
            raise RepairStopped(
                f"The record {record.topic}[{record.partition}] offset {record.offset} can't be projected "
                f"({type(error).__name__}), and the live version did not set it aside. Correct the projector, then "
                "resume."
            ) from error
        refused.append(record)

    def _touch(self, connection: Connection, chosen: Iterable[tuple[Record, int]], refused: Sequence[Record]) -> None:
        away = {record.offset for record in refused}
        rows = [(record.partition, record.offset, batch, record.offset in away) for record, batch in chosen]
        connection.execute(
            self._sql(
                "INSERT INTO {stage}.touched SELECT * FROM unnest(%b::int[], %b::bigint[], %b::int[], %b::bool[])"
            ),
            [list(column) for column in zip(*rows, strict=True)],
        )

    def unset_impossible(self, connection: Connection, topic: str) -> int:
        """Rows of these keys that name a place nobody has projected yet are damaged: let anything be newer than them.

        Returns how many there were.
        """
        what = [self.projection.name, self.version, topic]
        counted = [
            (connection.execute(_impossible(live, table, "SELECT count(*) FROM"), what).fetchone() or (0,))[0]
            for live, table in zip(self.live, self._tables, strict=True)
        ]
        if not any(counted):
            return 0
        with connection.transaction():
            # Whoever writes meanwhile would make rows with places that seem to come too early.
            connection.execute(
                "SELECT FROM ctl.projection_offsets WHERE projection = %s AND version = %s AND topic = %s "
                "ORDER BY partition FOR UPDATE",
                what,
            )
            return sum(
                connection.execute(_impossible(live, table, "UPDATE"), what).rowcount
                for live, table in zip(self.live, self._tables, strict=True)
            )

    def claims(self, connection: Connection) -> dict[int, list[int]]:
        """Places that live rows of these keys name as newer than what was read, though nothing was read there.

        What the workers have written since is left out. By partition.
        """
        found: dict[int, set[int]] = {}
        for live, table in zip(self.live, self._tables, strict=True):
            rows = connection.execute(
                f"SELECT DISTINCT t.src_partition, t.src_offset FROM {table.fullname} AS m "  # noqa: S608
                f"JOIN {live.fullname} AS t USING ({', '.join(key_columns(table))}) "
                f"LEFT JOIN {self.schema}.progress AS p ON p.partition = t.src_partition "
                "WHERE (t.src_partition, t.src_offset) > (m.src_partition, m.src_offset) "
                "AND t.src_offset < coalesce(p.next_offset, t.src_offset + 1) "
                f"AND NOT EXISTS (SELECT FROM {self.schema}.touched AS o "
                'WHERE o.partition = t.src_partition AND o."offset" = t.src_offset)'.encode()
            )
            for partition, offset in rows:
                found.setdefault(partition, set()).add(offset)
        return {partition: sorted(offsets) for partition, offsets in found.items()}

    def compare(self, connection: Connection) -> int:
        """Find the live rows that chosen records once stood for, and don't any more. Returns how many."""
        found = 0
        with connection.transaction():
            _run(connection, f"ANALYZE {self.schema}.touched")
            for live, table in zip(self.live, self._tables, strict=True):
                _run(connection, f"ANALYZE {table.fullname}")
                extra = f"{self.schema}.extra_{table.name}"
                _run(connection, f"DROP TABLE IF EXISTS {extra}")
                keys = ", ".join(f"t.{key}" for key in key_columns(table))
                found += connection.execute(
                    f"CREATE UNLOGGED TABLE {extra} AS "  # noqa: S608
                    f"SELECT {keys}, t.src_partition, t.src_offset, x.batch FROM {live.fullname} AS t "
                    f'JOIN {self.schema}.touched AS x ON x.partition = t.src_partition AND x."offset" = t.src_offset '
                    f"WHERE NOT {_exists(table)}".encode()
                ).rowcount
                _run(connection, f"CREATE INDEX ON {extra} (batch)")
        return found

    def batches(self, connection: Connection) -> list[tuple[int, int]]:
        """(partition, batch) of all that is left to be replaced, in order."""
        return connection.execute(
            self._sql(
                "SELECT DISTINCT partition, batch FROM {stage}.keys "
                "WHERE batch NOT IN (SELECT batch FROM {stage}.done) ORDER BY batch"
            )
        ).fetchall()

    def replace(self, connection: Connection, batch: int) -> Replaced:
        """Put the rows of a batch in place of the live ones, and note it. In the caller's transaction.

        The caller holds the lock on the live version's position in the batch's partition, and has read up to it.
        """
        inserted = replaced = removed = 0
        for live, table in zip(self.live, self._tables, strict=True):
            removed += connection.execute(_removal(live, table, self.schema), [batch]).rowcount
            found = connection.execute(_replacement(live, table, self.schema), {"batch": batch}).fetchone()
            inserted, replaced = inserted + (found or (0, 0))[0], replaced + (found or (0, 0))[1]
        connection.execute(
            self._sql("INSERT INTO {stage}.done VALUES (%s, %s, %s, %s)"), [batch, inserted, replaced, removed]
        )
        return Replaced(inserted, replaced, removed)

    def mend_dead_letters(self, connection: Connection, batch: int, topic: str, run_id: object) -> int:
        """Records of the batch that were set aside, and are rows now, are fixed. Returns how many."""
        return connection.execute(
            self._sql(
                "UPDATE ctl.dead_letters AS d SET state = 'fixed', fixed_by_run_id = %s FROM {stage}.touched AS x "
                'WHERE x.batch = %s AND NOT x.is_refused AND d.partition = x.partition AND d."offset" = x."offset" '
                "AND d.projection = %s AND d.version = %s AND d.topic = %s AND d.state = 'open'"
            ),
            [run_id, batch, self.projection.name, self.version, topic],
        ).rowcount

    def replaced(self, connection: Connection) -> Replaced:
        """All that was done so far, also by a process that is dead."""
        found = connection.execute(
            self._sql(
                "SELECT coalesce(sum(inserted), 0)::bigint, coalesce(sum(replaced), 0)::bigint, "
                "coalesce(sum(removed), 0)::bigint FROM {stage}.done"
            )
        ).fetchall()
        return Replaced(*found[0])

    def _sql(self, statement: str) -> bytes:
        return statement.replace("{stage}", self.schema).encode()


def _exists(table: Table) -> str:
    """SQL: whether the stage has a row of the key of `t`."""
    match = " AND ".join(f"m.{key} = t.{key}" for key in key_columns(table))
    return f"EXISTS (SELECT FROM {table.fullname} AS m WHERE {match})"


def _impossible(live: Table, table: Table, begin: str) -> bytes:
    """Counts rows that name a place not projected yet, or sets that place to one before all others."""
    match = " AND ".join(f"m.{key} = t.{key}" for key in key_columns(table))
    where = (
        f"{match} AND (t.src_offset < 0 OR t.src_offset >= "  # noqa: S608
        "coalesce((SELECT o.next_offset FROM ctl.projection_offsets AS o WHERE o.projection = %s AND o.version = %s "
        "AND o.topic = %s AND o.partition = t.src_partition), 0))"
    )
    if begin == "UPDATE":
        return (
            f"UPDATE {live.fullname} AS t SET src_partition = -1, src_offset = -1 "  # noqa: S608
            f"FROM {table.fullname} AS m WHERE {where}"
        ).encode()
    return f"{begin} {live.fullname} AS t JOIN {table.fullname} AS m ON {where}".encode()


def _removal(live: Table, table: Table, schema: str) -> bytes:
    """Deletes what no record stands for: still not, and still the same row."""
    match = " AND ".join(f"e.{name} = t.{name}" for name in (*key_columns(table), *_LINEAGE))
    return (
        f"DELETE FROM {live.fullname} AS t USING {schema}.extra_{table.name} AS e "  # noqa: S608
        f"WHERE e.batch = %s AND {match} AND NOT {_exists(table)}"
    ).encode()


def _replacement(live: Table, table: Table, schema: str) -> bytes:
    """Puts rows in, and over those that differ, whatever their revision; counts both.

    A row is the repair's own to set when one of its records made it. Any other was made by a record that the repair did
    not read, and is dealt with as the live writer would.
    """
    names = [column.name for column in table.columns]
    keys = key_columns(table)
    assigned = _assigned(table, schema)
    changes = ", ".join(f"{name} = {value}" for name, value in assigned.items() if name not in keys)
    old, new = ", ".join(f"t.{name}" for name in names), ", ".join(assigned.values())
    return (
        f"WITH written AS (INSERT INTO {live.fullname} AS t ({', '.join(names)}) "  # noqa: S608
        f"SELECT {', '.join(f'm.{name}' for name in names)} FROM {schema}.touched AS x "
        f'JOIN {table.fullname} AS m ON m.src_partition = x.partition AND m.src_offset = x."offset" '
        f"WHERE x.batch = %(batch)s ORDER BY {', '.join(f'm.{key}' for key in keys)} "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes} "
        f"WHERE ROW({old}) IS DISTINCT FROM ROW({new}) AND {_wins(table, schema)} RETURNING xmax = 0 AS is_new) "
        "SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM written"
    ).encode()


def _assigned(table: Table, schema: str) -> dict[str, str]:
    """Column → SQL of its new value."""
    if not _is_rolling(table):
        return {column.name: f"excluded.{column.name}" for column in table.columns}
    own = _is_own(schema)
    assigned = {}
    for column in table.columns:
        name, fold = column.name, fold_of(column)
        kept, told = (f"{fold}(t.{name}, excluded.{name})", own) if fold else (f"t.{name}", f"({_IS_NEWEST} OR {own})")
        assigned[name] = f"CASE WHEN {told} THEN excluded.{name} ELSE {kept} END"
    return assigned


def _wins(table: Table, schema: str) -> str:
    """SQL: whether anything of the live row may be changed. Rollups are decided column by column."""
    return "true" if _is_rolling(table) else f"({_IS_NEWEST} OR {_is_own(schema)})"


def _is_rolling(table: Table) -> bool:
    return any(fold_of(column) for column in table.columns)


def _is_own(schema: str) -> str:
    """SQL: whether one of the repair's records made the live row, or none at all did (see `unset_impossible`)."""
    return (
        f"(t.src_partition < 0 OR EXISTS (SELECT FROM {schema}.touched AS o "
        'WHERE o.partition = t.src_partition AND o."offset" = t.src_offset))'
    )


def _run(connection: Connection, statement: str) -> None:
    connection.execute(statement.encode())


_IS_NEWEST = "(t.src_partition, t.src_offset) <= (excluded.src_partition, excluded.src_offset)"
#: What a repair needs to know beside its rows. Keys are bytes of any length, so they have no index.
_CONTROL = {
    "keys": "partition int NOT NULL, key bytea NOT NULL, batch int NOT NULL",
    "progress": "partition int PRIMARY KEY, next_offset bigint NOT NULL",
    "touched": (
        'partition int, "offset" bigint, batch int NOT NULL, is_refused boolean NOT NULL, '
        'PRIMARY KEY (partition, "offset")'
    ),
    "done": "batch int PRIMARY KEY, inserted bigint NOT NULL, replaced bigint NOT NULL, removed bigint NOT NULL",
}
