"""What no worker has taken is told by stage, with its age, wherever somebody asks: a worker that hangs says nothing."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from headrace.events.topics import ENRICHMENTS, INBOX, INBOX_BULK, JOBS, MESSAGES, WEBHOOKS_BULK
from headrace.kafka.backlogs import log_backlogs
from headrace.kafka.log_offsets import LogOffsets
from headrace.stages import LOG_STAGES, StageAge, late
from operations.stages.stage_ages import stage_ages
from projections.connection import connector
from projections.writing.stage_watch import leave_backlogs
from tests.headrace_command import headrace
from tests.integration.operations.installation import Installation

pytestmark = pytest.mark.usefixtures("topics_created")


def ages(installation: Installation, later: timedelta = timedelta(0)) -> dict[str, StageAge]:
    """Those with something unfinished, by name, as of so much later than now."""
    found = stage_ages(installation.settings, datetime.now(UTC) + later)
    return {age.stage: age for age in found if age.unfinished}


def leave(installation: Installation) -> None:
    """The projections look the log up for the view."""

    async def look() -> None:
        connection = await connector(installation.settings.database_url)()
        async with connection.cursor() as cursor:
            await leave_backlogs(cursor, log_backlogs(installation.settings, LogOffsets(installation.settings)))
        await connection.close()

    asyncio.run(look())


def told_by_the_view(installation: Installation) -> dict[str, tuple[int, datetime]]:
    query = "SELECT stage, n, oldest_at FROM analytics.oldest_unprocessed WHERE workspace_id IS NULL"
    with psycopg.connect(installation.settings.database_url) as connection:
        return {stage: (n, oldest) for stage, n, oldest in connection.execute(query)}


def test_every_stage_tells_what_it_has_not_taken_and_since_when(installation: Installation) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    installation.webhook(0)
    installation.webhook(1)
    installation.webhook(2, WEBHOOKS_BULK)
    for topic in (INBOX, INBOX_BULK, ENRICHMENTS):
        installation.send(topic, 0, b"{}", [])
    installation.message(0, with_jobs=False)
    installation.request(0)
    found = ages(installation)
    stages = {stage.name: 1 for stage in LOG_STAGES} | {"webhooks:without_verdict": 2}
    rows = {"project:leads": 1, "project:jobs": 1, "project:enrichments": 1}
    assert {name: age.unfinished for name, age in found.items()} == stages | rows
    assert all(age.oldest_at is not None and age.oldest_at >= began for age in found.values())
    assert late(found.values()) == []
    assert {age.stage for age in late(ages(installation, timedelta(seconds=100)).values())} == {
        name for name in stages | rows if ".bulk" not in name
    }
    installation.judge_and_resolve()
    installation.commit("jobs", JOBS, ENRICHMENTS)
    assert set(ages(installation)) == set(rows)


def test_the_view_tells_what_stands_in_the_log_alone(installation: Installation) -> None:
    installation.webhook(0)
    installation.webhook(1)
    assert told_by_the_view(installation) == {}, "nobody has looked yet"
    leave(installation)
    (told,) = [one for one in ages(installation).values() if one.stage == "webhooks:without_verdict"]
    assert told_by_the_view(installation) == {"webhooks:without_verdict": (2, told.oldest_at)}
    installation.judge_and_resolve()
    leave(installation)
    assert told_by_the_view(installation) == {}
    installation.execute("UPDATE ctl.stage_backlogs SET observed_at = now() - interval '61 seconds'")
    assert set(told_by_the_view(installation)) == {stage.name for stage in LOG_STAGES}, "nobody looks any more"


def test_an_audit_counts_letters_of_every_stage_and_dead_jobs_and_is_not_well_when_work_stands(
    finished: Installation,
) -> None:
    finished.commit("jobs", JOBS)
    finished.project()
    assert finished.audit().is_well
    finished.request(7)
    finished.dead_letter(INBOX, 0, 5, "resolve")
    finished.dead_letter(JOBS, 0, 0, "execute")
    finished.commit("jobs", JOBS)
    finished.project()
    report = finished.audit(stuck_seconds=1e9)
    stages = {age.stage: age.unfinished for age in report.stages if age.unfinished}
    assert stages == {"jobs:waiting": 1, "dead_letters:execute": 1, "dead_letters:resolve": 1}
    assert [age.stage for age in late(report.stages)] == ["jobs:waiting"]
    assert (report.outcome, report.stuck, report.is_well) == ("complete", (), False)


def test_a_pipeline_that_stands_is_told_beside_projections_that_have_nothing_to_do(finished: Installation) -> None:
    finished.project()
    finished.commit("jobs", JOBS, MESSAGES)
    environment = {
        "KAFKA_BOOTSTRAP": finished.settings.kafka_bootstrap,
        "DATABASE_URL": finished.settings.database_url,
        "HEADRACE_TOPIC_PREFIX": finished.settings.topic_prefix,
        "COLUMNS": "300",
    }
    assert headrace(environment, "proj", "status", "--over", "0.2").exit_code == 0
    audited = json.loads(headrace(environment, "audit", "--wait", "0", "--json").stdout)
    stages = {age["stage"]: age for age in audited["stages"]}
    assert {stage.name for stage in LOG_STAGES} <= set(stages)
    assert stages["webhooks:without_verdict"]["goal_seconds"] == 60
