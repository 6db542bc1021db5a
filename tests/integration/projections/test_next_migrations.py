"""Migrations that people add: those the docs show, in a copy of the house, while others work with the database."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.integration.projections.later_house import LaterHouse

AGREEMENT = "tests/integration/projections/test_migrate.py::test_migrations_make_what_is_declared"
OF_MIGRATIONS = (
    "tests/unit/projections/test_frozen_migrations.py",
    "tests/integration/projections/test_migrate.py",
    "tests/integration/projections/test_migration_steps.py",
)
INDEX = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('proj_v1.ix_messages_campaign_id')"


@pytest.fixture
def later(tmp_path: Path, postgres_url: str) -> LaterHouse:
    """The copy, with nothing changed yet."""
    return LaterHouse(tmp_path, postgres_url)


@pytest.fixture
def grown(later: LaterHouse) -> LaterHouse:
    """The copy, with declarations and migrations."""
    later.declare_more()
    later.add_migrations()
    return later


@pytest.fixture
def session(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody else's connection."""
    with psycopg.connect(database_url, application_name="somebody-else") as connection:
        yield connection


def until(done: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def answer(url: str, query: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(query.encode()).fetchone()
        return found and found[0]


def migrating(url: str) -> int:
    """Processes that migrate this database, or wait for their turn."""
    return int(
        answer(
            url,
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE application_name = 'headrace-migrate' AND datname = current_database()",
        )
    )


def until_said(process: "subprocess.Popen[str]", words: str) -> str:
    """What it says up to the line with these words."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it ended without {words!r}: {said}")


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


@pytest.mark.timeout(400)
def test_declarations_need_migrations_and_the_next_ones_pass_every_test_of_this_one(later: LaterHouse) -> None:
    later.declare_more()
    alone = later.test(AGREEMENT)
    assert (alone.returncode, "analytics.lead_splits" in alone.stdout) == (1, True), alone.stdout
    later.add_migrations()
    together = later.test(*OF_MIGRATIONS)
    assert together.returncode == 0, together.stdout


def test_an_index_is_built_beside_open_transactions_while_other_processes_wait_for_their_turn(
    grown: LaterHouse, database_url: str, session: psycopg.Connection[Any]
) -> None:
    session.execute("LOCK TABLE proj_v1.messages IN ROW EXCLUSIVE MODE")
    building = grown.headrace(database_url, "db", "migrate")
    until(lambda: answer(database_url, INDEX) is False)
    waiting = grown.headrace(database_url, "db", "migrate")
    until(lambda: migrating(database_url) == 2)
    # Writers are not in the way of the index, nor it in theirs.
    with psycopg.connect(database_url, options="-c lock_timeout=5s") as writer:
        writer.execute("UPDATE proj_v1.messages SET campaign_id = NULL")
    session.rollback()
    assert ended(building)[0] == 0
    status, output = ended(waiting)
    assert (status, "Another process migrates this database" in output) == (0, True), output
    assert answer(database_url, INDEX) is True


def test_an_index_that_was_interrupted_is_built_anew(
    grown: LaterHouse, database_url: str, session: psycopg.Connection[Any]
) -> None:
    session.execute("LOCK TABLE proj_v1.messages IN ROW EXCLUSIVE MODE")
    building = grown.headrace(database_url, "db", "migrate")
    until(lambda: answer(database_url, INDEX) is False)
    building.kill()
    ended(building)
    session.rollback()
    until(lambda: migrating(database_url) == 0)
    assert ended(grown.headrace(database_url, "db", "migrate"))[0] == 0
    assert answer(database_url, INDEX) is True


def test_an_index_that_gives_way_is_built_as_soon_as_nobody_is_in_its_way(
    grown: LaterHouse, database_url: str, session: psycopg.Connection[Any]
) -> None:
    grown.replace("30min", "3s")
    session.execute("LOCK TABLE proj_v1.messages IN ROW EXCLUSIVE MODE")
    building = grown.headrace(database_url, "db", "migrate")
    # It asks who is in its way once it has given up: somebody who went at the same moment would not be named.
    said = until_said(building, "gives way")
    session.rollback()
    status, output = ended(building)
    assert (status, "somebody-else" in said) == (0, True), said + output
    assert answer(database_url, INDEX) is True


def test_a_view_reads_the_version_that_is_live_and_tables_with_rows_stay(grown: LaterHouse, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE SCHEMA proj_v2")
        connection.execute("CREATE TABLE proj_v2.lead_splits (LIKE proj_v1.lead_splits INCLUDING ALL)")
        connection.execute("UPDATE ctl.projection_versions SET version = 2 WHERE projection = 'leads'")
        connection.execute("INSERT INTO ctl.projection_offsets VALUES ('leads', 2, 'messages', 0, 7, NULL, now())")
    assert ended(grown.headrace(database_url, "db", "migrate"))[0] == 0
    assert "proj_v2.lead_splits" in answer(database_url, "SELECT pg_get_viewdef('analytics.lead_splits'::regclass)")
    columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'proj_v1.lead_splits'::regclass AND attname = 'note'"
    assert answer(database_url, columns) == 0
