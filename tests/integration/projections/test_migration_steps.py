"""Migrations on databases full of rows: each step down and up again, and all of it anew."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql

from operations.versions.losses import Loss, losses
from projections import migrations
from projections.migrate import downgrade, status, upgrade
from tests.integration.projections.catalog import Catalog, catalog, differences, noted_versions
from tests.integration.projections.event_log import EventLog
from tests.integration.projections.populated import Contents, contents, populate

CHANGED_PROGRAM = Path(__file__).parents[1] / "schema_change" / "changed_program.py"

#: Where migrations note what the tables look like: a step may change a shape, and notes projections that it makes.
NOTES = "ctl.projection_versions"


def revisions() -> list[str]:
    """All of them, newest first, and `base`."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    return [*(script.revision for script in ScriptDirectory.from_config(config).walk_revisions()), "base"]


def new_catalog(url: str, revision: str) -> Catalog:
    """What an empty database becomes by that revision."""
    upgrade(url, revision)
    return catalog(url)


def _columns(rows: list[dict[str, Any]]) -> set[str]:
    return set(rows[0]) if rows else set()


def _cut(rows: list[dict[str, Any]], columns: set[str]) -> list[dict[str, Any]]:
    return sorted(({name: row[name] for name in row if name in columns} for row in rows), key=str)


def assert_survived(before: Contents, after: Contents) -> None:
    """Every table that is in both still has exactly the rows of `before`, in the columns that both have."""
    among = (before.keys() & after.keys()) - {NOTES}
    assert {name: len(after[name]) for name in among} == {name: len(before[name]) for name in among}
    for name in among:
        columns = _columns(before[name]) & _columns(after[name])
        assert _cut(after[name], columns) == _cut(before[name], columns), name


def versions_noted(rows: Contents) -> set[tuple[str, int, str]]:
    """Projection, version and state of everything that is noted."""
    return {(row["projection"], row["version"], row["state"]) for row in rows.get(NOTES, [])}


def assert_told(told: list[Loss], schema: Catalog, before: Contents, below_schema: Catalog, below: Contents) -> None:
    """The losses were told: each row, each column, and nothing that is still there."""
    rows = {name: len(before[name]) - len(below.get(name, [])) for name in before}
    assert {one.name: one.rows for one in told if one.rows} == {name: gone for name, gone in rows.items() if gone}
    columns = {column for column, *_ in schema["columns"]} - {column for column, *_ in below_schema["columns"]}
    named = {one.name for one in told if not one.columns}
    dropped = {f"{one.name}.{column}" for one in told for column in one.columns}
    assert {one for one in columns if one.rpartition(".")[0] not in named} == dropped


def read_every_view(url: str) -> None:
    with psycopg.connect(url) as connection:
        for (view,) in connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'analytics'").fetchall():
            connection.execute(sql.SQL("SELECT * FROM analytics.{}").format(sql.Identifier(view)))


def test_each_step_down_keeps_what_it_does_not_drop_and_the_step_up_restores_the_schema(
    database_url: str, events: EventLog, empty_database: Callable[[], str]
) -> None:
    asyncio.run(populate(database_url, events))
    assert [name for name, rows in contents(database_url).items() if not rows] == []
    for newer, older in pairwise(revisions()):
        schema, before = catalog(database_url), contents(database_url)
        told = losses(database_url, older)
        assert (catalog(database_url), contents(database_url)) == (schema, before)
        downgrade(database_url, older)
        assert status(database_url).revision == (None if older == "base" else older)
        below = contents(database_url)
        assert below.keys() <= before.keys()
        assert_told(told, schema, before, catalog(database_url), below)
        assert_survived(before, below)
        assert versions_noted(below) <= versions_noted(before)
        read_every_view(database_url)
        upgrade(database_url, newer)
        # Tables with rows keep what they have; those that are made anew are as in a new installation of that day.
        wanted = new_catalog(empty_database(), newer) if older == "base" else schema
        assert differences(catalog(database_url), wanted) == {}
        assert_survived(below, contents(database_url))
        assert versions_noted(contents(database_url)) >= versions_noted(below)
        read_every_view(database_url)
        downgrade(database_url, older)


def test_after_all_is_dropped_the_same_log_makes_the_same_rows(database_url: str, events: EventLog) -> None:
    asyncio.run(populate(database_url, events))
    schema, before = catalog(database_url), contents(database_url)
    downgrade(database_url)
    assert contents(database_url) == {}
    upgrade(database_url)
    assert differences(catalog(database_url), schema) == {}
    asyncio.run(populate(database_url, EventLog()))
    after = contents(database_url)
    read_model = [name for name in before if name.startswith("proj_v1.")]
    assert {name: after[name] for name in read_model} == {name: before[name] for name in read_model}


def test_a_program_that_declares_other_tables_migrates_to_the_same_ones(
    empty_database: Callable[[], str], database_url: str
) -> None:
    url = empty_database()
    changed = [sys.executable, str(CHANGED_PROGRAM), "table", "db", "migrate"]
    environment = {**os.environ, "DATABASE_URL": url}
    migrated = subprocess.run(changed, env=environment, check=False, capture_output=True, text=True, timeout=120)
    assert migrated.returncode == 0, migrated.stderr
    assert differences(catalog(url), catalog(database_url)) == {}
    # By the shapes noted that program knows that it must not write them.
    assert noted_versions(url) == noted_versions(database_url)
