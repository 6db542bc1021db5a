"""`headrace audit` as an operator meets it when jobs are missing or stuck: sentences with ids, and exit statuses."""

import json

import pytest

from headrace.events.job_plan import job_id
from headrace.settings import Settings
from tests.headrace_command import Finished, headrace
from tests.integration.operations.installation import POST_PROCESS, Installation, message_id

pytestmark = pytest.mark.usefixtures("topics_created")


@pytest.fixture
def installation(settings: Settings) -> Installation:
    return Installation(settings)


def run(settings: Settings, *arguments: str) -> Finished:
    environment = {
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "DATABASE_URL": settings.database_url,
        "HEADRACE_TOPIC_PREFIX": settings.topic_prefix,
    }
    return headrace(environment, "audit", "--wait", "0", *arguments)


def test_a_missing_job_is_named(installation: Installation, settings: Settings) -> None:
    installation.message(0, with_jobs=False)
    installation.judge_and_resolve()
    installation.project()
    printed = run(settings)
    assert printed.exit_code == 1
    assert f"no {POST_PROCESS} job {job_id(message_id(0), POST_PROCESS)} for message {message_id(0)}" in printed.output
    report = json.loads(run(settings, "--json").output)
    assert (report["outcome"], report["missing"][0]["message_id"]) == ("missing", message_id(0))
    assert set(report) >= {"outcome", "topics", "missing"}


def test_a_stuck_job_is_named_and_is_not_missing(installation: Installation, settings: Settings) -> None:
    installation.message(0, with_jobs=False)
    installation.request(0)
    installation.judge_and_resolve()
    installation.project()
    printed = run(settings)
    assert printed.exit_code == 1
    assert "MISSING" not in printed.output
    assert "STUCK jobs: 1." in printed.output
    assert f"job {job_id(message_id(0), POST_PROCESS)} of message {message_id(0)} in acme: waiting" in printed.output
    forgiven = run(settings, "--stuck-after", "1e9")
    # Its age is judged all the same: the stage is late.
    assert forgiven.exit_code == 1
    assert "Jobs: 1 open, 0 of them stuck" in forgiven.output
    assert "STUCK" not in forgiven.output
