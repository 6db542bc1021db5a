"""Tells in which languages a text may be, by the words that only some of them have."""

from collections.abc import Sequence
from functools import lru_cache

from streams.ai.dates.languages import Language, languages
from streams.ai.dates.tokens import Token

#: Read beside the likeliest: as likely as this share of it.
_NEARLY = 0.6
#: In a long text there are words enough to tell.
_MOST, _MOST_OF_LONG, _LONG = 3, 2, 300


def likely(found: Sequence[Token]) -> tuple[Language, ...]:
    """The likeliest languages, best first, three at most; English where no word tells."""
    scores: dict[int, float] = {}
    for token in found:
        if token.kind == "word":
            for number, weight in _speakers(token.text):
                scores[number] = scores.get(number, 0.0) + weight
    known = languages()
    if not scores:
        return known[:1]
    best = max(scores.values())
    ranked = sorted((number for number, score in scores.items() if score >= _NEARLY * best), key=lambda n: -scores[n])
    return tuple(known[number] for number in ranked[: _MOST if len(found) < _LONG else _MOST_OF_LONG])


@lru_cache(16_384)
def _speakers(word: str) -> tuple[tuple[int, float], ...]:
    """Languages that have the word, by number; a word of many says little."""
    having = [number for number, language in enumerate(languages()) if language.knows(word)]
    return tuple((number, 1 / len(having)) for number in having)
