"""Migrations on databases full of rows: each step down and up again, and from what earlier days left behind."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql

from operations.versions.losses import Loss, losses
from projections import migrations
from projections.migrate import downgrade, status, upgrade
from projections.registry import ALL_PROJECTIONS
from projections.versions import shape_of
from tests.integration.projections.event_log import EventLog
from tests.integration.projections.populated import Contents, contents, fill_empty_tables, populate

CHANGED_PROGRAM = Path(__file__).parents[1] / "schema_change" / "changed_program.py"
RELEASED = sorted((Path(__file__).parent / "released").glob("*.sql"))

#: Everything that tells two schemas apart, each object by its name.
_CATALOG = {
    "columns": """
        SELECT table_schema || '.' || table_name || '.' || column_name, data_type, udt_name, is_nullable,
            column_default
        FROM information_schema.columns
        WHERE table_schema = ANY(%(schemas)s)
    """,
    "indexes": """
        SELECT schemaname || '.' || indexname, indexdef
        FROM pg_indexes
        WHERE schemaname = ANY(%(schemas)s) AND tablename <> 'alembic_version'
    """,
    "constraints": """
        SELECT conrelid::regclass::text || '.' || conname, pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE connamespace = ANY(%(schemas)s::regnamespace[]) AND contype IN ('p', 'u', 'f', 'c', 'x')
    """,
    # Without parentheses: a view that went through a dump may have got more of them.
    "views": """
        SELECT schemaname || '.' || viewname, translate(definition, '()', '')
        FROM pg_views
        WHERE schemaname = ANY(%(schemas)s)
    """,
    "grants": """
        SELECT table_schema || '.' || table_name, grantee, privilege_type
        FROM information_schema.role_table_grants
        WHERE table_schema = ANY(%(schemas)s) AND grantee = 'analyst_ro'
    """,
}
Catalog = dict[str, set[tuple[Any, ...]]]
#: Tables whose rows a step down takes away on purpose, by the revision it undoes.
EMPTIED = {"0005": {"ctl.projection_versions"}}
#: Columns that a step changes on purpose, by table and the revision it makes or undoes.
CHANGED = {revision: {"ctl.projection_versions": {"shape"}} for revision in ("0007", "0008", "0010")}


def revisions() -> list[str]:
    """All of them, newest first, and `base`."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    return [*(script.revision for script in ScriptDirectory.from_config(config).walk_revisions()), "base"]


def catalog(url: str) -> Catalog:
    """What there is in our schemas."""
    with psycopg.connect(url) as connection:
        schemas = [
            name
            for (name,) in connection.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname IN ('analytics', 'ctl', 'proj_v1')"
            )
        ]
        # Names of tables in definitions must not depend on the search path.
        connection.execute("SET search_path = pg_catalog")
        return {
            kind: set(connection.execute(query.encode(), {"schemas": schemas}).fetchall())
            for kind, query in _CATALOG.items()
        }


def missing(wanted: Catalog, found: Catalog) -> dict[str, list[tuple[Any, ...]]]:
    """What a schema lacks, by kind."""
    lacking = {kind: sorted(wanted[kind] - found[kind], key=str) for kind in _CATALOG}
    return {kind: objects for kind, objects in lacking.items() if objects}


def differences(left: Catalog, right: Catalog) -> list[dict[str, list[tuple[Any, ...]]]]:
    """What only one of two schemas has."""
    return [lacking for lacking in (missing(left, right), missing(right, left)) if lacking]


def _columns(rows: list[dict[str, Any]]) -> set[str]:
    return set(rows[0]) if rows else set()


def _cut(rows: list[dict[str, Any]], columns: set[str]) -> list[dict[str, Any]]:
    return sorted(({name: row[name] for name in row if name in columns} for row in rows), key=str)


def assert_survived(
    before: Contents, after: Contents, among: Set[str], changed: Mapping[str, Set[str]] | None = None
) -> None:
    """Every table of `among` still has exactly the rows of `before`, in the columns that both have."""
    assert {name: len(after[name]) for name in among} == {name: len(before[name]) for name in among}
    for name in among:
        columns = (_columns(before[name]) & _columns(after[name])) - (changed or {}).get(name, set())
        assert _cut(after[name], columns) == _cut(before[name], columns), name


