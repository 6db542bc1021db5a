"""Rebuilds against a real log: the same rows as live ones, resumed, cancelled, refused, promoted and rolled back."""

from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest

from headrace.events.topics import MESSAGES
from operations.runs.runs import RunSuperseded, begin, show_run
from operations.versions import rebuild_read
from operations.versions.rebuild import RebuildRefused, Until, plan_rebuild
from operations.versions.rebuild_run import abandon_run, run_rebuild
from operations.versions.stage import RebuildStopped, Stage
from operations.versions.swap import (
    SwapRefused,
    behind,
    drop_version,
    find_version,
    make_live,
    target_of_promotion,
    target_of_rollback,
)
from operations.versions.verify import VerifyImpossible, pairs
from projections.projectors.leads import PROJECTION as LEADS
from projections.registry import ALL_PROJECTIONS
from projections.schemas import proj_schema
from projections.versions import WRITTEN, live_version, versions
from tests.integration.operations.installation import Installation
from tests.integration.operations.rebuilding import content, rebuilt, stages


@pytest.fixture
def projected(installation: Installation, topics_created: tuple[str, ...]) -> Installation:
    """Messages of one lead, some of them twice, with their jobs: in the log and in version 1."""
    for number in (0, 1, 2, 1, 0):
        installation.message(number)
        installation.verdict(number, number)
    installation.suppression(2)
    installation.project()
    return installation


def test_rebuilt_rows_are_the_live_rows(projected: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = projected.settings
    monkeypatch.setattr(rebuild_read, "CHUNK", 2)
    for projection in ALL_PROJECTIONS:
        version = rebuilt(settings, projection.name)
        assert content(settings, projection.name, version) == content(settings, projection.name, 1)
    assert len(content(settings, "leads", 2)["messages"]) == 3
    assert stages(settings) == 0


def test_promote_and_rollback_change_what_the_views_read(projected: Installation) -> None:
    settings = projected.settings
    version = rebuilt(settings, "leads")
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(f"DELETE FROM {proj_schema(version)}.messages WHERE provider_message_id = '0'".encode())  # noqa: S608
        target = target_of_promotion(versions(connection), "leads", None)
        assert behind(connection, target) == 0
        make_live(settings.database_url, [target])
        assert connection.execute("SELECT count(*) FROM analytics.messages").fetchone() == (2,)
        assert live_version(connection, "leads") == version
        make_live(settings.database_url, [target_of_rollback(versions(connection), "leads")])
        assert connection.execute("SELECT count(*) FROM analytics.messages").fetchone() == (3,)
        assert live_version(connection, "leads") == 1
    drop_version(settings.database_url, "leads", version)


def test_an_as_of_version_has_what_was_there_then_and_is_followed_by_nobody(projected: Installation) -> None:
    settings = projected.settings
    version = rebuilt(settings, "leads", until={0: 2, 1: 0})
    assert len(content(settings, "leads", version)["messages"]) == 2
    with psycopg.connect(settings.database_url) as connection:
        found = find_version(versions(connection), "leads", version)
        assert (found.state, found.state in WRITTEN) == ("frozen", False)
        assert behind(connection, found) == 4
        with pytest.raises(SwapRefused, match="is dual"):
            target_of_promotion(versions(connection), "leads", None)
        assert target_of_promotion(versions(connection), "leads", version) == found
    with pytest.raises(VerifyImpossible, match="no complete version"):
        pairs(settings.database_url, [LEADS])


@pytest.mark.parametrize(
    ("until", "reason"),
    [({0: 2}, "each partition with its end: 0=6,1=0"), ({0: 7, 1: 0}, "0 to 6: 7 is outside")],
)
def test_an_end_that_the_log_has_not_is_refused(projected: Installation, until: Until, reason: str) -> None:
    with pytest.raises(RebuildRefused, match=reason):
        plan_rebuild(projected.settings, LEADS, until=until)


def test_the_plan_says_what_will_be_read_and_made(projected: Installation) -> None:
    plan = plan_rebuild(projected.settings, LEADS, workers=2)
    with psycopg.connect(projected.settings.database_url) as connection:
        connection.execute("ANALYZE")
    analysed = plan_rebuild(projected.settings, LEADS, workers=2)
    assert (plan.events, plan.version, plan.live_version, plan.ai_cost_micro_usd) == (6, 2, 1, 0)
    assert analysed.keys == sum(map(len, content(projected.settings, "leads", 1).values()))
    assert 6 * 300 < plan.log_bytes < 6 * 3000
    assert plan.disk_bytes == 2 * plan.live_bytes > 0


def test_a_version_that_somebody_else_built_meanwhile_is_not_taken_for_ones_own(projected: Installation) -> None:
    plan = plan_rebuild(projected.settings, LEADS)
    rebuilt(projected.settings, "leads")
    scope = {"plans": [msgspec.to_builtins(plan)], "workers": 1}
    url = projected.settings.database_url
    with (
        pytest.raises(RunSuperseded, match="built leads version 2"),
        begin(
            url, verb="proj rebuild", subjects=["projection:leads"], scope=scope, started_by="bob", run_id=uuid4()
        ) as run,
    ):
        run_rebuild(projected.settings, run, lambda _line: None)


def test_what_an_abandoned_run_made_is_removed(projected: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, run_id = projected.settings, uuid4()
    before = content(settings, "leads", 1)
    monkeypatch.setattr(Stage, "fold", lambda *_: (_ for _ in ()).throw(RuntimeError("broken off")))
    with pytest.raises(RuntimeError, match="broken off"):
        rebuilt(settings, "leads", run_id=run_id)
    abandon_run(settings, show_run(settings.database_url, run_id))
    assert (stages(settings), content(settings, "leads", 1)) == (0, before)
    with psycopg.connect(settings.database_url) as connection:
        assert [one.state for one in versions(connection) if one.projection == "leads"] == ["live", "dropped"]


def test_a_bad_record_is_set_aside_only_where_the_live_version_did(
    installation: Installation, topics_created: Any
) -> None:
    settings = installation.settings
    installation.message(0, with_jobs=False)
    installation.send(MESSAGES, 0, b"{}", [])
    with pytest.raises(RebuildStopped, match="did not set it aside"):
        rebuilt(settings, "leads")
    installation.project()
    assert rebuilt(settings, LEADS.name) == 3
    with psycopg.connect(settings.database_url) as connection:
        found = connection.execute("SELECT version FROM ctl.dead_letters ORDER BY 1").fetchall()
    assert found == [(1,), (3,)]
