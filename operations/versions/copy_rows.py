"""Rows as Postgres' binary COPY wants them: one generated encoder a table, because this is the hot loop.

Values that an encoder refuses (ValueError, TypeError, KeyError, struct.error, UnicodeError and the like) would have
been refused by the live writer, too, or were never written by it.
"""

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, Double, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from projections.tables import LINEAGE

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

#: (a row's values by column name, its lineage from a `lineage_encoder`) → its bytes.
Encode = Callable[[Mapping[str, Any], bytes], bytes]

_NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(2000, 1, 1).toordinal()
_DAY_US = 86_400_000_000
#: The live writer refuses times of other years; see `upserts`.
_FIRST_DAY = (datetime(2, 1, 1, tzinfo=UTC) - _EPOCH).days
_LAST_DAY = (datetime(9998, 12, 31, tzinfo=UTC) - _EPOCH).days
_int = struct.Struct(">i").pack
_json = msgspec.json.Encoder().encode
_TEXT_OID, _UUID_OID, _BIGINT_OID = 25, 2950, 20
#: Values that repeat are kept ready: so many short texts of each column, and so many ids altogether.
_KEPT_TEXTS = 2_000
_KEPT_LENGTH = 64
_KEPT_IDS = 20_000


class _Fixed(NamedTuple):
    """How a value that takes the same number of bytes in every row is packed."""

    #: For `struct`, without the length that goes before.
    code: str
    #: The length that goes before; None when it is part of what `convert` makes.
    size: int | None
    #: Name of the function that makes what is packed of the value; empty for the value itself.
    convert: str = ""


def encoder(table: Table) -> Encode:
    """What encodes the table's rows, in the order of its columns."""
    *columns, _, _, _, _ = table.columns
    if tuple(column.name for column in list(table.columns)[-len(LINEAGE) :]) != LINEAGE:
        raise TypeError(f"{table}: the lineage columns have to be the last ones")
    scope: dict[str, Any] = {"us": _us, "day": _day, "flag": _flag, "uuid": _IDS.__getitem__, "null": _NULL}
    parts = [repr(struct.pack(">h", len(table.columns)))]
    for together, neighbours in groupby(columns, lambda column: _fixed(column) is not None):
        group = list(neighbours)
        parts += [_packed(group, scope)] if together else [_single(column, scope) for column in group]
    # Of our own column names alone. Looping over the columns takes three times as long.
    exec(f"def encode(v, lineage): return b''.join(({', '.join(parts)}, lineage))", scope)  # noqa: S102
    encode: Encode = scope["encode"]
    return encode


def lineage_encoder(topic: str, partition: int, rev: int) -> Callable[[int], bytes]:
    """What encodes the lineage columns of a partition's records: offset → bytes."""
    before = _text(topic) + struct.pack(">iii", 4, partition, 8)
    pack = struct.Struct(f">{len(before)}sqii").pack
    return lambda offset: pack(before, offset, 4, rev)


def _packed(columns: list[Column[Any]], scope: dict[str, Any]) -> str:
    """The expression for neighbours of fixed length: all of them in one call."""
    codes, arguments = "", []
    for column in columns:
        fixed = _fixed(column)
        assert fixed is not None  # noqa: S101 - what put them together
        codes += fixed.code if fixed.size is None else f"i{fixed.code}"
        value = f"{fixed.convert}(v[{column.name!r}])"
        arguments.append(value if fixed.size is None else f"{fixed.size}, {value}")
    name = f"pack_{columns[0].name}"
    scope[name] = struct.Struct(f">{codes}").pack
    return f"{name}({', '.join(arguments)})"


def _single(column: Column[Any], scope: dict[str, Any]) -> str:
    """The expression for a value of any length, or that may be missing."""
    name = f"one_{column.name}"
    scope[name] = _field(column)
    if not column.nullable:
        return f"{name}(v[{column.name!r}])"
    return f"null if (x := v[{column.name!r}]) is None else {name}(x)"


