"""Real commands killed with SIGKILL at every phase, over one log: going on gives the rows of a run nobody disturbed."""

import json
import os
import signal
from collections.abc import Iterator

import psutil
import psycopg
import pytest

from headrace.settings import Settings
from operations.runs.runs import find_runs, show_run
from operations.versions.swap import find_version
from projections.projectors.enrichments import PROJECTION as CONCLUSIONS
from projections.versions import VersionState, live_version, versions
from tests.headrace_command import Finished, headrace
from tests.integration.operations.filled import filled
from tests.integration.operations.held import GATE, command, environment, hold, killed, newest_run, wait_until_held
from tests.integration.operations.installation import Installation
from tests.integration.operations.interrupted_rebuilds import hashes, resumed, stopped
from tests.integration.operations.rebuilding import rebuilt, stages

# A phase, what it is held by one after the other, how many sessions wait at last, and the workers.
REBUILD = {
    "prepare": (["LOCK TABLE ctl.projection_versions IN SHARE MODE"], 1, 1),
    "read": ([GATE, "SELECT FROM {stage}.progress WHERE partition = 1 FOR UPDATE"], 1, 1),
    "read with two": ([GATE, "SELECT FROM {stage}.progress WHERE partition = 1 FOR UPDATE"], 1, 2),
    "fold": ([GATE, "INSERT INTO {stage}.folded VALUES ('leads', 0)"], 1, 2),
    "commit": ([GATE, "LOCK TABLE ctl.projection_offsets IN SHARE MODE"], 1, 1),
    "tidying up": ([GATE, "SELECT FROM {stage}.refused"], 1, 1),
}


