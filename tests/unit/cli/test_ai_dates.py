"""`headrace ai dates` tells what a text names, how sure that is, and why."""

import json

import pytest
from typer.testing import CliRunner

from operations.cli.ai import app

WRITTEN = ("--written", "2026-11-30", "--timezone", "America/New_York")


def test_json_tells_span_certainty_and_reason() -> None:
    text = "Our contract ends on 31 August, reach out in June at 4pm"
    result = CliRunner().invoke(app, ["dates", text, *WRITTEN, "--json"])
    assert result.exit_code == 0
    read = json.loads(result.stdout)
    first, second, third = read["found"]
    assert (first["text"], first["days"]) == ("on 31 August", [["2027-08-31", "2027-08-31"]])
    assert text[second["start"] : second["end"]] == second["text"] == "in June"
    assert (second["certainty"], second["days"]) == (0.95, [["2027-06-01", "2027-06-30"]])
    assert third["times"] == ["16:00"]
    assert read["follow_up"]["day"] == "2027-06-01"
    assert "contact" in read["follow_up"]["why"]


def test_an_ambiguous_date_is_asked_about() -> None:
    result = CliRunner().invoke(app, ["dates", "How about 3/4?", *WRITTEN])
    assert result.exit_code == 0
    assert "Write again: asked about" in result.stdout
    assert "ambiguous: 2027-03-04 or 2027-04-03" in result.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--timezone", "Mars/Base"], "no time zone 'Mars/Base'"), (["--written", "soon"], "'soon' is no date")],
)
def test_what_cannot_be_read_is_said(options: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["dates", "tomorrow", *options])
    assert result.exit_code == 2
    assert words in result.stderr
