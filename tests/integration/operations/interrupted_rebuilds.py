"""Rebuilds that were interrupted: taken up again, and what came of them."""

import time
from uuid import UUID

import psycopg

from headrace.settings import Settings
from operations.cli.resumable import RESUMABLE
from operations.runs.runs import resume, show_run
from operations.versions.content_hash import SESSION, content_hash, table_shapes
from projections.projectors.leads import PROJECTION as LEADS


def hashes(settings: Settings, version: int) -> dict[str, str]:
    """Content hash of each table of a version of the leads."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(SESSION)
        shapes = table_shapes(connection, version, LEADS.tables)
        return {name: content_hash(connection, one.rows, list(one.columns)).hash for name, one in shapes.items()}


def stopped(settings: Settings, run_id: UUID) -> None:
    """Wait until Postgres has noticed that the run's process is gone."""
    while show_run(settings.database_url, run_id).state == "running":
        time.sleep(0.02)


def resumed(settings: Settings, run_id: UUID) -> None:
    """Go on with it as `headrace runs resume` does, without the second that a command takes to start."""
    stopped(settings, run_id)
    with resume(settings.database_url, run_id) as active:
        RESUMABLE[active.run.verb]().resume_run(settings, active, lambda _line: None)
    assert show_run(settings.database_url, run_id).state == "done"