@pytest.fixture(scope="module")
def installation(
    kafka_bootstrap: str, postgres_url: str, database_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    with filled(kafka_bootstrap, postgres_url, database_template, tmp_path_factory.mktemp("filled")) as found:
        yield found


def state(settings: Settings, version: int, projection: str = "leads") -> VersionState:
    with psycopg.connect(settings.database_url) as connection:
        return find_version(versions(connection), projection, version).state


def next_version(settings: Settings, projection: str = "leads") -> int:
    with psycopg.connect(settings.database_url) as connection:
        return max(one.version for one in versions(connection) if one.projection == projection) + 1


def run(settings: Settings, *arguments: str, status: int = 0) -> Finished:
    done = headrace(environment(settings), *arguments)
    assert done.exit_code == status, done.output
    return done


@pytest.mark.parametrize("phase", REBUILD)
def test_a_killed_rebuild_goes_on_to_the_same_rows(installation: Installation, phase: str) -> None:
    settings, version = installation.settings, next_version(installation.settings)
    holds, sessions, workers = REBUILD[phase]
    statements = [statement.format(stage=f"stage_leads_v{version}") for statement in holds]
    arguments = ("proj", "rebuild", "leads", "--workers", str(workers), "--execute")
    run_id, at = killed(settings, arguments, statements, sessions)
    assert at == {"read with two": "read", "tidying up": "commit"}.get(phase, phase)
    resumed(settings, run_id)
    assert (state(settings, version), stages(settings)) == ("dual", 0)
    assert hashes(settings, version) == hashes(settings, 1)


def test_a_killed_reader_stops_the_run_which_can_be_resumed(installation: Installation) -> None:
    settings, version = installation.settings, next_version(installation.settings)
    with (
        hold(settings, GATE) as gate,
        command(settings, "proj", "rebuild", "leads", "--workers", "2", "--execute") as process,
    ):
        wait_until_held(settings, process, 2)
        reader = next(one for one in psutil.Process(process.pid).children() if "spawn_main" in " ".join(one.cmdline()))
        os.kill(reader.pid, signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
        gate.release()
    assert process.returncode == 2
    assert "ended before its time (exit status -9). Resume the run." in errors
    run_id, _ = newest_run(settings)
    assert show_run(settings.database_url, run_id).state == "failed"
    resumed(settings, run_id)
    assert hashes(settings, version) == hashes(settings, 1)


def test_a_second_operator_is_told_of_the_first_whose_run_can_be_cancelled(installation: Installation) -> None:
    settings, version = installation.settings, next_version(installation.settings)
    before = hashes(settings, 1)
    with (
        hold(settings, GATE) as gate,
        command(settings, "proj", "rebuild", "leads", "--execute") as process,
    ):
        wait_until_held(settings, process)
        run_id, _ = newest_run(settings)
        for refused in (
            ("proj", "rebuild", "leads", "--execute"),
            ("proj", "promote", "leads", "--execute", "--allow-behind"),
        ):
            told = run(settings, *refused, status=2).stderr
            assert f"run {run_id}" in told
            assert "is still running. Wait for it, or stop it with `headrace runs cancel" in told
        run(settings, "runs", "cancel", str(run_id), "--execute")
        gate.release()
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, "The run was cancelled" in errors) == (2, True)
    assert show_run(settings.database_url, run_id).state == "cancelled"
    assert (state(settings, version), stages(settings), hashes(settings, 1)) == ("dropped", 0, before)


def test_a_dead_run_is_cancelled_and_leaves_nothing(installation: Installation) -> None:
    settings, version = installation.settings, next_version(installation.settings)
    stage = f"stage_leads_v{version}"
    run_id, _ = killed(
        settings,
        ("proj", "rebuild", "leads", "--execute"),
        [GATE, f"INSERT INTO {stage}.folded VALUES ('leads', 0)"],  # noqa: S608
    )
    stopped(settings, run_id)
    run(settings, "runs", "cancel", str(run_id), "--execute")
    with psycopg.connect(settings.database_url) as connection:
        left = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", [f"proj_v{version}"])
        assert left.fetchone() == (0,)
    assert (state(settings, version), stages(settings)) == ("dropped", 0)


@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
def test_a_killed_promotion_and_rollback_have_changed_all_or_nothing(
    installation: Installation, committed: bool
) -> None:
    """Before: an analyst's open transaction is in the way. After: only the views' comments are missing."""
    settings = installation.settings
    versions_of = {"leads": rebuilt(settings, "leads"), "enrichments": rebuilt(settings, "enrichments")}
    in_the_way = "LOCK TABLE pg_catalog.pg_description IN SHARE MODE" if committed else "SELECT FROM analytics.messages"
    for verb, live in (("promote", versions_of), ("rollback", {"leads": 1, "enrichments": 1})):
        arguments = ("proj", verb, "leads", "enrichments", "--execute")
        was = {name: live_now(settings, name) for name in live}
        run_id, phase = killed(settings, arguments, [in_the_way])
        assert phase == "change over"
        assert {name: live_now(settings, name) for name in live} == (live if committed else was)
        if committed:
            refused = run(settings, "runs", "cancel", str(run_id), "--execute", status=2)
            assert "had changed everything over" in refused.stderr
        resumed(settings, run_id)
        assert {name: live_now(settings, name) for name in live} == live
        with psycopg.connect(settings.database_url) as connection:
            for table, name in (("messages", "leads"), ("enrichments", "enrichments")):
                found = connection.execute("SELECT pg_get_viewdef(%s::regclass)", [f"analytics.{table}"]).fetchone()
                assert found is not None
                assert f"proj_v{live[name]}.{table}" in found[0]


def live_now(settings: Settings, name: str) -> int:
    with psycopg.connect(settings.database_url) as connection:
        return live_version(connection, name)


def test_a_killed_drop_has_dropped_nothing_and_goes_on(installation: Installation) -> None:
    settings = installation.settings
    version = rebuilt(settings, "leads")
    reader = f"SELECT FROM proj_v{version}.messages"
    arguments = ("proj", "drop", "leads", "--version", str(version), "--execute")
    run_id, phase = killed(settings, arguments, [reader])
    assert (phase, state(settings, version), hashes(settings, version)) == ("drop", "dual", hashes(settings, 1))
    resumed(settings, run_id)
    assert state(settings, version) == "dropped"


def test_several_projections_are_one_run_that_goes_on_with_what_is_left(installation: Installation) -> None:
    settings = installation.settings
    wanted = {name: next_version(settings, name) for name in ("leads", "enrichments")}
    held = f"INSERT INTO stage_enrichments_v{wanted['enrichments']}.folded VALUES ('drafts', 0)"  # noqa: S608
    # The gate is passed for the leads, and stands again before the conclusions are read.
    run_id, _ = killed(
        settings,
        ("proj", "rebuild", *wanted, "--execute"),
        [GATE, f"SELECT FROM stage_leads_v{wanted['leads']}.refused", GATE, held],
    )
    assert {name: state(settings, version, name) for name, version in wanted.items()} == {
        "leads": "dual",
        "enrichments": "building",
    }
    stopped(settings, run_id)
    run(settings, "runs", "resume", str(run_id), "--execute")
    assert show_run(settings.database_url, run_id).state == "done"
    assert hashes(settings, wanted["leads"]) == hashes(settings, 1)
    told = run(settings, "proj", "verify", CONCLUSIONS.name, "--json")
    assert json.loads(told.stdout)["outcome"] == "equal"
    assert {one.verb for one in find_runs(settings.database_url)} >= {"proj rebuild", "proj promote", "proj drop"}


def test_json_tells_the_plan_and_the_run(installation: Installation) -> None:
    settings = installation.settings
    plan = json.loads(run(settings, "proj", "rebuild", "leads", "enrichments", "--json").stdout)
    assert (plan["executed"], plan["run_id"]) == (False, None)
    assert [(one["projection"], one["events"]) for one in plan["plans"]] == [("leads", 800), ("enrichments", 800)]
    assert all(one["log_bytes"] > 800 * 300 and one["ai_cost_micro_usd"] == 0 for one in plan["plans"])
    refused = run(settings, "proj", "rebuild", "leads", "enrichments", "--until", "0=1,1=1", status=2)
    assert "Offsets belong to one topic" in refused.stderr
