"""Rows by COPY: every type comes back from Postgres as it went in, and what the live writer refuses is refused."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.schema import CreateTable

from operations.versions.copy_rows import CopyRows
from operations.versions.table_copies import run_ddl
from projections.tables import LINEAGE, proj_metadata
from projections.writing.bad_records import ROW_ERRORS

ID = "0198f3c1-0000-7000-8000-00000000002a"


@pytest.fixture
def connection(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield connection
        connection.rollback()


def lineage_columns() -> list[Column[Any]]:
    types = (Text, Integer, BigInteger, Integer)
    return [Column(name, type_, nullable=False) for name, type_ in zip(LINEAGE, types, strict=True)]


def copied(connection: psycopg.Connection[Any], type_: Any, value: Any, *, nullable: bool = True) -> Any:
    """A row with this value between two texts, as it comes back."""
    columns = [Column("a", Text), Column("b", type_, nullable=nullable), Column("c", Text), *lineage_columns()]
    things = Table("things", MetaData(), *columns, prefixes=["TEMPORARY"])
    run_ddl(connection, CreateTable(things))
    rows = CopyRows(things)
    with connection.cursor().copy("COPY things FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(rows.types)
        copy.write_row(rows.row({"a": "x", "b": value, "c": "z"}, ("messages", 3, 77, 2)))
    ((before, between, after, *lineage),) = connection.execute("SELECT * FROM things").fetchall()
    assert (before, after, lineage) == ("x", "z", ["messages", 3, 77, 2])
    return between


@pytest.mark.parametrize(
    ("type_", "value", "stored"),
    [
        (TIMESTAMP(timezone=True), datetime(2000, 1, 1, 0, 0, 1, 5, UTC), datetime(2000, 1, 1, 0, 0, 1, 5, UTC)),
        (
            TIMESTAMP(timezone=True),
            datetime(2000, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            datetime(2000, 1, 1, tzinfo=UTC),
        ),
        (Boolean(), True, True),
        (Integer(), -(2**31), -(2**31)),
        (BigInteger(), 2**40, 2**40),
        (Double(), 0.93, 0.93),
        (Double(), 1, 1.0),
        (Date(), date(2000, 1, 3), date(2000, 1, 3)),
        (Uuid(as_uuid=False), ID, UUID(ID)),
        (Text(), "é", "é"),
        (LargeBinary(), b"\0\xff", b"\0\xff"),
        (JSONB(), {"a": [1, None]}, {"a": [1, None]}),
        (JSONB(), {"a": "b\0c"}, {"a": "bc"}),
        (ARRAY(Text), (), []),
        (ARRAY(Text), ("a,b", '"'), ["a,b", '"']),
        (ARRAY(Uuid(as_uuid=False)), (ID,), [UUID(ID)]),
        (ARRAY(BigInteger), (1, 2**40), [1, 2**40]),
        (Text(), None, None),
        (JSONB(), None, None),
        (Uuid(as_uuid=False), None, None),
    ],
)
def test_a_value_comes_back_as_it_went_in(
    connection: psycopg.Connection[Any], type_: Any, value: Any, stored: Any
) -> None:
    assert copied(connection, type_, value) == stored


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (TIMESTAMP(timezone=True), datetime(2026, 3, 2)),  # noqa: DTZ001
        (TIMESTAMP(timezone=True), datetime(9999, 1, 1, tzinfo=UTC)),
        (TIMESTAMP(timezone=True), datetime(1, 12, 31, tzinfo=UTC)),
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
def test_what_the_live_writer_refuses_is_refused(connection: psycopg.Connection[Any], type_: Any, value: Any) -> None:
    with pytest.raises((ValueError, TypeError, *ROW_ERRORS)):
        copied(connection, type_, value, nullable=False)


def test_every_table_of_rows_can_be_written() -> None:
    assert all(CopyRows(table).types for table in proj_metadata(1).sorted_tables)


def test_a_table_that_ends_otherwise_is_refused() -> None:
    with pytest.raises(TypeError, match="lineage"):
        CopyRows(Table("things", MetaData(), *lineage_columns(), Column("late", Text)))
