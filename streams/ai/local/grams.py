"""Cuts text into the word and letter sequences that the lexical model weighs."""

import re
from collections.abc import Iterator
from itertools import pairwise

from streams.ai.rules.folding import fold

#: Characters read: what a reply wants stands in its beginning.
READ_LIMIT = 1_500
_URL = re.compile(r"\b(?:https?://|www\.)\S{1,300}|\b[\w-]{1,63}\.(?:example|com|io|net|org|de|fr)/\S{1,200}")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,255}")
_DIGITS = re.compile(r"\d+")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_LONGEST_WORD = 30
_LETTERS = (2, 3, 4, 5)


def normal(text: str) -> str:
    """Folded, with links, addresses and numbers replaced by one word each."""
    folded = fold(text, READ_LIMIT)
    return _DIGITS.sub("0", _EMAIL.sub(" anaddress ", _URL.sub(" alink ", folded)))


def word_grams(text: str) -> list[str]:
    """Words and pairs of words, of normal text; the beginning and end count as words."""
    tokens = ["^", *_TOKEN.findall(text), "$"]
    return [*tokens[1:-1], *(f"{one} {other}" for one, other in pairwise(tokens))]


def letter_grams(text: str) -> list[str]:
    """Letter sequences inside words, whose ends count as letters."""
    return list(_letter_grams(text))


def _letter_grams(text: str) -> Iterator[str]:
    for token in _TOKEN.findall(text):
        padded = f" {token[:_LONGEST_WORD]} "
        for length in _LETTERS:
            for start in range(max(1, len(padded) - length + 1)):
                yield padded[start : start + length]
