"""`headrace ai eval` prints what was measured and fails below a bar."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from operations.cli.ai import app

REPLIES = Path(__file__).parents[3] / "training" / "replies.jsonl"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("eval") / "sample.jsonl"
    path.write_text("".join(REPLIES.read_text("utf-8").splitlines(keepends=True)[:120]), "utf-8")
    return path


def test_json(sample: Path) -> None:
    result = CliRunner().invoke(app, ["eval", str(sample), "--provider", "lexical", "--json"])
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["messages"] == 120
    assert report["accuracy"] > 0.9


def test_tables(sample: Path) -> None:
    result = CliRunner().invoke(app, ["eval", str(sample), "--provider", "rules"])
    assert result.exit_code == 0
    assert "Confusion" in result.stdout
    assert "Worst errors" in result.stdout


@pytest.mark.parametrize(("bar", "words"), [("--min-accuracy", "Accuracy"), ("--min-opt-out-recall", "Opt-out recall")])
def test_a_bar_that_is_missed_fails(tmp_path: Path, bar: str, words: str) -> None:
    line = {
        "id": "x",
        "channel": "sms",
        "text": "golden silence",
        "sentiment": "Blacklist",
        "opt_out": True,
        "bounce": False,
    }
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps(line), "utf-8")
    result = CliRunner().invoke(app, ["eval", str(path), "--provider", "rules", "--json", bar, "0.9"])
    assert result.exit_code == 1
    assert f"{words} 0.000 is below the bar of 0.900." in result.stderr


def test_a_model_without_an_address_or_key_is_refused(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "AI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(app, ["eval", str(sample), "--provider", "openai"])
    assert result.exit_code == 2
    assert "OPENAI_API_KEY" in result.stderr


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["eval", str(tmp_path / "none.jsonl")])
    assert result.exit_code == 2
    assert "Can't read" in result.stderr
