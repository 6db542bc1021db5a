"""The ledger of what engineers set in motion: who does what, how far it is, how it ended; and who has to wait.

A run is a row of `ctl.runs` and a session of Postgres that holds advisory locks: one for the run itself, one for each
subject it works on. Locks die with their process, so no dead run ever stands in anybody's way: a run that has not
ended and whose lock is free was interrupted, and can be resumed.

    with begin(url, verb="proj rebuild", subjects=["projection:leads"], scope={…}, started_by=…, run_id=…) as run:
        run.progress("read", events=10_000)       # raises RunCancelled once somebody asked for it
        run.finish(rows=9_500)                    # optional: what came of it

Leaving the block ends the run: `done`, `failed` with the error, or `cancelled`, by a person or because others have done
its work. An interruption (Ctrl-C, a kill) ends
nothing: that run can be resumed.
"""

import os
import socket
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from headrace.refusal import Refusal
from operations.runs.run_state import RunState
from projections.connection import libpq_url


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run as the ledger has it."""

    run_id: UUID
    #: The command, such as `proj rebuild`.
    verb: str
    #: What it works on and nobody else may meanwhile, such as `projection:leads`.
    subjects: list[str]
    #: Everything the command was told: enough to go on with it.
    scope: dict[str, Any]
    started_by: str
    started_at: datetime
    #: What it was doing last.
    phase: str
    #: How far it was, by name.
    counts: dict[str, Any]
    host: str
    pid: int
    #: When it last said how far it was.
    heartbeat_at: datetime
    #: How often it was resumed.
    resumes: int
    cancel_requested_by: str | None
    state: RunState
    ended_at: datetime | None
    error: str | None
    result: dict[str, Any] | None

    @property
    def is_resumable(self) -> bool:
        """True when it stopped before it was done, and nobody cancelled it."""
        return self.state in ("interrupted", "failed")

    def told(self) -> str:
        """Who does what since when, for people."""
        on = ", ".join(subject.partition(":")[2] or subject for subject in self.subjects)
        return f"run {self.run_id} by {self.started_by}: {self.verb} {on}, since {self.started_at:%Y-%m-%d %H:%M:%S}"


class RunRefused(Refusal):
    """The run can't begin or go on; the message says why and what to do."""


class RunCancelled(Refusal):
    """Somebody asked this run to stop. Clean up, change nothing live, and let it pass."""

    def __init__(self) -> None:
        super().__init__("The run was cancelled: what it had not finished is gone, what is live is as it was.")


class RunSuperseded(Refusal):
    """Others have done this run's work: it can never be gone on with. The message says what to do."""


class ActiveRun:
    """A run under way in this process. Not for several threads at once."""

    def __init__(self, connection: psycopg.Connection[Any], run: Run) -> None:
        self.run = run
        self._connection = connection
        self._result: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._end("done", None)
            elif isinstance(error, RunCancelled):
                self._end("cancelled", None)
            elif isinstance(error, RunSuperseded):
                # Not failed: then everybody would be told to resume it.
                self._end("cancelled", _error_text(error))
            elif isinstance(error, Exception):
                self._end("failed", _error_text(error))
        except psycopg.Error:
            # Without its end the run counts as interrupted. What went wrong before is the better news to pass on.
            if error is None:
                raise
        finally:
            self._connection.close()

    def progress(self, phase: str, **counts: int | float | str) -> None:
        """Say what is being done and how far it is; counts replace those of the same name.

        Call it every second or two. Raises RunCancelled when somebody asked for that, psycopg.OperationalError when
        the session is gone, and with it the locks: the work must stop then.
        """
        asked = self._connection.execute(_PROGRESS, [phase, Jsonb(counts), self.run.run_id]).fetchone()
        if asked is None or asked[0] is not None:
            raise RunCancelled

    def finish(self, **result: Any) -> None:
        """What came of it, kept with the run."""
        self._result = {**(self._result or {}), **result}

    @property
    def result(self) -> dict[str, Any]:
        """What came of it so far."""
        return dict(self._result or {})

    def _end(self, outcome: str, error: str | None) -> None:
        result = None if self._result is None else Jsonb(self._result)
        self._connection.execute(_END, [outcome, error, result, self.run.run_id])


