"""Folds letters one by one, so that a place in the folded text is the same place in the text itself."""

import unicodedata

_SPECIAL = {
    "ß": "s",
    "ø": "o",
    "æ": "a",
    "œ": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "t",
    "\u0131": "i",
    "\u017f": "s",
}
_SPECIAL |= {"\u0131": "i", "\u017f": "s"}
_SPECIAL |= {"\u2019": "'", "\u2018": "'", "\u2013": "-", "\u2014": "-", "\u2011": "-", "\u00a0": " ", "\u202f": " "}


class _Folding(dict[int, str]):
    """Character by character, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        lower = chr(code).lower()[:1]
        letter = _SPECIAL.get(lower) or unicodedata.normalize("NFKD", lower)[:1]
        self[code] = _SPECIAL.get(letter, letter if letter.strip() or code <= 32 else " ").lower()[:1] or " "
        return self[code]


_FOLDING = _Folding()


def folded(text: str) -> str:
    """In lower case, without accents, as long as the text."""
    return text.translate(_FOLDING)
