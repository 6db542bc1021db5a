"""Cuts a folded text into words, numbers and marks, in one pass."""

import re
from collections.abc import Iterator
from typing import NamedTuple

#: No number that is money, a fraction or a part of a longer one.
_NUMBER = r"(?<![\d/$€£¥#])(?<!\d[.,])(?<![$€£¥]\s)"
_TOKEN = re.compile(
    rf"(?P<iso>{_NUMBER}20\d\d(?P<isosep>[-/.])[01]?\d(?P=isosep)[0-3]?\d(?=t\d\d:|\W|$))"
    rf"|(?P<date>{_NUMBER}[0-3]?\d(?P<sep>[-/.])\s?[0-3]?\d(?P=sep)\s?(?:20)?\d\d(?!\w|[./-]\d|\s?[:%]))"
    rf"|(?P<pair>{_NUMBER}[0-3]?\d(?:/|\.\s?)[0-6]?\d(?!\d)(?:(?<=\d)\.(?!\d))?(?![\d/%]|\s?[%€$£]|[.,:]\d))"
    rf"|(?P<clock>{_NUMBER}(?<![:\d])[0-2]?\d:[0-5]\d(?!\d|:\d))"
    rf"|(?P<number>{_NUMBER}(?<![:])\d{{1,4}}(?!\d|[.,:]\d|\s?[%€$£¥]))"
    r"|(?P<year>(?<=[/'])(?:20)?\d\d(?!\w|[/.-]\d))"
    r"|(?P<word>[^\W\d_]+)"
    r"|(?P<end>[\n!?;]+)"
    r"|(?P<other>\S)",
)


class Token(NamedTuple):
    """A piece of the text; `start` and `end` are places in it."""

    start: int
    end: int
    #: iso, date, pair, clock, number, word, end or other.
    kind: str
    text: str
    #: Nothing stands between it and the one before.
    glued: bool


def tokens(folded: str) -> Iterator[Token]:
    """All pieces but blanks, in order."""
    end = -1
    for match in _TOKEN.finditer(folded):
        kind = match.lastgroup or "other"
        kind = "number" if kind == "year" else kind
        kind = "iso" if match["iso"] else "date" if match["date"] else kind
        yield Token(match.start(), match.end(), kind, match[0], match.start() == end)
        end = match.end()
