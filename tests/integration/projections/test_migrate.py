"""Migrations up and down on a populated database, several at once, and their agreement with the declared tables."""

import asyncio
import subprocess
import sys
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from projections.analytics import VIEWS
from projections.connection import connector
from projections.migrate import SchemaOutdated, UnknownRevision, check, downgrade, status, upgrade
from projections.tables import ANALYTICS_SCHEMA, CTL_SCHEMA
from projections.versions import OWN_VIEWS
from projections.writing.writer import ProjectionWriter
from tests.integration.projections.catalog import (
    catalog,
    declare_schema,
    declared_versions,
    differences,
    noted_versions,
)
from tests.integration.projections.event_log import EventLog

OUR_SCHEMAS = (ANALYTICS_SCHEMA, CTL_SCHEMA, "proj_v1")


def _schemas(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", [list(OUR_SCHEMAS)])
        return {name for (name,) in found}


def test_migrations_make_what_is_declared(database_url: str, empty_database: Callable[[], str]) -> None:
    declared = empty_database()
    declare_schema(declared)
    assert differences(catalog(database_url), catalog(declared)) == {}
    assert noted_versions(database_url) == declared_versions()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("ALTER TABLE ctl.runs ADD COLUMN undeclared text", "columns"),
        ("ALTER TABLE ctl.runs ALTER COLUMN error SET NOT NULL", "columns"),
        ("ALTER TABLE ctl.runs ALTER COLUMN phase SET DEFAULT 'none'", "columns"),
        ("DROP INDEX proj_v1.ix_messages_with_jobs", "indexes"),
        ("ALTER TABLE proj_v1.leads ADD CHECK (lead_id IS NOT NULL)", "constraints"),
        ("ALTER VIEW proj_v1.moved_messages RENAME TO moved", "views"),
        ("COMMENT ON COLUMN analytics.leads.lead_id IS 'It.'", "comments"),
        ("GRANT SELECT ON proj_v1.leads TO analyst_ro", "grants"),
    ],
)
def test_no_difference_goes_unseen(database_url: str, change: str, kind: str) -> None:
    before = catalog(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute(change.encode())
    assert kind in differences(before, catalog(database_url))


def test_up_down_and_up_again_on_a_populated_database(database_url: str, events: EventLog) -> None:
    asyncio.run(_populate(database_url, events))
    downgrade(database_url)
    assert _schemas(database_url) == set()
    assert status(database_url).revision is None
    downgrade(database_url)
    upgrade(database_url)
    assert _schemas(database_url) == set(OUR_SCHEMAS)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM analytics.messages").fetchone() == (0,)


async def _populate(database_url: str, events: EventLog) -> None:
    writer = ProjectionWriter(connector(database_url))
    records = [events.record("messages", 0, events.message("a", 1)), events.raw("messages", 0, b"{}", [])]
    await writer.write({("messages", 0): records})
    await writer.close()


def test_upgrade_twice_changes_nothing(database_url: str) -> None:
    before = status(database_url)
    upgrade(database_url)
    assert status(database_url) == before
    assert before.is_current


def test_check_names_the_way_out(empty_database: Callable[[], str]) -> None:
    url = empty_database()
    with pytest.raises(SchemaOutdated, match="headrace db migrate"):
        check(url)
    assert _schemas(url) == set()
    upgrade(url)
    check(url)


def test_a_revision_of_another_program_is_refused(database_url: str) -> None:
    with pytest.raises(UnknownRevision, match="9999"):
        downgrade(database_url, "9999")
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE ctl.alembic_version SET version_num = '9999'")
    with pytest.raises(UnknownRevision, match="9999"):
        upgrade(database_url)


def test_many_processes_may_migrate_one_database_at_once(empty_database: Callable[[], str]) -> None:
    _all_at_once("upgrade", [empty_database()] * 2)


def test_databases_of_one_cluster_may_migrate_at_once(empty_database: Callable[[], str]) -> None:
    urls = [empty_database() for _ in range(2)]
    for verb in ("upgrade", "downgrade"):
        _all_at_once(verb, urls)


def _all_at_once(verb: str, urls: list[str]) -> None:
    program = f"import sys; from projections.migrate import {verb}; {verb}(sys.argv[1])"
    running = [subprocess.Popen([sys.executable, "-c", program, url]) for url in urls]
    assert [process.wait(60) for process in running] == [0] * len(urls)


def test_an_analyst_reads_views_and_nothing_else(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET ROLE analyst_ro")
        views = connection.execute(
            "SELECT table_name FROM information_schema.views WHERE table_schema = 'analytics'"
        ).fetchall()
        assert {view for (view,) in views} == set(VIEWS) - OWN_VIEWS.keys()
        for (view,) in views:
            connection.execute(sql.SQL("SELECT * FROM analytics.{}").format(sql.Identifier(view)))
        for forbidden in (
            b"SELECT FROM proj_v1.messages",
            b"SELECT FROM ctl.dead_letters",
            b"INSERT INTO analytics.webhook_receipts (reason) VALUES ('x')",
            b"UPDATE analytics.webhook_receipts SET reason = 'x'",
            b"DELETE FROM analytics.webhook_receipts",
            b"CREATE TABLE analytics.mine ()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)


def test_views_to_come_are_readable_too(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE VIEW analytics.later AS SELECT 1 AS one")
        connection.execute("SET ROLE analyst_ro")
        assert connection.execute("SELECT one FROM analytics.later").fetchone() == (1,)


def test_the_role_has_its_session_settings_in_this_database(empty_database: Callable[[], str]) -> None:
    url = empty_database()
    query = (
        "SELECT s.setconfig FROM pg_db_role_setting AS s JOIN pg_roles AS r ON r.oid = s.setrole "
        "JOIN pg_database AS d ON d.oid = s.setdatabase "
        "WHERE r.rolname = 'analyst_ro' AND d.datname = current_database()"
    )
    upgrade(url)
    with psycopg.connect(url) as connection:
        assert connection.execute(query).fetchone() == (
            ["default_transaction_read_only=on", "statement_timeout=60s", "idle_in_transaction_session_timeout=30s"],
        )
    downgrade(url)
    with psycopg.connect(url) as connection:
        assert connection.execute(query).fetchone() is None


def test_every_view_and_column_is_explained(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        silent = connection.execute(
            "SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid "
            "WHERE c.relnamespace = 'analytics'::regnamespace AND a.attnum > 0 "
            "AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)"
        ).fetchall()
    assert silent == []
