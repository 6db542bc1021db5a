"""Finds what an e-mail's author wrote now, among quoted history, signatures and footers.

Works line by line over bounded lines, so that its time is linear: the reply-parsing libraries need
minutes for some kilobytes of `On On On …` (docs/providers.md has the comparison). Whatever it is
unsure of, it keeps; and it never answers with nothing when the author wrote something.
"""

from collections.abc import Sequence

import msgspec

from headrace.providers.html_text import marked_lines
from headrace.providers.own_words.footers import without_footers
from headrace.providers.own_words.history import without_history
from headrace.providers.own_words.lines import INVISIBLE, Line, Mark, joined, line_of, lines_of
from headrace.providers.own_words.merging import all_words

#: Characters read of a body; what lies beyond is history.
READ_LIMIT = 131_072


class _Reading(msgspec.Struct, frozen=True):
    """What one of the two bodies says."""

    own: str
    #: All of it about which nothing is in doubt: without what only HTML's marks call history.
    settled: str


def reply_text(plain: str, html: str = "") -> str:
    """The author's own words out of the plain and HTML bodies of an e-mail; either may be empty.

    HTML decides when its mail program marked the history, for such marks need less guessing. Its marks are evidence,
    not proof: what only one of the bodies has, or what nothing but a mark calls history, stays.
    """
    marked = [line_of(text, mark) for text, mark in marked_lines(html)] if html.strip() else []
    if not any(line.seen for line in marked):
        return _read(lines_of(_clean(plain))).own if plain.strip() else ""
    if not plain.strip():
        return _read(marked).own
    text, shown = _read(lines_of(_clean(plain))), _read(marked)
    is_marked = any(line.mark & ~Mark.BLOCK_QUOTE for line in marked)
    first, second = (shown, text) if is_marked else (text, shown)
    return all_words(first.own, first.settled, second.own)


def _clean(body: str) -> str:
    return body[:READ_LIMIT].translate(INVISIBLE).replace("\r\n", "\n").replace("\r", "\n")


def _read(lines: Sequence[Line]) -> _Reading:
    history = without_history(lines)
    everything = joined(line.text for line in lines)
    written = joined(line.text for segment in history.segments for line in segment)
    own = _own(history.segments) or _own([history.above])
    return _Reading(own or written or everything, everything if history.is_sure else written)


def _own(segments: Sequence[list[Line]]) -> str:
    return joined(line.text for line in without_footers(segments))
