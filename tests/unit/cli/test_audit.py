"""What an audit tells people, and when it is not well."""

from datetime import UTC, datetime, timedelta

import pytest

from headrace.stages import LOG_STAGES, StageAge, row_stage, stage_age
from operations.audit.findings import AuditReport, JobsAudit
from operations.cli.audit import _show

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def aged(name: str, count: int, seconds: float) -> StageAge:
    stage = row_stage(name) or next(stage for stage in LOG_STAGES if stage.name == name)
    return stage_age(stage, count, NOW - timedelta(seconds=seconds), NOW, name)


def report(*stages: StageAge, dead: int = 0) -> AuditReport:
    return AuditReport(outcome="in flight", topics=(), missing=(), jobs=JobsAudit(dead=dead), stuck=(), stages=stages)


def test_what_stands_in_a_stage_for_too_long_is_late_and_not_well(capsys: pytest.CaptureFixture[str]) -> None:
    hung = report(aged("webhooks:without_verdict", 12, 300))
    _show(hung)
    told = capsys.readouterr().out
    assert not hung.is_well
    assert "LATE: 12 webhooks without a verdict, the oldest for 5 min" in told
    assert "`headrace run pipeline`" in told
    assert "Nothing is missing so far; " not in told
    assert report(aged("webhooks:without_verdict", 12, 3)).is_well


def test_dead_letters_of_every_stage_dead_jobs_and_quarantine_are_counted_and_wait_for_people(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waiting = report(
        aged("dead_letters:execute", 99, 90_000),
        aged("dead_letters:project:leads", 1, 90_000),
        aged("quarantine", 2, 90_000),
        dead=99,
    )
    _show(waiting)
    told = capsys.readouterr().out
    assert "nobody has settled: 100 (99 of execute; 1 of project:leads). Dead jobs: 99." in told
    assert "In quarantine: 2." in told
    assert waiting.is_well
