"""Row operations into tables: folds a batch to one row a key, and writes it with one prepared statement a table.

The result depends on which rows came, not on their order, batches or repeats: the newest version of a key wins
(partition, offset, then projector revision), and rollup columns move by LEAST and GREATEST.
Binary arrays through `unnest`: one round trip and one plan for any batch size.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any, NamedTuple

import msgspec
from psycopg import AsyncCursor
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Date,
    Double,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from headrace.events.records import Record
from headrace.events.storable import storable, storable_document
from projections.projection import BadRecord, RowOp
from projections.tables import fold_of, key_columns

_VERSION = ("src_partition", "src_offset", "proj_rev")
#: Column type → the array its values travel in; texts are cast on arrival.
_PARAMETER_TYPES: tuple[tuple[Any, str], ...] = (
    (TIMESTAMP, "timestamptz[]"),
    (Boolean, "boolean[]"),
    (Integer, "bigint[]"),
    (Double, "double precision[]"),
    (Date, "date[]"),
    (LargeBinary, "bytea[]"),
    ((Text, Uuid, JSONB, ARRAY), "text[]"),
)
_encode = msgspec.json.Encoder().encode


class Row(NamedTuple):
    """A row operation with its lineage: all columns by name."""

    table: str
    #: (partition, offset); the revision is the same for a whole batch.
    version: tuple[int, int]
    values: Mapping[str, Any]


def rows_of(record: Record, operations: Iterable[RowOp], rev: int) -> list[Row]:
    """The operations of one record as rows. Raises BadRecord for a time no client could read back."""
    version = (record.partition, record.offset)
    rows = []
    for table, values in operations:
        unstorable = {}
        for name, value in values.items():
            if isinstance(value, datetime):
                _check_time(name, value)
            elif type(value) is str and "\x00" in value:
                unstorable[name] = storable(value)
        lineage = {
            "src_topic": record.topic,
            "src_partition": record.partition,
            "src_offset": record.offset,
            "proj_rev": rev,
        }
        rows.append(Row(table, version, {**values, **unstorable, **lineage}))
    return rows


def _check_time(name: str, time: datetime) -> None:
    if time.tzinfo is None:
        raise BadRecord(f"{name} has no time zone")
    # In UTC it may leave the years that Python and Postgres both have: one such row breaks every SELECT *.
    if not MINYEAR < time.year < MAXYEAR:
        raise BadRecord(f"{name} is out of range")


class Upsert:
    """Folds and writes the rows of one table."""

    def __init__(self, table: Table) -> None:
        self._columns = tuple(column.name for column in table.columns)
        self._key = key_columns(table)
        self._folds = {column.name: fold for column in table.columns if (fold := fold_of(column)) is not None}
        self._dumps = tuple((column.name, _dump_of(column)) for column in table.columns)
        self.statement = _statement(table).encode()

    def fold(self, rows: Iterable[Row]) -> list[Mapping[str, Any]]:
        """One row a key, ordered by key, so that two writers lock rows in the same order."""
        folded: dict[tuple[Any, ...], Row] = {}
        for row in rows:
            key = tuple(row.values[name] for name in self._key)
            known = folded.get(key)
            folded[key] = row if known is None else self._newer(known, row)
        return [folded[key].values for key in sorted(folded)]

    async def write(self, cursor: AsyncCursor[Any], rows: Iterable[Row]) -> None:
        """Fold and upsert. Raises psycopg's errors, and UnicodeError or OverflowError for unwritable values."""
        parameters = self.parameters(rows)
        if parameters:
            await cursor.execute(self.statement, parameters, prepare=True)

    def parameters(self, rows: Iterable[Row]) -> list[list[Any]]:
        """The folded rows as `statement` wants them: a list of values for each column; empty without rows."""
        folded = self.fold(rows)
        if not folded:
            return []
        parameters = []
        for name, dump in self._dumps:
            values = [row[name] for row in folded]
            if dump is not None:
                values = [None if value is None else dump(value) for value in values]
            parameters.append(values)
        return parameters

    def _newer(self, known: Row, row: Row) -> Row:
        newest = row if row.version >= known.version else known
        if not self._folds:
            return newest
        folded = dict(newest.values)
        for name, fold in self._folds.items():
            times = [v for v in (known.values[name], row.values[name]) if v is not None]
            folded[name] = (min if fold == "least" else max)(times) if times else None
        return Row(newest.table, newest.version, folded)


