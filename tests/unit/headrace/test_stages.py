"""Every reader of a topic is judged by age, and a stage is late by its goal alone."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.events.topics import ALL_TOPICS, WORKSPACES
from headrace.stages import LOG_STAGES, ROW_STAGES, late, projection_stage, row_stage, stage_age
from projections.registry import ALL_PROJECTIONS

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[3]
VIEW = (ROOT / "projections" / "views" / "oldest_unprocessed.sql").read_text(encoding="utf-8")


def test_whoever_reads_a_topic_is_judged_by_what_he_has_not_read() -> None:
    workers = [(reader, topic) for topic in ALL_TOPICS for reader in topic.readers if reader != "cli"]
    read = {(reader, topic.name) for reader, topic in workers if topic is not WORKSPACES}
    stages = (*LOG_STAGES, *(projection_stage(one.name, one.topic) for one in ALL_PROJECTIONS))
    judged = Counter((stage.reader, topic.name) for stage in stages for topic in stage.topics)
    assert set(judged) == read, "workspaces are folded whole by every process, outside of any group"
    assert set(judged.values()) == {1}


def test_every_stage_that_the_view_tells_is_declared() -> None:
    told = set(re.findall(r"'((?:jobs|messages):\w+|jobs:|dead_letters:|quarantine)'", VIEW)) - {"jobs:"}
    assert {"jobs:waiting", "messages:without_job", "dead_letters:", "quarantine"} <= told
    assert [name for name in told if row_stage(name) is None] == []
    parked = set(re.findall(r"error_class IN \('(\w+)', '(\w+)'\)", VIEW)[0])
    assert {f"jobs:{name}" for name in parked} <= {stage.name for stage in ROW_STAGES}


def test_a_member_of_a_family_is_judged_as_the_family() -> None:
    letters = row_stage("dead_letters:project:leads")
    assert letters is not None
    age = stage_age(letters, 3, NOW - timedelta(days=9), NOW, "dead_letters:project:leads")
    assert (age.stage, age.unfinished, age.is_late) == ("dead_letters:project:leads", 3, False)
    assert row_stage("project:leads") is None, "the log tells that of the rows"


@pytest.mark.parametrize(("seconds", "is_late"), [(0, False), (60, False), (61, True), (-5, False)])
def test_a_stage_is_late_when_its_oldest_stands_for_longer_than_the_goal(seconds: int, is_late: bool) -> None:
    age = stage_age(LOG_STAGES[0], 1, NOW - timedelta(seconds=seconds), NOW)
    assert (age.is_late, late([age])) == (is_late, [age] if is_late else [])
    assert age.age_seconds == max(0, seconds)


def test_a_stage_with_nothing_before_it_has_no_age() -> None:
    age = stage_age(LOG_STAGES[0], 0, None, NOW)
    assert (age.unfinished, age.age_seconds, age.is_late) == (0, None, False)


def test_every_stage_says_what_to_do() -> None:
    assert all(stage.next_step and stage.holds for stage in (*LOG_STAGES, *ROW_STAGES))


def test_the_docs_tell_every_stage_with_its_goal() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\S+?)…?` \| .* \| (.+) \|$", page, re.MULTILINE))
    for stage in (*LOG_STAGES, *ROW_STAGES):
        goal = "never: a person decides" if stage.goal_seconds is None else f"{stage.goal_seconds:,.0f} s"
        assert rows.get(stage.name) == goal, stage.name
