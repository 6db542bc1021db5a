"""Searches a long text for many patterns without trying each of them at each character.

Reading a message means searching it for some two hundred patterns, nearly all in vain. What a match begins with is
known from the pattern (see `beginnings`), so a pattern is tried only where one of its beginnings stands, and finds
the same there as a search from everywhere would.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

from streams.ai.beginnings import LONGEST, Beginning, beginnings, spelled

#: Texts whose words are kept in mind: one message is read for many patterns in turn, in a few spellings.
_TEXTS = 4
_WORD = re.compile(r"\w+")


class Phrases:
    """A pattern, tried only where a match can begin."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern = re.compile(pattern, flags)
        found = beginnings(self.pattern)
        #: How matches begin, spelled as the text is searched; none where that can't be said.
        self.beginnings = frozenset(one.letters for one in found or ())
        self._words: tuple[tuple[int, frozenset[str]], ...] = ()
        self._places: re.Pattern[str] | None = None
        if found and all(one.at_word for one in found):
            self._words = tuple(_by_length(one.letters for one in found))
        elif found:
            self._places = _finding(found)

    def search(self, text: str) -> re.Match[str] | None:
        """The first match, as `re.Pattern.search` finds it."""
        return next(self.finditer(text), None)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """All matches, as `re.Pattern.finditer` finds them."""
        if not self.beginnings:
            yield from self.pattern.finditer(text)
            return
        end = 0
        for place in self._candidates(text):
            if place >= end and (match := self.pattern.match(text, place)):
                yield match
                end = match.end()

    def _candidates(self, text: str) -> Iterable[int]:
        if self._places is not None:
            return (match.start() for match in self._places.finditer(_spelled(text)))
        words = _words_of(text)
        found = [place for length, letters in self._words for place in words.starting(length, letters)]
        return sorted(found)


def _by_length(all_letters: Iterable[str]) -> Iterator[tuple[int, frozenset[str]]]:
    known = frozenset(all_letters)
    for length in range(1, LONGEST + 1):
        if letters := frozenset(one for one in known if len(one) == length):
            yield length, letters


def _finding(found: Iterable[Beginning]) -> re.Pattern[str]:
    """A pattern that finds, one character long, all places where one of the beginnings stands."""
    rest: dict[str, set[str]] = defaultdict(set)
    for letters, at_word in found:
        first, others = re.escape(letters[0]), re.escape(letters[1:])
        rest[first].add(rf"(?<!\w{first}){others}" if at_word else others)
    # Branches that begin with a literal: the matcher skips all other characters at once.
    branches = (f"{first}(?={'|'.join(sorted(others))})" for first, others in sorted(rest.items()))
    return re.compile("|".join(branches))


class _Words:
    """Where the words of a text begin, by their first letters, spelled."""

    def __init__(self, text: str) -> None:
        self._text = _spelled(text)
        self._places = [match.start() for match in _WORD.finditer(text)]
        self._by_length: dict[int, dict[str, list[int]]] = {}

    def starting(self, length: int, all_letters: frozenset[str]) -> Iterator[int]:
        """The places of words that start with one of the letters, all of this length; unsorted."""
        places = self._by_length.get(length) or self._indexed(length)
        for letters in all_letters & places.keys():
            yield from places[letters]

    def _indexed(self, length: int) -> dict[str, list[int]]:
        text, found = self._text, defaultdict(list)
        for place in self._places:
            found[text[place : place + length]].append(place)
        self._by_length[length] = dict(found)
        return self._by_length[length]


_spelled = lru_cache(_TEXTS)(spelled)
_words_of = lru_cache(_TEXTS)(_Words)
