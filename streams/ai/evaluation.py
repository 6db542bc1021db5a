"""Measures anything that labels replies on a labelled file: what it gets right, where it errs, how long it takes."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from streams.ai.labels import PRIORITY, Label
from streams.ai.local.classifier import Classification, Classify
from streams.ai.rules.reply import Channel, Reply, Turn

_WORST = 20


class UnreadableLabels(Exception):
    """A labelled file is missing or a line of it is wrong; says which and why."""


class Labelled(msgspec.Struct, frozen=True):
    """A reply and what a person said it means."""

    id: str
    reply: Reply
    label: Label
    opt_out: bool
    bounce: bool
    contains_phone: str | None
    proposed_time: bool
    author_batch: str | None


class _Line(msgspec.Struct, frozen=True):
    """A line of the file; other fields are ignored."""

    id: str
    channel: Channel
    text: str
    sentiment: Label
    opt_out: bool
    bounce: bool
    subject: str = ""
    history: tuple[Turn, ...] = ()
    contains_phone: str | None = None
    proposed_time: bool = False
    author_batch: str | None = None


class Scores(msgspec.Struct, frozen=True):
    """Of one label or flag."""

    precision: float
    recall: float
    f1: float
    support: int


class Mistake(msgspec.Struct, frozen=True):
    """A reply labelled otherwise than by the person."""

    id: str
    expected: Label
    found: Label
    confidence: float
    rule: str | None


class Report(msgspec.Struct, frozen=True):
    """What `headrace ai eval --json` prints."""

    accuracy: float
    macro_f1: float
    opt_out: Scores
    bounce: Scores
    per_label: dict[str, Scores]
    ms_per_message: float
    p95_ms: float
    messages: int
    provider: str
    model: str
    #: Millionths of a US dollar; None when a call's cost is not known.
    cost_micro_usd: int | None
    phone_accuracy: float
    proposed_time: Scores
    #: Opt-outs that a rule or at least the label Blacklist caught.
    opt_out_or_blacklist_recall: float
    #: found label by expected label
    confusion: dict[str, dict[str, int]]
    #: Wrong labels, the surest first.
    worst: list[Mistake]


def load_labelled(path: Path) -> list[Labelled]:
    """Reads a file of one JSON object a line. Raises UnreadableLabels."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableLabels(
            f"Can't read {path}: {error.strerror}. Give a file with one labelled reply a line."
        ) from error
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), start=1) if line.strip()]
    if not lines:
        raise UnreadableLabels(f"{path} holds no labelled reply.")
    return [_labelled(path, number, line) for number, line in lines]


def _labelled(path: Path, number: int, line: bytes) -> Labelled:
    try:
        read = msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableLabels(f"{path}, line {number}: {error}. Each line is one labelled reply as JSON.") from error
    return Labelled(
        read.id,
        Reply(read.channel, read.subject, read.text, read.history),
        read.sentiment,
        read.opt_out,
        read.bounce,
        read.contains_phone,
        read.proposed_time,
        read.author_batch,
    )


def evaluate(
    classify: Classify,
    data: Sequence[Labelled],
    *,
    provider: str,
    model: str,
    clock: Callable[[], float] = time.perf_counter,
) -> Report:
    """Labels each reply once and compares. `clock` counts seconds."""
    found, times = [], []
    for item in data:
        start = clock()
        found.append(classify(item.reply))
        times.append((clock() - start) * 1000)
    return compare(data, found, times, provider=provider, model=model)


def compare(
    data: Sequence[Labelled],
    found: Sequence[Classification],
    times: Sequence[float],
    *,
    provider: str,
    model: str,
    cost_micro_usd: int | None = 0,
) -> Report:
    """Holds labels, and the milliseconds each of them took, against what people said."""
    labels = [(item.label, guess.label) for item, guess in zip(data, found, strict=True)]
    per_label = {label: _scores((one == label, other == label) for one, other in labels) for label in PRIORITY}
    present = [scores.f1 for label, scores in per_label.items() if scores.support or _is_found(label, found)]
    opted = [guess for item, guess in zip(data, found, strict=True) if item.opt_out]
    return Report(
        accuracy=_share(one == other for one, other in labels),
        macro_f1=round(sum(present) / len(present), 4),
        opt_out=_scores((item.opt_out, guess.opt_out) for item, guess in zip(data, found, strict=True)),
        bounce=_scores((item.bounce, guess.bounce) for item, guess in zip(data, found, strict=True)),
        per_label={str(label): scores for label, scores in per_label.items()},
        ms_per_message=round(sum(times) / len(times), 3),
        p95_ms=round(sorted(times)[int(0.95 * (len(times) - 1))], 3),
        messages=len(data),
        provider=provider,
        model=model,
        cost_micro_usd=cost_micro_usd,
        phone_accuracy=_share(
            item.contains_phone == guess.contains_phone for item, guess in zip(data, found, strict=True)
        ),
        proposed_time=_scores(
            (item.proposed_time, guess.proposed_time) for item, guess in zip(data, found, strict=True)
        ),
        opt_out_or_blacklist_recall=_share(guess.opt_out or guess.label == "Blacklist" for guess in opted)
        if opted
        else 1.0,
        confusion=_confusion(labels),
        worst=_mistakes(data, found)[:_WORST],
    )


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values."""
    plain: dict[str, Any] = msgspec.to_builtins(report)
    return plain


def _is_found(label: Label, found: Sequence[Classification]) -> bool:
    return any(guess.label == label for guess in found)


def _share(right: Iterator[bool]) -> float:
    values = list(right)
    return round(sum(values) / len(values), 4)


def _scores(pairs: Iterator[tuple[bool, bool]]) -> Scores:
    """From (expected, found). Nothing expected and nothing found is perfect."""
    counts = Counter(pairs)
    hits, extra, missed = counts[True, True], counts[False, True], counts[True, False]
    precision = hits / (hits + extra) if hits + extra else 1.0
    recall = hits / (hits + missed) if hits + missed else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Scores(round(precision, 4), round(recall, 4), round(f1, 4), hits + missed)


def _confusion(labels: Sequence[tuple[Label, Label]]) -> dict[str, dict[str, int]]:
    counts = Counter(labels)
    return {
        expected: {found: counts[expected, found] for found in PRIORITY if counts[expected, found]}
        for expected in PRIORITY
        if any(one == expected for one, _ in labels)
    }


def _mistakes(data: Sequence[Labelled], found: Sequence[Classification]) -> list[Mistake]:
    wrong = [
        Mistake(item.id, item.label, guess.label, guess.confidence, guess.rule)
        for item, guess in zip(data, found, strict=True)
        if item.label != guess.label
    ]
    return sorted(wrong, key=lambda mistake: -mistake.confidence)
