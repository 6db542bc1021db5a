"""Recognises where an answered or forwarded mail begins with its own header: separators and labels in all layouts."""

import re
from collections.abc import Iterator, Sequence

from headrace.providers.own_words.attributions import ADDRESS, CLOCK, DATE
from headrace.providers.own_words.languages import FORWARDED_BY, FORWARDS, LABELS, SEPARATORS, LabelKind
from headrace.providers.own_words.lines import LONGEST_MARK, Line

_MOST_LINES = 20
_MOST_UNLABELLED = 4
_MOST_BLANK = 2
_LONGEST_LABEL = 30
_MOST_LABELS_ON_A_LINE = 12
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
    evidence = last = unlabelled = blank = 0
    for offset, line in enumerate(lines[position : position + _MOST_LINES]):
        found = set(_kinds_on(line, is_wrapped=0 < offset == last + 1))
        # A second sender: the first was none, but somebody's `From: my side no objections.`
        if offset and "from" in found & kinds:
            break
        kinds |= found
        blank = 0 if line.seen else blank + 1
        unlabelled = 0 if found or not line.seen else unlabelled + 1
        if unlabelled > _MOST_UNLABELLED or blank > _MOST_BLANK:
            break
        if found:
            last = offset
            evidence += _evidence(line)
        if blank and not _label_is_next(lines, position + offset):
            break
    return last + 1 if _is_enough(first, kinds, evidence) else 0


def _evidence(line: Line) -> int:
    """2 for an address or a day with a time, which a header has; 1 for a day, which may be somebody's wish."""
    if ADDRESS.search(line.seen) or (DATE.search(line.seen) and CLOCK.search(line.seen)):
        return 2
    return 1 if DATE.search(line.seen) else 0


def _label_is_next(lines: Sequence[Line], position: int) -> bool:
    following = next((line for line in lines[position + 1 : position + 3] if line.seen), None)
    return following is not None and label_kind(following) is not None


def _is_enough(first: LabelKind, kinds: set[LabelKind], evidence: int) -> bool:
    is_header = (first == "from" and "date" in kinds) or (len(kinds) > 2 and bool(kinds & {"from", "date"}))
    return is_header and (evidence > 1 or len(kinds) > 3 or (evidence > 0 and "subject" in kinds))


def label_kind(line: Line) -> LabelKind | None:
    """What the label at the beginning of the line labels."""
    label, colon, _ = line.seen[: 2 * _LONGEST_LABEL].partition(":")
    return _kind(label.strip(_AROUND)) if colon else None


def _kind(label: str) -> LabelKind | None:
    return LABELS.get(label) or LABELS.get(label.replace(" ", ""))


def _kinds_on(line: Line, *, is_wrapped: bool) -> Iterator[LabelKind]:
    """All labels of a line that begins with one, or goes on with such a line's header written in one line."""
    if len(line.text) > LONGEST_MARK:
        return
    if first := label_kind(line):
        yield first
    elif not is_wrapped:
        return
    for part in line.seen.split(":")[1 if first else 0 : -1][:_MOST_LABELS_ON_A_LINE]:
        words = part.strip(_AROUND).split()[-3:]
        for start in range(len(words)):
            if kind := _kind(" ".join(words[start:]).strip(_AROUND + ",;")):
                yield kind
                break
