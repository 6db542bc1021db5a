"""`headrace db`, `audit` and `proj` as an operator meets them: exit statuses and sentences."""

import json
from pathlib import Path

import pytest

from headrace.settings import Settings
from tests.headrace_command import headrace as run


@pytest.fixture
def environment(settings: Settings, topics_created: tuple[str, ...]) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "DATABASE_URL": settings.database_url,
        "HEADRACE_TOPIC_PREFIX": settings.topic_prefix,
    }


def test_an_empty_installation_is_complete_but_nobody_projects_it(environment: dict[str, str]) -> None:
    audited = run(environment, "audit", "--json")
    assert (audited.exit_code, json.loads(audited.output)["outcome"]) == (0, "complete")
    assert "Complete: every accepted webhook" in run(environment, "audit").output
    status = run(environment, "proj", "status")
    assert status.exit_code == 1
    assert "headrace run projections" in status.output
    assert json.loads(run(environment, "proj", "status", "--json").output)[0]["lag"] == 0


def test_the_schema_goes_down_and_up(environment: dict[str, str]) -> None:
    assert run(environment, "db", "status").exit_code == 0
    refused = run(environment, "db", "downgrade", "base")
    assert (refused.exit_code, "ctl.audit_open_jobs: all of it, 0 rows" in refused.output) == (1, True)
    assert run(environment, "db", "status").exit_code == 0
    unknown = run(environment, "db", "downgrade", "9999")
    assert (unknown.exit_code, "revision 9999" in unknown.output) == (2, True)
    assert run(environment, "db", "downgrade", "base", "--yes").exit_code == 0
    behind = run(environment, "db", "status")
    assert (behind.exit_code, "headrace db migrate" in behind.output) == (1, True)
    without = run(environment, "audit")
    assert (without.exit_code, "headrace db migrate" in without.output) == (2, True)
    assert "from nothing to revision" in run(environment, "db", "migrate").output
    assert "up to date" in run(environment, "db", "migrate").output


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "is DATABASE_URL right?"),
        ({"HEADRACE_TOPIC_PREFIX": "nowhere."}, "headrace topics create"),
        ({"KAFKA_BOOTSTRAP": "127.0.0.1:1"}, "KAFKA_BOOTSTRAP"),
    ],
)
def test_what_is_not_ready_is_said_in_a_sentence(
    environment: dict[str, str], change: dict[str, str], sentence: str
) -> None:
    refused = run(environment | change, "audit")
    assert (refused.exit_code, sentence in refused.output) == (2, True)
    assert "Traceback" not in refused.output


def test_postgres_away_is_said_by_every_verb(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": f"postgresql:///none?host={tmp_path}"}
    for verb in ("migrate", "status"):
        refused = run(environment, "db", verb)
        assert (refused.exit_code, "is DATABASE_URL right?" in refused.output) == (2, True)
