"""Brings text into the one spelling that the rules' patterns are written in."""

import re
import unicodedata
from functools import lru_cache

from streams.ai.rules.normalising import READ_LIMIT, normalised

_LETTERS = str.maketrans({
    "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i",
    "'": None, "\u2019": None, "\u2018": None, "`": None, "\u00b4": None, "\u02bc": None,
    "\u201c": '"', "\u201d": '"', "\u201e": '"',
    "\u2013": "-", "\u2014": "-", "\u2010": "-", "\u2011": "-",
})  # fmt: skip
#: Texts whose spelling is kept in mind: one rule after the other reads the same ones.
_TEXTS = 8
_SPACES = re.compile(r"[^\S\n]+")
#: Letters that look like Latin ones, which hostile text uses to slip past a word list.
_LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0458\u0501\u051b\u051d", "aeopcyxisjdqw"
)


@lru_cache(_TEXTS)
def fold(text: str, limit: int = READ_LIMIT) -> str:
    """Lower case, no accents, no apostrophes, single blanks; line breaks stay. At most `limit` characters, in and out.

    >>> fold("Don't  écrivez")
    'dont ecrivez'
    """
    lowered = normalised(text, "NFKC", limit).lower().translate(_LETTERS)
    if lowered.isascii():
        return _SPACES.sub(" ", lowered[:limit]).strip()
    decomposed = normalised(lowered, "NFKD", limit)
    accents = dict.fromkeys(ord(char) for char in set(decomposed) if unicodedata.combining(char))
    return _SPACES.sub(" ", decomposed.translate(_LOOK_ALIKES | accents)).strip()