def _fixed(column: Column[Any]) -> _Fixed | None:  # noqa: PLR0911 - a table
    """How the column is packed; None when its length differs from row to row."""
    if column.nullable:
        return None
    match column.type:
        case TIMESTAMP():
            return _Fixed("q", 8, "us")
        case Boolean():
            return _Fixed("b", 1, "flag")
        case BigInteger():
            return _Fixed("q", 8)
        case Integer():
            return _Fixed("i", 4)
        case Double():
            return _Fixed("d", 8)
        case Date():
            return _Fixed("i", 4, "day")
        case Uuid():
            return _Fixed("20s", None, "uuid")
    return None


def _field(column: Column[Any]) -> Callable[[Any], bytes]:  # noqa: PLR0911, PLR0912 - a table
    """What encodes a value that is there."""
    match column.type:
        case TIMESTAMP():
            return _sized(">iq", 8, _us)
        case Boolean():
            return _sized(">ib", 1, _flag)
        case BigInteger():
            return _sized(">iq", 8)
        case Integer():
            return _sized(">ii", 4)
        case Double():
            return _sized(">id", 8)
        case Date():
            return _sized(">ii", 4, _day)
        case LargeBinary():
            return _bytes
        case Uuid():
            return _IDS.__getitem__
        case JSONB():
            return _jsonb
        case ARRAY(item_type=Text()):
            return _array(_TEXT_OID, _text)
        case ARRAY(item_type=Uuid()):
            return _array(_UUID_OID, _IDS.__getitem__)
        case ARRAY():
            return _array(_BIGINT_OID, _sized(">iq", 8))
        case Text():
            return _Texts().__getitem__
    raise TypeError(f"{column}: rebuilds can't write {column.type!r} yet; add it to {__name__}")


class _Texts(dict[str, bytes]):
    """Encoded texts of a column; short ones are kept, because most columns repeat theirs."""

    def __missing__(self, text: str) -> bytes:
        encoded = _text(text)
        if len(encoded) < _KEPT_LENGTH and len(self) < _KEPT_TEXTS:
            self[text] = encoded
        return encoded


class _Ids(dict[str, bytes]):
    """Encoded ids: what one webhook led to stands close together in the log, and repeats them."""

    def __missing__(self, text: str) -> bytes:
        raw = bytes.fromhex(text.replace("-", ""))
        if len(raw) != 16:
            raise ValueError("a value is no UUID")
        if len(self) >= _KEPT_IDS:
            self.clear()
        self[text] = encoded = b"\0\0\0\x10" + raw
        return encoded


_IDS = _Ids()
_flag = {True: 1, False: 0}.__getitem__


def _us(value: datetime) -> int:
    """Microseconds since Postgres' epoch. TypeError for a time without zone, ValueError for one out of range."""
    since = value - _EPOCH
    days = since.days
    if not _FIRST_DAY <= days <= _LAST_DAY:
        raise ValueError("a time is out of range")
    return days * _DAY_US + since.seconds * 1_000_000 + since.microseconds


def _day(value: date) -> int:
    return value.toordinal() - _EPOCH_DAY


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _int(len(encoded)) + encoded


def _bytes(value: bytes) -> bytes:
    return _int(len(value)) + value


def _jsonb(value: Any) -> bytes:
    encoded = _json(value)
    return _int(len(encoded) + 1) + b"\1" + encoded


def _sized(format_: str, size: int, convert: Callable[[Any], Any] | None = None) -> Callable[[Any], bytes]:
    pack = struct.Struct(format_).pack
    return (lambda value: pack(size, value)) if convert is None else (lambda value: pack(size, convert(value)))


def _array(oid: int, item: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    def encode(values: Any) -> bytes:
        if not values:
            body = struct.pack(">iii", 0, 0, oid)
        else:
            body = struct.pack(">iiiii", 1, 0, oid, len(values), 1) + b"".join(map(item, values))
        return _int(len(body)) + body

    return encode
