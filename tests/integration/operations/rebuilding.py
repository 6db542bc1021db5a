"""Rebuilds for tests: carried out, looked into, and what their tables hold."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg

from headrace.settings import Settings
from operations.runs.runs import begin
from operations.versions.rebuild import Until, find_projection, plan_rebuild
from operations.versions.rebuild_run import run_rebuild
from projections.schemas import proj_schema
from projections.tables import proj_metadata


def content(settings: Settings, name: str, version: int) -> dict[str, list[Any]]:
    """All rows of a version, as text, by table."""
    tables = proj_metadata(version).tables
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("SET timezone = 'UTC'")
        return {
            table: connection.execute(
                f"SELECT t::text FROM {tables[f'{proj_schema(version)}.{table}'].fullname} AS t ORDER BY 1".encode()  # noqa: S608
            ).fetchall()
            for table in find_projection(name).tables
        }


def rebuilt(
    settings: Settings, name: str, workers: int = 1, run_id: UUID | None = None, until: Until | None = None
) -> int:
    """Rebuild it and return the version."""
    plan = plan_rebuild(settings, find_projection(name), workers, until)
    scope = {"plans": [msgspec.to_builtins(plan)], "workers": workers}
    with begin(
        settings.database_url,
        verb="proj rebuild",
        subjects=[f"projection:{name}"],
        scope=scope,
        started_by="ann",
        run_id=run_id or uuid4(),
    ) as run:
        run_rebuild(settings, run, lambda _line: None)
    return plan.version


def stages(settings: Settings) -> int:
    with psycopg.connect(settings.database_url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'stage%'").fetchone()
    return int(found[0]) if found else -1
