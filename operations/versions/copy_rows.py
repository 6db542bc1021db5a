"""Rows for psycopg's binary COPY: a table's types, and its values in the order of its columns."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, BigInteger, Column, Integer, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from operations.versions.table_copies import type_name
from projections.tables import LINEAGE
from projections.writing.upserts import check_time, json_text

#: So many ids are kept ready.
_KEPT_IDS = 20_000


class _Ids(dict[str, UUID]):
    """Ids by their texts: what one webhook led to stands close together in the log, and repeats them."""

    def __missing__(self, text: str) -> UUID:
        if len(self) >= _KEPT_IDS:
            self.clear()
        self[text] = id_ = UUID(text)
        return id_


_id = _Ids().__getitem__


class CopyRows:
    """How rows of one table are copied."""

    def __init__(self, table: Table) -> None:
        columns = list(table.columns)
        if tuple(column.name for column in columns[-len(LINEAGE) :]) != LINEAGE:
            raise TypeError(f"{table}: the lineage columns have to be the last ones")
        #: Names of the columns' types, for `copy.set_types`.
        self.types = [type_name(column.type) for column in columns]
        self._values = itemgetter(*(column.name for column in columns[: -len(LINEAGE)]))
        converters = [(number, _converter(column)) for number, column in enumerate(columns[: -len(LINEAGE)])]
        self._converters = [(number, convert) for number, convert in converters if convert is not None]

    def row(self, values: Mapping[str, Any], lineage: tuple[str, int, int, int]) -> list[Any]:
        """The row for `copy.write_row`, which refuses more.

        Raises ValueError, TypeError, KeyError, AttributeError or OverflowError for a bad value.
        """
        row = [*self._values(values), *lineage]
        for number, convert in self._converters:
            value = row[number]
            if value is not None:
                row[number] = convert(value)
        return row


def _converter(column: Column[Any]) -> Callable[[Any], Any] | None:  # noqa: PLR0911 - a table
    """What makes psycopg take a value for the column's type; None where it does as it is."""
    match column.type:
        case TIMESTAMP():
            return lambda time: check_time(column.name, time)
        case Uuid():
            return _id
        case BigInteger():
            return None
        case Integer():
            return _check_int4
        case JSONB():
            return lambda document: Jsonb(document, dumps=json_text)
        case ARRAY(item_type=Uuid()):
            return lambda ids: [_id(text) for text in ids]
        case ARRAY():
            return list
    return None


def _check_int4(number: int) -> int:
    """The number. Raises OverflowError: psycopg would copy the lower half of a larger one."""
    if not -(2**31) <= number < 2**31:
        raise OverflowError("a number is out of range")
    return number
