"""The ledger against real Postgres: who has to wait, what a dead process leaves, how runs end."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest

from operations.runs.runs import (
    ActiveRun,
    RunCancelled,
    RunRefused,
    RunSuperseded,
    begin,
    find_runs,
    mark_cancelled,
    request_cancel,
    resume,
    show_run,
)
from tests.headrace_command import headrace

_HOLDER = """
import sys
from uuid import UUID
from operations.runs.runs import begin
with begin(sys.argv[1], verb="proj rebuild", subjects=["projection:leads"], scope={"version": 2},
           started_by="ann", run_id=UUID(sys.argv[2])) as run:
    run.progress("read", events=7)
    print("ready", flush=True)
    sys.stdin.read()
"""


def begun(url: str, *subjects: str, run_id: UUID | None = None) -> ActiveRun:
    return begin(url, verb="proj rebuild", subjects=subjects, scope={}, started_by="ann", run_id=run_id or uuid4())


@contextmanager
def another_process(url: str, run_id: UUID) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is in the middle of rebuilding leads."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, url, str(run_id)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until_dead(url: str, run_id: UUID) -> None:
    """Postgres notices a closed connection within moments, but not at once."""
    waiting = threading.Event()
    while show_run(url, run_id).state == "running":
        waiting.wait(0.02)


def test_a_run_tells_how_far_it_is_and_what_came_of_it(database_url: str) -> None:
    with begun(database_url, "projection:leads") as active:
        active.progress("read", events=10, batches=1)
        active.progress("fold", events=12)
        now = show_run(database_url, active.run.run_id)
        assert (now.state, now.phase, now.counts) == ("running", "fold", {"events": 12, "batches": 1})
        active.finish(rows=5)
    ended = show_run(database_url, active.run.run_id)
    assert (ended.state, ended.result, ended.error, ended.is_resumable) == ("done", {"rows": 5}, None, False)
    assert [run.run_id for run in find_runs(database_url)] == [active.run.run_id]
    assert find_runs(database_url, state="failed") == []


def test_two_operators_are_serialised_and_told_about_each_other(database_url: str) -> None:
    with begun(database_url, "projection:leads", "projection:jobs") as first:
        with pytest.raises(RunRefused) as refused:
            begun(database_url, "projection:jobs")
        assert str(first.run.run_id) in str(refused.value)
        assert "ann" in str(refused.value)
        with begun(database_url, "projection:enrichments"):
            pass
    with begun(database_url, "projection:jobs"):
        pass


def test_a_failed_run_keeps_its_reason_and_can_be_resumed(database_url: str) -> None:
    run_id = uuid4()
    with pytest.raises(RuntimeError), begun(database_url, "projection:leads", run_id=run_id):
        raise RuntimeError("the log begins too late")
    failed = show_run(database_url, run_id)
    assert (failed.state, failed.error) == ("failed", "RuntimeError: the log begins too late")
    with resume(database_url, run_id) as again:
        assert again.run.resumes == 1
        assert show_run(database_url, run_id).state == "running"
    assert show_run(database_url, run_id).state == "done"
    with pytest.raises(RunRefused, match="is done"):
        resume(database_url, run_id)


def test_a_killed_run_is_interrupted_and_stands_in_nobodys_way(database_url: str) -> None:
    run_id = uuid4()
    with another_process(database_url, run_id) as process:
        assert show_run(database_url, run_id).state == "running"
        with pytest.raises(RunRefused, match="only interrupted"):
            resume(database_url, run_id)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until_dead(database_url, run_id)
    dead = show_run(database_url, run_id)
    assert (dead.state, dead.is_resumable, dead.phase, dead.counts) == ("interrupted", True, "read", {"events": 7})
    with begun(database_url, "projection:leads"), pytest.raises(RunRefused, match="still running"):
        resume(database_url, run_id)
    with resume(database_url, run_id) as again:
        assert again.run.scope == {"version": 2}


def test_a_cancelled_run_stops_at_its_next_sign_of_progress(database_url: str) -> None:
    with begun(database_url, "projection:leads") as active:
        active.progress("read")
        request_cancel(database_url, active.run.run_id, "bob")
        with pytest.raises(RunCancelled):
            active.progress("read")
    with pytest.raises(RunCancelled), begun(database_url, "projection:leads") as active:
        raise RunCancelled
    cancelled = show_run(database_url, active.run.run_id)
    assert (cancelled.state, cancelled.is_resumable) == ("cancelled", False)
    with pytest.raises(RunRefused, match="nothing to cancel"):
        request_cancel(database_url, active.run.run_id, "bob")


def test_a_run_that_works_can_not_be_marked_as_cancelled_by_others(database_url: str) -> None:
    with begun(database_url, "projection:leads") as active, pytest.raises(RunRefused, match="still running"):
        mark_cancelled(database_url, active.run.run_id, "bob")


def test_the_command_lists_shows_and_cancels(database_url: str) -> None:
    environment, run_id = {"DATABASE_URL": database_url}, uuid4()
    with another_process(database_url, run_id):
        shown = headrace(environment, "runs", "show", str(run_id))
        assert "projection" not in shown.output
        assert f"run {run_id} by ann: proj rebuild leads" in shown.output
        assert "Nothing was done" in headrace(environment, "runs", "cancel", str(run_id)).output
        assert "Asked process" in headrace(environment, "runs", "cancel", str(run_id), "--execute").output
    wait_until_dead(database_url, run_id)
    (listed,) = json.loads(headrace(environment, "runs", "list", "--json").output)
    assert (listed["state"], listed["cancel_requested_by"] is not None) == ("interrupted", True)
    unknown = headrace(environment, "runs", "show", str(uuid4()))
    assert (unknown.exit_code, "There is no run" in unknown.output) == (2, True)


def test_a_run_whose_work_others_did_is_over_and_nobody_is_told_to_resume_it(database_url: str) -> None:
    active = begun(database_url, "projection:leads")
    with pytest.raises(RunSuperseded), active:
        raise RunSuperseded("others built it")
    run = show_run(database_url, active.run.run_id)
    assert (run.state, run.error, run.is_resumable) == ("cancelled", "RunSuperseded: others built it", False)
    shown = headrace({"DATABASE_URL": database_url}, "runs", "show", str(run.run_id)).stdout
    assert ("others built it" in shown, "Go on with it" in shown) == (True, False)
    resumed = headrace({"DATABASE_URL": database_url}, "runs", "resume", str(run.run_id), "--execute")
    assert (resumed.exit_code, "is cancelled" in resumed.stderr) == (2, True)
