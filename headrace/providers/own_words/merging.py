"""Puts the words of a mail's two bodies together where they disagree: what only one has is not thrown away silently."""

import re
import unicodedata
from collections.abc import Iterator

_GRAM = 4
_KNOWN_SHARE = 0.5
_NOT_SAID = re.compile(
    r"<[^<>\s]{1,400}>|\[(?:cid:|image:|https?:)[^\[\]]{0,400}\]|\bhttps?://\S{1,400}|\[/?[a-z]{1,10}\]", re.IGNORECASE
)


def all_words(own: str, settled: str, other: str) -> str:
    """`own`, and what the `other` body's author's words have beyond it.

    `settled` is all of own's body about which nothing is in doubt: a line of the other body that stands there, but not
    in `own`, is history or a signature.
    """
    if own == other:
        return own
    known_of_own, known_of_other = _grams(own), _grams(other)
    known = known_of_own | _grams(settled)
    lines = other.split("\n")
    is_missing = [not _is_known(line, known) for line in lines]
    if not any(is_missing):
        return own
    if all(_is_known(line, known_of_other) for line in own.split("\n")):
        both = zip(lines, is_missing, strict=True)
        kept = [line for line, missing in both if missing or not line.strip() or _is_known(line, known_of_own)]
        return "\n".join(kept).strip()
    return "\n".join([own, "", *(line for line, missing in zip(lines, is_missing, strict=True) if missing)])


def _is_known(line: str, known: frozenset[str]) -> bool:
    grams = list(_grams_in(_said(line)))
    return sum(gram in known for gram in grams) >= _KNOWN_SHARE * len(grams)


def _grams(text: str) -> frozenset[str]:
    said = _said(text)
    return frozenset(gram for size in range(1, _GRAM + 1) for gram in _of_size(said, size))


def _grams_in(said: str) -> Iterator[str]:
    return _of_size(said, min(_GRAM, len(said)))


def _of_size(said: str, size: int) -> Iterator[str]:
    return (said[at : at + size] for at in range(len(said) - size + 1)) if size else iter(())


def _said(text: str) -> str:
    """Letters and digits only: how a line is broken, marked up and linked makes no difference."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", _NOT_SAID.sub(" ", text)).casefold()))