def begin(
    database_url: str,
    *,
    verb: str,
    subjects: Sequence[str],
    scope: Mapping[str, Any],
    started_by: str,
    run_id: UUID,
) -> ActiveRun:
    """Enter a new run and take its locks. Raises RunRefused when another run works on one of the subjects."""
    connection = _connect(database_url)
    try:
        with connection.transaction():
            _lock(connection, run_id, subjects)
            row = [run_id, verb, list(subjects), Jsonb(dict(scope)), started_by, socket.gethostname(), os.getpid()]
            connection.execute(_BEGIN, row)
        return ActiveRun(connection, _find(connection, run_id))
    except BaseException:
        connection.close()
        raise


def resume(database_url: str, run_id: UUID) -> ActiveRun:
    """Go on with a run that stopped. Raises RunRefused when it is running, ended, or somebody else is at its work."""
    connection = _connect(database_url)
    try:
        run = resumable(_find(connection, run_id))
        with connection.transaction():
            _lock(connection, run_id, run.subjects)
            if not connection.execute(_RESUME, [socket.gethostname(), os.getpid(), run_id]).rowcount:
                # Somebody else was a moment faster, and is through already.
                resumable(_find(connection, run_id))
        return ActiveRun(connection, _find(connection, run_id))
    except BaseException:
        connection.close()
        raise


def resumable(run: Run) -> Run:
    """The run itself. Raises RunRefused when it can't be resumed."""
    if not run.is_resumable:
        raise RunRefused(f"{run.told()} is {run.state}: only interrupted and failed runs can be resumed.")
    return run


def cancellable(run: Run) -> Run:
    """The run itself. Raises RunRefused when it has ended for good."""
    if run.state in ("done", "cancelled"):
        raise RunRefused(f"{run.told()} is {run.state} already: there is nothing to cancel.")
    return run


def find_runs(database_url: str, *, state: RunState | None = None, limit: int = 50) -> list[Run]:
    """The newest runs, newest first."""
    with _connect(database_url) as connection:
        return _select(connection, b"WHERE %s::text IS NULL OR state = %s", [state, state], limit)


def show_run(database_url: str, run_id: UUID) -> Run:
    """One run. Raises RunRefused when there is none."""
    with _connect(database_url) as connection:
        return _find(connection, run_id)


def request_cancel(database_url: str, run_id: UUID, by: str) -> Run:
    """Ask a running run to stop; it ends as `cancelled` at its next sign of progress.

    A run without a process stays as it is: whoever cleans up after it calls `mark_cancelled`. Returns the run as it
    was found. Raises RunRefused when it has ended.
    """
    with _connect(database_url) as connection:
        run = cancellable(_find(connection, run_id))
        if run.state == "running":
            connection.execute(_REQUEST_CANCEL, [by, run_id])
        return run


def mark_cancelled(database_url: str, run_id: UUID, by: str) -> None:
    """End a run without a process as cancelled, once what it left behind is gone. Raises RunRefused if it runs."""
    with _connect(database_url) as connection, connection.transaction():
        run = _find(connection, run_id)
        _lock(connection, run_id, run.subjects)
        connection.execute(_REQUEST_CANCEL, [by, run_id])
        connection.execute(_END, ["cancelled", None, None, run_id])


def _connect(database_url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        libpq_url(database_url),
        autocommit=True,
        connect_timeout=5,
        application_name="headrace-run",
        # A machine that vanished must not hold its locks for TCP's two hours.
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
    )


