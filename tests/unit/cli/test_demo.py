"""What the demo prints can be read in a terminal of 80 columns: nothing that was counted or written is cut away."""

import pytest

from operations.cli.demo import _print
from operations.dev.demo import DemoResult, JobCount, MessageRow, ProviderCount

DRAFT = "Hi Pat,\n\nThank you for asking."


def result(*wrong: str) -> DemoResult:
    count = ProviderCount(
        provider="emailbison",
        sent=18,
        verdicts={"fresh": 7, "ignored": 2, "duplicate": 9},
        messages=5,
        p50_ms=7.9,
        p95_ms=98.5,
        p99_ms=1185.1,
        wrong=wrong,
    )
    message = MessageRow(
        "emailbison", "email", "inbound", "Pat Moe", "Tell me more", "Information Requested", "needs_review", 2, DRAFT
    )
    jobs = JobCount(expected=2, states={"succeeded": 2}, most_attempts=1, ai_calls=3, cost_micro_usd=0)
    return DemoResult(providers=(count,), messages=(message,), jobs=jobs)


@pytest.mark.parametrize("columns", ["80", "120"])
def test_no_count_and_no_message_is_cut_away(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    _print(result())
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= int(columns)
    assert "…" not in printed
    for name in ("provider", "sent", "fresh", "ignored", "duplicate", "messages", "p50 ms", "p95 ms", "p99 ms"):
        assert name in printed
    for value in ("emailbison", "1185.1", "→", "Pat Moe", "Tell me more", "Information", "Requested", "Hi Pat,"):
        assert value in printed
    assert "Every count is right" in printed


def test_a_wrong_count_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    _print(result("duplicate: 8 instead of 9"))
    printed = capsys.readouterr().out
    assert "wrong  emailbison: duplicate: 8 instead of 9" in printed
    assert "Every count is right" not in printed