def _json_text(value: Any) -> str:
    """Without NUL characters, which jsonb refuses."""
    return storable_document(_encode(value).decode())


def _array_literal(values: Sequence[Any]) -> str:
    """`{a,b}`: only for values without commas, quotes and braces; the cast refuses what is none."""
    return "{" + ",".join(map(str, values)) + "}"


def _dump_of(column: Column[Any]) -> Any:
    """What turns a value into one element of the parameter array; None leaves it as it is."""
    if isinstance(column.type, JSONB):
        return _json_text
    if isinstance(column.type, ARRAY):
        return _json_text if isinstance(column.type.item_type, Text) else _array_literal
    return None


def _parameter_type(column: Column[Any]) -> str:
    for type_, parameter in _PARAMETER_TYPES:
        if isinstance(column.type, type_):
            return parameter
    raise TypeError(f"{column}: projections can't write {column.type!r} yet; add it to {__name__}")


def _selected(column: Column[Any]) -> str:
    """The incoming value in the column's own type."""
    match column.type:
        case Uuid():
            return f"i.{column.name}::uuid"
        case JSONB():
            return f"i.{column.name}::jsonb"
        case ARRAY(item_type=Text()):
            return f"ARRAY(SELECT jsonb_array_elements_text(i.{column.name}::jsonb))"
        case ARRAY(item_type=Uuid()):
            return f"i.{column.name}::uuid[]"
        case ARRAY():
            return f"i.{column.name}::bigint[]"
    return f"i.{column.name}"


def _statement(table: Table) -> str:
    columns = list(table.columns)
    names = ", ".join(column.name for column in columns)
    parameters = ", ".join(f"%b::{_parameter_type(column)}" for column in columns)
    selected = ", ".join(_selected(column) for column in columns)
    # Identifiers come from our own table declarations, values only through parameters.
    return (
        f"INSERT INTO {table.fullname} AS t ({names}) "  # noqa: S608
        f"SELECT {selected} FROM unnest({parameters}) AS i ({names}) "
        f"ON CONFLICT ({', '.join(key_columns(table))}) DO UPDATE SET {_assignments(table)} "
        f"WHERE {_guard(table)}"
    )


def _assignments(table: Table) -> str:
    keys = key_columns(table)
    folds = {column.name: fold_of(column) for column in table.columns if column.name not in keys}
    rolling = any(folds.values())
    return ", ".join(f"{name} = {_assigned(name, fold, rolling)}" for name, fold in folds.items())


def _assigned(name: str, fold: str | None, rolling: bool) -> str:
    if fold is not None:
        return f"{fold}(t.{name}, excluded.{name})"
    if not rolling:
        return f"excluded.{name}"
    # Beside a rollup, lineage still tells the newest record, even when an older one moved the rollup.
    return f"CASE WHEN {_is_newer()} THEN excluded.{name} ELSE t.{name} END"


def _guard(table: Table) -> str:
    """True when the incoming row changes anything."""
    moves = []
    for column in table.columns:
        fold = fold_of(column)
        if fold is not None:
            moves.append(f"{fold}(t.{column.name}, excluded.{column.name}) IS DISTINCT FROM t.{column.name}")
    return " OR ".join([_is_newer(), *moves])


def _is_newer() -> str:
    stored = ", ".join(f"t.{name}" for name in _VERSION)
    incoming = ", ".join(f"excluded.{name}" for name in _VERSION)
    return f"({stored}) < ({incoming})"
