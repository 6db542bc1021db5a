"""A labelled file is read strictly, and its report adds up."""

import itertools
import json
from pathlib import Path

import pytest

from streams.ai.evaluation import UnreadableLabels, as_json, evaluate, load_labelled
from streams.ai.local.classifier import LocalClassifier

LINE = {
    "id": "x-1",
    "channel": "sms",
    "text": "STOP",
    "history": [{"direction": "outbound", "text": "Hi"}],
    "sentiment": "Blacklist",
    "opt_out": True,
    "bounce": False,
    "contains_phone": None,
    "proposed_time": False,
    "notes": "a field that is not read",
}


def _file(tmp_path: Path, *lines: object) -> Path:
    path = tmp_path / "replies.jsonl"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), "utf-8")
    return path


def test_unknown_fields_are_ignored(tmp_path: Path) -> None:
    (item,) = load_labelled(_file(tmp_path, LINE))
    assert (item.id, item.reply.text, item.opt_out, item.reply.history[0].text) == ("x-1", "STOP", True, "Hi")


@pytest.mark.parametrize("bad", ['{"id": 1', {**LINE, "sentiment": "New"}, {**LINE, "channel": "fax"}, {"id": "x"}])
def test_a_bad_line_is_named(tmp_path: Path, bad: object) -> None:
    with pytest.raises(UnreadableLabels, match="line 2"):
        load_labelled(_file(tmp_path, LINE, bad))


def test_a_missing_or_empty_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLabels, match="Can't read"):
        load_labelled(tmp_path / "none.jsonl")
    with pytest.raises(UnreadableLabels, match="no labelled reply"):
        load_labelled(_file(tmp_path))


def test_the_report_adds_up(tmp_path: Path) -> None:
    missed = {**LINE, "id": "x-2", "text": "silence would be golden"}
    wrong = {**LINE, "id": "x-3", "text": "STOP", "sentiment": "Interested", "opt_out": False}
    neutral = {**LINE, "id": "x-4", "text": "hm", "sentiment": "Neutral", "opt_out": False}
    data = load_labelled(_file(tmp_path, LINE, missed, wrong, neutral))
    ticks = itertools.count()
    report = evaluate(
        LocalClassifier("rules").classify, data, provider="rules", model="rules", clock=lambda: next(ticks) / 1000
    )
    assert report.accuracy == 0.5
    assert (report.opt_out.precision, report.opt_out.recall, report.opt_out.support) == (0.5, 0.5, 2)
    assert (report.bounce.precision, report.bounce.recall) == (1.0, 1.0)
    assert report.confusion == {
        "Blacklist": {"Blacklist": 1, "Neutral": 1},
        "Interested": {"Blacklist": 1},
        "Neutral": {"Neutral": 1},
    }
    assert (report.worst[0].id, report.worst[0].confidence) == ("x-3", 1.0)
    assert report.ms_per_message == 1.0


def test_the_report_names_what_is_promised(tmp_path: Path) -> None:
    classifier = LocalClassifier("rules")
    report = as_json(
        evaluate(classifier.classify, load_labelled(_file(tmp_path, LINE)), provider="rules", model="rules")
    )
    promised = {"accuracy", "macro_f1", "opt_out", "bounce", "per_label", "ms_per_message"}
    assert promised <= report.keys()
    assert {"precision", "recall"} <= report["opt_out"].keys()
    json.dumps(report)
