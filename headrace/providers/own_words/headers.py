"""Recognises where an answered or forwarded mail begins with its own header: separators and labels in all layouts."""

import re
from collections.abc import Sequence
from functools import lru_cache

from headrace.providers.own_words.attributions import ADDRESS, CLOCK, DATE
from headrace.providers.own_words.languages import FORWARDED_BY, FORWARDS, LABELS, SEPARATORS, LabelKind
from headrace.providers.own_words.lines import LONGEST_MARK, Line

_MOST_LINES = 20
_MOST_UNLABELLED = 4
_MOST_BLANK = 2
_LONGEST_LABEL = 30
#: Lines whose labels were there before: a header may name two receivers, a list of `to:` is none.
_MOST_REPEATED = 4
_MOST_LABELS_ON_A_LINE = 12
#: Lines whose labels are remembered: a line is looked at once for each line above it that may begin a header.
_REMEMBERED = 256
_RULE = re.compile(r"[\s*|]*+(?:_{8,}+|-{20,}+|={20,}+)\s*+")
_DASHED = re.compile(r"[\s*|]*+[-=_*~]{2,}+")
#: HCL Notes: `Jo Smith ---03/02/2026 09:00:00 AM---Hi Pat, …`.
_NOTES = re.compile(r"---? ?\d{1,4}[./-]\d{1,2}[./-]\d{2,4}[ ,][^-]{3,30}---")
_AROUND = " \t*>|\"'【】[]-_="


def history_start(lines: Sequence[Line], position: int) -> int:
    """How many lines from here announce history by a header or a separator; 0 when none does."""
    line = lines[position]
    if len(line.text) > LONGEST_MARK or not line.seen:
        return 0
    if block := _block_length(lines, position):
        return block
    core = line.seen.strip(_AROUND + ":~")
    is_dashed = bool(_DASHED.match(line.seen))
    announced = _announced_length(lines, position + 1)
    if _announces(line.seen, core, is_dashed=is_dashed) or _NOTES.search(line.seen):
        return 1 + announced
    return 1 + announced if announced and _may_announce(line.seen, core) else 0


def _may_announce(text: str, core: str) -> bool:
    """What does so where a header really follows."""
    is_rule = _RULE.fullmatch(text) or (text.startswith("----") and text.endswith("----"))
    is_named = core in SEPARATORS or core in FORWARDS or (core.startswith(FORWARDED_BY) and DATE.search(core))
    return bool(is_rule or is_named)


def _announces(text: str, core: str, *, is_dashed: bool) -> bool:
    if is_dashed:
        return core in SEPARATORS or core in FORWARDS or (core.startswith(FORWARDED_BY) and bool(DATE.search(core)))
    return text.endswith(":") and core in FORWARDS


def _announced_length(lines: Sequence[Line], position: int) -> int:
    for after in range(position, min(position + 3, len(lines))):
        if block := _block_length(lines, after):
            return after - position + block
        if lines[after].seen.strip(_AROUND):
            return 0
    return 0


def _block_length(lines: Sequence[Line], position: int) -> int:
    """From, Sent, To, Subject: sender and date, or any three, and what only a header has."""
    if position >= len(lines) or (first := label_kind(lines[position])) is None:
        return 0
    kinds: set[LabelKind] = {first}
    evidence = last = unlabelled = blank = repeated = 0
    for offset, line in enumerate(lines[position : position + _MOST_LINES]):
        found = _kinds_on(line, is_wrapped=0 < offset == last + 1)
        # A second sender: the first was none, but somebody's `From: my side no objections.`
        if offset and "from" in found & kinds:
            break
        repeated += bool(offset and found and found <= kinds)
        if repeated > _MOST_REPEATED:
            break
        kinds |= found
        blank = 0 if line.seen else blank + 1
        unlabelled = 0 if found or not line.seen else unlabelled + 1
        if unlabelled > _MOST_UNLABELLED or blank > _MOST_BLANK:
            break
        if found:
            last = offset
            evidence += _evidence(line.seen)
        if blank and not _label_is_next(lines, position + offset):
            break
    return last + 1 if _is_enough(first, kinds, evidence) else 0


@lru_cache(_REMEMBERED)
def _evidence(text: str) -> int:
    """2 for an address or a day with a time, which a header has; 1 for a day, which may be somebody's wish."""
    has_day = bool(DATE.search(text))
    if ADDRESS.search(text) or (has_day and CLOCK.search(text)):
        return 2
    return 1 if has_day else 0


def _label_is_next(lines: Sequence[Line], position: int) -> bool:
    following = next((line for line in lines[position + 1 : position + 3] if line.seen), None)
    return following is not None and label_kind(following) is not None


def _is_enough(first: LabelKind, kinds: set[LabelKind], evidence: int) -> bool:
    is_header = (first == "from" and "date" in kinds) or (len(kinds) > 2 and bool(kinds & {"from", "date"}))
    return is_header and (evidence > 1 or len(kinds) > 3 or (evidence > 0 and "subject" in kinds))


def label_kind(line: Line) -> LabelKind | None:
    """What the label at the beginning of the line labels."""
    return _first_kind(line.seen[: 2 * _LONGEST_LABEL])


@lru_cache(_REMEMBERED)
def _first_kind(beginning: str) -> LabelKind | None:
    label, colon, _ = beginning.partition(":")
    return _kind(label.strip(_AROUND)) if colon else None


def _kind(label: str) -> LabelKind | None:
    return LABELS.get(label) or LABELS.get(label.replace(" ", ""))


def _kinds_on(line: Line, *, is_wrapped: bool) -> frozenset[LabelKind]:
    """All labels of a line that begins with one, or goes on with such a line's header written in one line."""
    if len(line.text) > LONGEST_MARK or (not is_wrapped and label_kind(line) is None):
        return frozenset()
    return _kinds_in(line.seen)


@lru_cache(_REMEMBERED)
def _kinds_in(text: str) -> frozenset[LabelKind]:
    first = _first_kind(text[: 2 * _LONGEST_LABEL])
    parts = text.split(":")[1 if first else 0 : -1][:_MOST_LABELS_ON_A_LINE]
    kinds = {first, *map(_last_kind, parts)}
    return frozenset(kind for kind in kinds if kind)


def _last_kind(part: str) -> LabelKind | None:
    """The label that ends it, the longest first."""
    words = part.strip(_AROUND).split()[-3:]
    joined = (" ".join(words[start:]).strip(_AROUND + ",;") for start in range(len(words)))
    return next(filter(None, map(_kind, joined)), None)
