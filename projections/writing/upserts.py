"""Row operations into tables: folds a batch to one row a key, and writes it with one prepared statement a table.

What becomes of several rows of one key says `row_rule`. Binary arrays through `unnest`: one round trip and one plan
for any batch size.
"""

from collections.abc import Iterable, Sequence
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any

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
from projections.named_sql import NamedSql
from projections.projection import BadRecord, RowOp
from projections.writing.row_rule import Row, RowRule

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
_SQL = NamedSql(__file__)
_encode = msgspec.json.Encoder().encode


def rows_of(record: Record, operations: Iterable[RowOp], rev: int) -> list[Row]:
    """The operations of one record as rows. Raises BadRecord for a time no client could read back."""
    version = (record.partition, record.offset)
    rows = []
    for table, values in operations:
        unstorable = {}
        for name, value in values.items():
            if isinstance(value, datetime):
                check_time(name, value)
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


def check_time(name: str, time: datetime) -> datetime:
    """The time. Raises BadRecord for one without a zone, or that no client could read back."""
    if time.tzinfo is None:
        raise BadRecord(f"{name} has no time zone")
    # In UTC it may leave the years that Python and Postgres both have: one such row breaks every SELECT *.
    if not MINYEAR < time.year < MAXYEAR:
        raise BadRecord(f"{name} is out of range")
    return time


class Upsert:
    """Folds and writes the rows of one table."""

    def __init__(self, table: Table) -> None:
        self._rule = RowRule(table)
        self._dumps = tuple((column.name, _dump_of(column)) for column in table.columns)
        self.statement = _statement(table, self._rule)

    async def write(self, cursor: AsyncCursor[Any], rows: Iterable[Row]) -> None:
        """Fold and upsert. Raises psycopg's errors, and UnicodeError or OverflowError for unwritable values."""
        parameters = self.parameters(rows)
        if parameters:
            await cursor.execute(self.statement, parameters, prepare=True)

    def parameters(self, rows: Iterable[Row]) -> list[list[Any]]:
        """The folded rows as `statement` wants them: a list of values for each column; empty without rows."""
        folded = self._rule.fold(rows)
        if not folded:
            return []
        parameters = []
        for name, dump in self._dumps:
            values = [row[name] for row in folded]
            if dump is not None:
                values = [None if value is None else dump(value) for value in values]
            parameters.append(values)
        return parameters


def json_text(value: Any) -> str:
    """A JSON document without NUL characters, which jsonb refuses."""
    return storable_document(_encode(value).decode())


def _array_literal(values: Sequence[Any]) -> str:
    """`{a,b}`: only for values without commas, quotes and braces; the cast refuses what is none."""
    return "{" + ",".join(map(str, values)) + "}"


def _dump_of(column: Column[Any]) -> Any:
    """What turns a value into one element of the parameter array; None leaves it as it is."""
    if isinstance(column.type, JSONB):
        return json_text
    if isinstance(column.type, ARRAY):
        return json_text if isinstance(column.type.item_type, Text) else _array_literal
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


def _statement(table: Table, rule: RowRule) -> bytes:
    columns = list(table.columns)
    names = ", ".join(column.name for column in columns)
    parameters = ", ".join(f"%b::{_parameter_type(column)}" for column in columns)
    selected = ", ".join(_selected(column) for column in columns)
    return _SQL.filled(
        "upsert",
        table=table.fullname,
        columns=names,
        selected=selected,
        parameters=parameters,
        on_conflict=rule.on_conflict(),
    )