def assert_told(told: list[Loss], schema: Catalog, before: Contents, below_schema: Catalog, below: Contents) -> None:
    """The losses were told: each row, each column, and nothing that is still there."""
    rows = {name: len(before[name]) - len(below.get(name, [])) for name in before}
    assert {one.name: one.rows for one in told if one.rows} == {name: gone for name, gone in rows.items() if gone}
    columns = {column for column, *_ in schema["columns"]} - {column for column, *_ in below_schema["columns"]}
    named = {one.name for one in told if not one.columns}
    dropped = {f"{one.name}.{column}" for one in told for column in one.columns}
    of_alembic = {column for column in columns if ".alembic_version." in column}
    assert {one for one in columns - of_alembic if one.rpartition(".")[0] not in named} == dropped


def read_every_view(url: str) -> None:
    with psycopg.connect(url) as connection:
        for (view,) in connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'analytics'").fetchall():
            connection.execute(sql.SQL("SELECT * FROM analytics.{}").format(sql.Identifier(view)))


def test_each_step_down_keeps_what_it_does_not_drop_and_the_step_up_restores_the_schema(
    database_url: str, events: EventLog
) -> None:
    asyncio.run(populate(database_url, events))
    assert [name for name, rows in contents(database_url).items() if not rows] == []
    for newer, older in zip(revisions(), revisions()[1:], strict=False):
        schema, before = catalog(database_url), contents(database_url)
        told = losses(database_url, older)
        assert (catalog(database_url), contents(database_url)) == (schema, before)
        downgrade(database_url, older)
        assert status(database_url).revision == (None if older == "base" else older)
        below = contents(database_url)
        assert below.keys() <= before.keys()
        assert_told(told, schema, before, catalog(database_url), below)
        emptied = EMPTIED.get(newer, set())
        assert_survived(before, below, below.keys() - emptied, CHANGED.get(newer))
        read_every_view(database_url)
        upgrade(database_url, newer)
        # A table that is made anew is made as it is declared today, with the indexes of later revisions.
        assert missing(schema, catalog(database_url)) == {}
        assert_survived(below, contents(database_url), below.keys() - emptied, CHANGED.get(newer))
        read_every_view(database_url)
        downgrade(database_url, older)


def test_after_all_is_dropped_the_same_log_makes_the_same_rows(database_url: str, events: EventLog) -> None:
    asyncio.run(populate(database_url, events))
    schema, before = catalog(database_url), contents(database_url)
    downgrade(database_url)
    assert contents(database_url) == {}
    upgrade(database_url)
    assert differences(catalog(database_url), schema) == []
    asyncio.run(populate(database_url, EventLog()))
    after = contents(database_url)
    read_model = [name for name in before if name.startswith("proj_v1.")]
    assert {name: after[name] for name in read_model} == {name: before[name] for name in read_model}


@pytest.mark.parametrize("dump", RELEASED, ids=lambda path: path.stem)
def test_what_an_earlier_day_left_becomes_what_a_new_installation_has(
    dump: Path, empty_database: Callable[[], str], database_url: str
) -> None:
    url = empty_database()
    _restore(url, dump)
    fill_empty_tables(url)
    before = contents(url)
    assert [name for name, rows in before.items() if not rows] == []
    upgrade(url)
    assert differences(catalog(url), catalog(database_url)) == []
    assert _shapes(url) == _shapes(database_url)
    assert_survived(before, contents(url), before.keys())
    read_every_view(url)


def _restore(url: str, dump: Path) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(dump.read_bytes())
        connection.execute("INSERT INTO ctl.alembic_version (version_num) VALUES (%s)", [dump.stem])


def _shapes(url: str) -> list[tuple[Any, ...]]:
    """What the workers are told the tables look like: one that declares others would not write them."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT projection, version, state, shape FROM ctl.projection_versions ORDER BY 1, 2"
        ).fetchall()


def test_a_program_with_other_tables_leaves_those_of_an_earlier_day_to_their_own(
    empty_database: Callable[[], str],
) -> None:
    url = empty_database()
    _restore(url, RELEASED[-1])
    changed = [sys.executable, str(CHANGED_PROGRAM), "table", "db", "migrate"]
    environment = {**os.environ, "DATABASE_URL": url}
    migrated = subprocess.run(changed, env=environment, check=False, capture_output=True, text=True, timeout=120)
    assert migrated.returncode == 0, migrated.stderr
    of_today = {one.name: shape_of(one) for one in ALL_PROJECTIONS}
    assert {name: shape for name, _, _, shape in _shapes(url)} == of_today
    assert status(url).is_current
