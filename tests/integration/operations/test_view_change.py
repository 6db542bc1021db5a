"""Views that take each other's place on a real Postgres: they gain columns, and lose none."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from operations.versions.view_change import ViewRefused, replace_view

WHOLE = "-- Why.\nCREATE OR REPLACE VIEW analytics.numbers AS\nSELECT 1 AS one, 'x'::text AS word, now() AS at;"
SHORT = "CREATE OR REPLACE VIEW analytics.numbers AS\nSELECT 2 AS one -- nothing else\n;"


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def test_a_view_without_a_column_that_analysts_use_keeps_it_empty(connection: psycopg.Connection[Any]) -> None:
    replace_view(connection, "numbers", WHOLE)
    connection.execute("CREATE VIEW analytics.theirs AS SELECT word FROM analytics.numbers")
    replace_view(connection, "numbers", SHORT)
    assert connection.execute("SELECT one, word, at FROM analytics.numbers").fetchall() == [(2, None, None)]
    assert connection.execute("SELECT word FROM analytics.theirs").fetchall() == [(None,)]
    replace_view(connection, "numbers", WHOLE)
    assert connection.execute("SELECT word FROM analytics.theirs").fetchall() == [("x",)]


@pytest.mark.parametrize("columns", ["1 AS uno", "'1'::text AS one", "1 AS one, 'x'::text AS other"])
def test_a_column_that_changed_its_name_or_type_is_refused(connection: psycopg.Connection[Any], columns: str) -> None:
    replace_view(connection, "numbers", WHOLE)
    changed = f"CREATE OR REPLACE VIEW analytics.numbers AS\nSELECT {columns}"
    with pytest.raises(ViewRefused, match="only gains columns"):
        replace_view(connection, "numbers", changed)
    assert connection.execute("SELECT one, word FROM analytics.numbers").fetchall() == [(1, "x")]


def test_a_column_that_the_tables_lack_is_named(connection: psycopg.Connection[Any]) -> None:
    missing = "CREATE OR REPLACE VIEW analytics.numbers AS\nSELECT nothing FROM proj_v1.messages"
    with pytest.raises(ViewRefused, match='column "nothing" does not exist'):
        replace_view(connection, "numbers", missing)
