"""Evens out how a text is spelled, in time and length that stay linear: one character may stand for eighteen."""

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

#: Characters of a message that rules and models read: nobody writes more by hand in a reply.
READ_LIMIT = 20_000
#: Sorting the accents of a letter takes the square of their number, so no more than these are sorted together.
_PIECE = 256
#: `html.unescape` refuses a number of more than 4,300 digits; no character has more than seven.
_ENDLESS_NUMBER = re.compile(r"&#(?:[0-9]{8}[0-9]*+|[xX][0-9a-fA-F]{7}[0-9a-fA-F]*+);?")


def normalised(text: str, form: Literal["NFKC", "NFKD"], limit: int = READ_LIMIT) -> str:
    """The beginning of the text in a normal form: at most `limit` characters are read, and as many returned."""
    cut = text[:limit]
    if unicodedata.is_normalized(form, cut):
        return cut
    pieces: list[str] = []
    length = 0
    for piece in _pieces(cut):
        pieces.append(unicodedata.normalize(form, piece))
        length += len(pieces[-1])
        if length >= limit:
            break
    return "".join(pieces)[:limit]


def _pieces(text: str) -> Iterator[str]:
    """Cut before a letter of ASCII, which no accent of the piece before belongs to; elsewhere where there is none."""
    start = 0
    while start < len(text):
        end = start + _PIECE
        ascii_end = next((at for at in range(min(end, len(text) - 1), start, -1) if text[at].isascii()), end)
        end = ascii_end if end < len(text) else len(text)
        yield text[start:end]
        start = end


def unescaped(text: str) -> str:
    """HTML's names and numbers of characters as the characters themselves."""
    return html.unescape(_ENDLESS_NUMBER.sub("\ufffd", text)) if "&" in text else text
