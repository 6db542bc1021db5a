"""Real commands that are held at a chosen point by locks in Postgres, so that tests can kill them just there."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from headrace.settings import Settings

PATIENCE = 60.0
#: Whoever reads the log looks here first: a rebuild has its stage by then, and nothing in it.
GATE = "LOCK TABLE ctl.dead_letters IN ACCESS EXCLUSIVE MODE"


def environment(settings: Settings) -> dict[str, str]:
    """What makes a command use these settings."""
    return {
        "DATABASE_URL": settings.database_url,
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "HEADRACE_TOPIC_PREFIX": settings.topic_prefix,
        "HEADRACE_PARTITIONS": str(settings.partitions),
        "HEADRACE_DATA_DIR": str(settings.data_dir),
    }


@contextmanager
def command(settings: Settings, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A command that goes on meanwhile; killed at the end of the block."""
    process = subprocess.Popen(
        [Path(sys.executable).with_name("headrace"), *arguments],
        env={**os.environ, "COLUMNS": "300", **environment(settings)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


class Hold:
    """An open transaction that is in a command's way."""

    def __init__(self, settings: Settings, statement: str) -> None:
        self._connection = psycopg.connect(settings.database_url)
        self._connection.execute(statement.encode())

    def release(self) -> None:
        """Let everybody pass; a second time does nothing."""
        with suppress(psycopg.Error):
            self._connection.rollback()
        self._connection.close()


@contextmanager
def hold(settings: Settings, statement: str) -> Iterator[Hold]:
    """In the way until released."""
    held = Hold(settings, statement)
    try:
        yield held
    finally:
        held.release()


def wait_until_held(settings: Settings, process: "subprocess.Popen[str]", sessions: int = 1) -> None:
    """Wait until so many sessions of the database wait for a lock."""
    deadline = time.monotonic() + PATIENCE
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        while waiting(connection) < sessions:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "nobody came to the lock"
            time.sleep(0.01)


def waiting(connection: "psycopg.Connection[tuple[Any, ...]]") -> int:
    found = connection.execute(
        "SELECT count(DISTINCT l.pid) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) "
        "WHERE NOT l.granted AND a.datname = current_database()"
    ).fetchone()
    return int(found[0]) if found else 0


def killed(settings: Settings, arguments: Sequence[str], holds: Sequence[str], sessions: int = 1) -> tuple[UUID, str]:
    """Run a command up to the last of the holds and kill it with SIGKILL there. Its run, and its phase.

    Each hold is put up when the command waits at the one before, which then lets it pass.
    """
    with command(settings, *arguments) as process:
        before: Hold | None = None
        for number, statement in enumerate(holds):
            held = Hold(settings, statement)
            if before is not None:
                before.release()
            before = held
            wait_until_held(settings, process, sessions if number == len(holds) - 1 else 1)
        process.kill()
        process.wait()
        assert before is not None
        before.release()
    return newest_run(settings)


def newest_run(settings: Settings) -> tuple[UUID, str]:
    """The run that began last, and its phase."""
    with psycopg.connect(settings.database_url) as connection:
        found = connection.execute("SELECT run_id, phase FROM ctl.runs ORDER BY started_at DESC LIMIT 1").fetchone()
    assert found is not None
    return UUID(str(found[0])), str(found[1])


def run_named_in(output: str) -> UUID:
    """The run that an output tells of."""
    found = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", output)
    assert found is not None, output
    return UUID(found[0])