def _lock(connection: psycopg.Connection[Any], run_id: UUID, subjects: Sequence[str]) -> None:
    """Session locks, the run's own first. Sorted, so that two operators can't each take half."""
    names = [str(run_id), *sorted(subjects)]
    for name in names:
        taken = connection.execute(_TAKE, [name]).fetchone()
        if taken is None or not taken[0]:
            raise RunRefused(_refusal(connection, run_id, name))


def _refusal(connection: psycopg.Connection[Any], run_id: UUID, name: str) -> str:
    running = _select(connection, b"WHERE state = 'running' AND (%s = ANY(subjects) OR run_id = %s)", [name, run_id], 1)
    if not running:
        return f"Another session works on {name}. Try again in a moment."
    return (
        f"{running[0].told()} is still running. Wait for it, or stop it with "
        f"`headrace runs cancel {running[0].run_id} --execute`."
    )


def _find(connection: psycopg.Connection[Any], run_id: UUID) -> Run:
    runs = _select(connection, b"WHERE run_id = %s", [run_id], 1)
    if not runs:
        raise RunRefused(f"There is no run {run_id}. `headrace runs list` shows those there are.")
    return runs[0]


def _select(connection: psycopg.Connection[Any], where: bytes, parameters: Sequence[Any], limit: int) -> list[Run]:
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        return cursor.execute(
            _RUNS + where + b" ORDER BY started_at DESC, run_id LIMIT %s", [*parameters, limit]
        ).fetchall()


def _error_text(error: Exception) -> str:
    """The error without content: Postgres quotes values, and others may quote records."""
    if isinstance(error, psycopg.Error):
        return f"{type(error).__name__} (SQLSTATE {error.sqlstate or 'unknown'})"
    return f"{type(error).__name__}: {error}"[:1000] if isinstance(error, RuntimeError) else type(error).__name__


#: The 64 bits of an advisory lock by its name; apart from those of anything else in the database.
_KEY = b"hashtextextended('headrace run ' || %s, 0)"
_TAKE = b"SELECT pg_try_advisory_lock(" + _KEY + b")"
_BEGIN = b"""
INSERT INTO ctl.runs
    (run_id, verb, subjects, scope, started_by, started_at, phase, counts, host, pid, heartbeat_at, resumes)
VALUES (%s, %s, %s, %s, %s, clock_timestamp(), 'begun', '{}', %s, %s, clock_timestamp(), 0)
"""
_RESUME = b"""
UPDATE ctl.runs
SET host = %s, pid = %s, heartbeat_at = clock_timestamp(), resumes = resumes + 1,
    ended_at = NULL, outcome = NULL, error = NULL, cancel_requested_at = NULL, cancel_requested_by = NULL
WHERE run_id = %s AND coalesce(outcome, 'failed') = 'failed'
"""
_PROGRESS = b"""
UPDATE ctl.runs SET phase = %s, counts = counts || %s, heartbeat_at = clock_timestamp()
WHERE run_id = %s AND ended_at IS NULL
RETURNING cancel_requested_at
"""
_END = b"""
UPDATE ctl.runs
SET outcome = %s, error = %s, result = %s, ended_at = clock_timestamp(), heartbeat_at = clock_timestamp()
WHERE run_id = %s
"""
_REQUEST_CANCEL = b"""
UPDATE ctl.runs SET cancel_requested_at = clock_timestamp(), cancel_requested_by = %s WHERE run_id = %s
"""
# A bigint advisory lock is shown as its two halves.
_RUNS = (
    b"""
SELECT * FROM (
    SELECT run_id, verb, subjects, scope, started_by, started_at, phase, counts, host, pid, heartbeat_at, resumes,
        cancel_requested_by, ended_at, error, result,
        coalesce(outcome, CASE WHEN EXISTS (
            SELECT FROM pg_locks AS l
            WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND (l.classid::bigint << 32 | l.objid::bigint) = """
    + _KEY.replace(b"%s", b"run_id::text")
    + b"""
        ) THEN 'running' ELSE 'interrupted' END) AS state
    FROM ctl.runs
) AS run
"""
)
