"""Binary rows: each type as Postgres wants it, and refused what the live writer would refuse."""

import struct
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, Double, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from operations.versions.copy_rows import encoder, lineage_encoder
from projections.tables import LINEAGE, proj_metadata

ID = "0198f3c1-0000-7000-8000-00000000002a"


def lineage_columns() -> list[Column[Any]]:
    types = (Text, Integer, BigInteger, Integer)
    return [Column(name, type_, nullable=False) for name, type_ in zip(LINEAGE, types, strict=True)]


def table(*columns: Column[Any]) -> Table:
    return Table("things", MetaData(), *columns, *lineage_columns())


def fields(row: bytes) -> list[bytes | None]:
    """The row's values, as Postgres would take it apart."""
    (count,) = struct.unpack_from(">h", row)
    found: list[bytes | None] = []
    at = 2
    for _ in range(count):
        (size,) = struct.unpack_from(">i", row, at)
        at += 4
        found.append(None if size < 0 else row[at : at + size])
        at += max(size, 0)
    assert at == len(row)
    return found


def encoded(type_: Any, value: Any, *, nullable: bool) -> bytes | None:
    """One value between two texts."""
    things = table(
        Column("a", Text, nullable=False), Column("b", type_, nullable=nullable), Column("c", Text, nullable=False)
    )
    before, between, after, *lineage = fields(
        encoder(things)({"a": "x", "b": value, "c": "z"}, lineage_encoder("t", 3, 1)(77))
    )
    assert (before, after, len(lineage)) == (b"x", b"z", len(LINEAGE))
    return between


@pytest.mark.parametrize("nullable", [True, False])
@pytest.mark.parametrize(
    ("type_", "value", "bytes_"),
    [
        (TIMESTAMP(timezone=True), datetime(2000, 1, 1, 0, 0, 1, 5, UTC), struct.pack(">q", 1_000_005)),
        (TIMESTAMP(timezone=True), datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), struct.pack(">q", -1_000_000)),
        (
            TIMESTAMP(timezone=True),
            datetime(2000, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            struct.pack(">q", 0),
        ),
        (Boolean(), True, b"\1"),
        (Boolean(), False, b"\0"),
        (Integer(), -2, struct.pack(">i", -2)),
        (BigInteger(), 2**40, struct.pack(">q", 2**40)),
        (Double(), 0.93, struct.pack(">d", 0.93)),
        (Date(), date(2000, 1, 3), struct.pack(">i", 2)),
        (Uuid(as_uuid=False), ID, UUID(ID).bytes),
        (Text(), "é", "é".encode()),
        (JSONB(), {"a": [1]}, b'\1{"a":[1]}'),
        (ARRAY(Text), (), struct.pack(">iii", 0, 0, 25)),
        (ARRAY(Uuid(as_uuid=False)), (ID,), struct.pack(">iiiiii", 1, 0, 2950, 1, 1, 16) + UUID(ID).bytes),
    ],
)
def test_a_value_is_as_postgres_wants_it(type_: Any, value: Any, bytes_: bytes, nullable: bool) -> None:
    assert encoded(type_, value, nullable=nullable) == bytes_
    if nullable:
        assert encoded(type_, None, nullable=True) is None


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (TIMESTAMP(timezone=True), datetime(2026, 3, 2)),  # noqa: DTZ001
        (TIMESTAMP(timezone=True), datetime(9999, 1, 1, tzinfo=UTC)),
        (TIMESTAMP(timezone=True), datetime(1, 12, 31, tzinfo=UTC)),
        (Boolean(), "yes"),
        (Integer(), 2**31),
        (BigInteger(), 2**63),
        (Uuid(as_uuid=False), "0198f3c1"),
        (Uuid(as_uuid=False), "no such thing as this id"),
        (Text(), "\ud800"),
        (Text(), None),
        (Boolean(), None),
        (Uuid(as_uuid=False), None),
        (TIMESTAMP(timezone=True), None),
    ],
)
def test_what_the_live_writer_refuses_is_refused(type_: Any, value: Any) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError, struct.error)):
        encoded(type_, value, nullable=False)


def test_lineage_stands_at_the_end() -> None:
    row = encoder(table(Column("a", Text)))({"a": None}, lineage_encoder("messages", 3, 2)(77))
    assert fields(row) == [None, b"messages", struct.pack(">i", 3), struct.pack(">q", 77), struct.pack(">i", 2)]


def test_every_table_of_rows_can_be_written() -> None:
    assert all(encoder(one) for one in proj_metadata(1).sorted_tables)


def test_a_table_that_ends_otherwise_is_refused() -> None:
    with pytest.raises(TypeError, match="lineage"):
        encoder(Table("things", MetaData(), *lineage_columns(), Column("late", Text)))
