"""A line of a mail as it was written and as it is compared with what mail programs write."""

import enum
import unicodedata
from collections.abc import Iterable, Iterator

import msgspec

#: Longer lines are prose, not marks of a mail program.
LONGEST_MARK = 400


class Mark(enum.IntFlag):
    """What an HTML body says about a line: evidence, not proof."""

    NONE = 0
    #: Inside a block quote that the mail program marked as a citation.
    CITED = 1
    #: Inside any other block quote, which may be the author's.
    BLOCK_QUOTE = 2
    #: Inside a container for history.
    HISTORY = 4
    #: Inside what should be the line that says who wrote what is quoted.
    ATTRIBUTION = 8
    SIGNATURE = 16


class Line(msgspec.Struct, frozen=True):
    """One line; `seen` is its text folded for comparison, without quotation marks before it."""

    text: str
    seen: str
    is_quoted: bool
    mark: Mark = Mark.NONE


#: Characters that show nothing, and spaces of other widths.
INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad"), None) | {
    ord(space): " " for space in "\u00a0\u202f\u2007\u2009"
}
_FOLDED: dict[int, str | None] = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u0307"), None)
_FOLDED |= dict.fromkeys(range(0x2066, 0x206A), None)
#: Vowel signs of Hebrew and Arabic, which some programs write and some do not; Arabic's filling stroke.
_FOLDED |= dict.fromkeys((*range(0x0591, 0x05C8), *range(0x064B, 0x0660), 0x0640), None)
_FOLDED |= dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2500\u2501\uff0d"), "-")
_FOLDED |= dict.fromkeys((0x2018, 0x2019, 0x02BC), "'")
_FOLDED |= dict.fromkeys((0x201C, 0x201D, 0x201E, 0x00AB, 0x00BB, 0xFF02), '"')
_FOLDED |= {0xFF1A: ":", 0x3000: " ", 0xFF08: "(", 0xFF09: ")", 0xFF1C: "<", 0xFF1E: ">", 0xFF0C: ",", 0x060C: ","}
#: Digits of Arabic, Persian, Devanagari, Thai and full width.
_FOLDED |= {zero + digit: str(digit) for zero in (0x0660, 0x06F0, 0x0966, 0x0E50, 0xFF10) for digit in range(10)}


def seen(text: str) -> str:
    """The text as it is compared: composed, without case, bidirectional marks and kinds of dashes and digits."""
    if text.isascii():
        return text.casefold()
    return unicodedata.normalize("NFC", text.translate(_FOLDED).casefold()).translate(_FOLDED)


def line_of(text: str, mark: Mark = Mark.NONE) -> Line:
    """One line with its mark."""
    start = text.lstrip()
    is_quoted = start.startswith((">", "\uff1e"))
    return Line(text, seen(start[: LONGEST_MARK + 1].lstrip(" >\t").rstrip()), is_quoted, mark)


def lines_of(text: str) -> list[Line]:
    """The lines of a plain text."""
    return [line_of(line) for line in text.split("\n")]


def joined(lines: Iterable[str]) -> str:
    """One text, without blank lines around it and more than one of them in a row."""
    return "\n".join(_spaced(lines)).strip()


def _spaced(lines: Iterable[str]) -> Iterator[str]:
    follows_words = False
    for line in lines:
        if line.strip() or follows_words:
            yield line.rstrip()
        follows_words = bool(line.strip())
