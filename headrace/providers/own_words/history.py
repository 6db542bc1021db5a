"""Takes history out of a mail's lines: what is below its header or attribution, and what is quoted between answers."""

from collections.abc import Sequence

import msgspec

from headrace.providers.own_words.attributions import (
    ADDRESS,
    CLOCK,
    DATE,
    attribution_length,
    is_arrowed,
    quote_follows,
)
from headrace.providers.own_words.headers import history_start, label_kind
from headrace.providers.own_words.lines import Line, Mark, line_of

#: Further lines are looked through for quotation marks only: no mail has so many own words above its history.
_MOST_LINES = 1_000
_LOOKED_AT = 8
_MOST_BLANK = 3
_MOST_ATTRIBUTION = 4
_LONGEST_LABEL = 30

Segment = list[Line]


class OwnLines(msgspec.Struct, frozen=True):
    """What is left of a mail's lines."""

    #: The author's lines; what was quoted between them parts them.
    segments: tuple[Segment, ...]
    #: All lines above the first header or attribution, quoted ones too: an author may write `> 50 users`.
    above: Segment
    #: True when a header, an attribution or a quotation mark said what is history; False when only HTML's marks did.
    is_sure: bool


def without_history(lines: Sequence[Line]) -> OwnLines:
    """The lines before the history; and between its quoted lines, where the author answered there."""
    reader = _Reader(lines)
    reader.read()
    return OwnLines(
        tuple(segment for segment in reader.segments if segment), list(lines[: reader.first]), reader.is_sure
    )


class _Reader:
    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self.segments: list[Segment] = [[]]
        self.is_sure = False
        #: Where the first header or attribution is.
        self.first = len(lines)
        self._attributed = False

    def read(self) -> None:
        position = 0
        while position < len(self._lines):
            if length := self._announcement(position):
                was_quoted = self._is_quoted(self._lines[position]) and not is_arrowed(self._lines[position])
                self.first = min(self.first, position)
                self.is_sure = self._attributed = True
                position += length
                position += self._second_announcement(position)
                if not was_quoted and not quote_follows(self._lines, position):
                    return
                self._part()
            elif self._is_quoted(self._lines[position]):
                self.is_sure = self.is_sure or self._lines[position].is_quoted
                self._part()
                position += 1
            else:
                self.segments[-1].append(self._lines[position])
                position += 1

    def _second_announcement(self, position: int) -> int:
        """A separator above an attribution, or the other way round; with the blank lines between them."""
        following = (
            at for at in range(position, min(position + _MOST_BLANK, len(self._lines))) if self._lines[at].seen
        )
        start = next(following, position)
        length = self._announcement(start) if start < len(self._lines) else 0
        return start - position + length if length else 0

    def _part(self) -> None:
        if self.segments[-1]:
            self.segments.append([])

    def _is_quoted(self, line: Line) -> bool:
        is_cited = Mark.CITED in line.mark or (self._attributed and Mark.BLOCK_QUOTE in line.mark)
        return line.is_quoted or is_cited

    def _announcement(self, position: int) -> int:
        if position > _MOST_LINES:
            return 0
        return (
            history_start(self._lines, position)
            or attribution_length(self._lines, position)
            or self._marked_announcement(position)
        )

    def _marked_announcement(self, position: int) -> int:
        """In a language nobody listed: where HTML marks history, and what stands there looks like its beginning."""
        mark = self._lines[position].mark & (Mark.HISTORY | Mark.ATTRIBUTION)
        before = (line for line in self._lines[max(0, position - _MOST_BLANK) : position][::-1] if line.seen)
        is_new = mark & ~next(before, line_of("")).mark
        if not self._lines[position].seen or not is_new or Mark.CITED in self._lines[position].mark:
            return 0
        first = [line for line in self._lines[position : position + _LOOKED_AT] if line.mark & mark == mark]
        return _attribution_before_quote(first, self._lines, position) or _unknown_header(first)


def _attribution_before_quote(first: Sequence[Line], lines: Sequence[Line], position: int) -> int:
    for length in range(1, min(_MOST_ATTRIBUTION, len(first)) + 1):
        part = first[:length]
        if first[length - 1].mark & Mark.CITED or not first[length - 1].seen:
            return 0
        text = " ".join(line.seen for line in part).strip()
        ends = quote_follows(lines, position + length) or text.endswith(":")
        if ends and (ADDRESS.search(text) or (CLOCK.search(text) and DATE.search(text))):
            return length
    return 0


def _unknown_header(first: Sequence[Line]) -> int:
    words = [line for line in first if line.seen]
    if words and label_kind(words[0]) == "from":
        return 1
    labelled = [line for line in words if 0 < line.seen.find(":") <= _LONGEST_LABEL]
    has_evidence = any(ADDRESS.search(line.seen) or DATE.search(line.seen) for line in labelled)
    return 1 if len(labelled) > 1 and has_evidence else 0
