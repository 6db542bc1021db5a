"""Tells from a pattern's own parse tree how everything that it matches begins."""

import re
from collections.abc import Iterable, Iterator
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

#: Characters of a beginning: enough to tell words apart, few enough to be listed.
LONGEST = 3
#: A pattern that begins in more ways is searched from everywhere, or by shorter beginnings.
_MOST = 2_000
_MOST_OF_A_CLASS = 64
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_CATEGORIES = {sre.CATEGORY_DIGIT: "0", sre.CATEGORY_SPACE: " "}
#: Letters that count as these when case is ignored, all digits as one digit, all blanks as one blank.
_SPELLING = str.maketrans(
    dict.fromkeys("\t\n\v\f\r\x1c\x1d\x1e\x1f", " ")
    | dict.fromkeys("123456789", "0")
    | {"\u017f": "s", "\u0131": "i", "\u0130": "i", "\u212a": "k"}
)
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
_OTHER_BLANK = re.compile(r"[^\S\x00-\x7f]")


def spelled(text: str) -> str:
    """The text, letter for letter, in the one spelling that beginnings are listed in: small letters, one digit."""
    if not text.isascii():
        text = _OTHER_BLANK.sub(" ", _OTHER_DIGIT.sub("0", text))
    return text.translate(_SPELLING).lower()


class Beginning(NamedTuple):
    """The first characters of a match, spelled; all of it where the match is shorter."""

    letters: str
    #: Only where a word begins.
    at_word: bool


class _Way(NamedTuple):
    """How a match may have begun so far."""

    letters: str = ""
    at_boundary: bool = False
    #: What comes next may be any character.
    is_over: bool = False


def beginnings(pattern: re.Pattern[str]) -> frozenset[Beginning] | None:
    """Each match begins with one of these. None where that can't be said."""
    if pattern.flags & re.ASCII:
        return None
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    for length in range(LONGEST, 0, -1):
        ways = _Walk(length).after(tree, {_Way()})
        if ways is not None and all(way.letters for way in ways):
            return frozenset(_shortest(_beginning(way) for way in ways))
    return None


def _beginning(way: _Way) -> Beginning:
    first = way.letters[0]
    return Beginning(way.letters, at_word=way.at_boundary and (first.isalnum() or first == "_"))


def _shortest(found: Iterable[Beginning]) -> Iterator[Beginning]:
    """Without those that another one covers."""
    every = set(found)
    for one in every:
        shorter = {one.letters[:end] for end in range(1, len(one.letters))}
        wider = {Beginning(letters, at_word=False) for letters in shorter | ({one.letters} if one.at_word else set())}
        if not every & (wider | {Beginning(letters, at_word=one.at_word) for letters in shorter}):
            yield one


class _Walk:
    """A way through a tree, to beginnings of a given length; None once there are too many."""

    def __init__(self, length: int) -> None:
        self._length = length

    def after(self, tree: Iterable[tuple[Any, Any]], ways: set[_Way] | None) -> set[_Way] | None:
        """The ways on from `ways` behind the tree. What is not sure is taken to hold."""
        for op, argument in tree:
            if ways is None or len(ways) > _MOST:
                return None
            on = {way for way in ways if not way.is_over and len(way.letters) < self._length}
            if not on:
                break
            further = self._after_one(op, argument, on)
            ways = None if further is None else (ways - on) | further
        return ways

    def _after_one(self, op: Any, argument: Any, ways: set[_Way]) -> set[_Way] | None:
        if op in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
            return _bounded(ways) if argument is sre.AT_BOUNDARY else ways
        if op is sre.SUBPATTERN:
            _, added_flags, _, body = argument
            return self.after(body, None if added_flags & re.ASCII else ways)
        if op is sre.ATOMIC_GROUP:
            return self.after(argument, ways)
        if op is sre.BRANCH:
            return _united(self.after(branch, ways) for branch in argument[1])
        if op in _REPEATS:
            least, most, body = argument
            return self._repeated(body, ways, least, most)
        return set(_lengthened(ways, _members(op, argument)))

    def _repeated(self, body: Any, ways: set[_Way], least: int, most: int) -> set[_Way] | None:
        found = set() if least else set(ways)
        current: set[_Way] | None = ways
        # Each turn adds a character, or may be empty and adds nothing new.
        for turn in range(1, min(most, self._length) + 1):
            current = self.after(body, current)
            if current is None:
                return None
            if turn >= min(least, self._length):
                found |= current
        return found


def _lengthened(ways: set[_Way], members: set[str] | None) -> Iterator[_Way]:
    for way in ways:
        if members is None:
            yield way._replace(is_over=True)
        else:
            yield from (way._replace(letters=way.letters + member) for member in members)


def _bounded(ways: set[_Way]) -> set[_Way]:
    return {way if way.letters else way._replace(at_boundary=True) for way in ways}


def _united(parts: Iterable[set[_Way] | None]) -> set[_Way] | None:
    found: set[_Way] = set()
    for part in parts:
        if part is None:
            return None
        found |= part
    return found


def _members(op: Any, argument: Any) -> set[str] | None:
    """The characters that one place may hold, spelled; None where they are too many to list."""
    if op is sre.LITERAL:
        return {spelled(chr(argument))}
    if op is not sre.IN:
        return None
    found: set[str] = set()
    for kind, value in argument:
        if kind is sre.LITERAL:
            found.add(spelled(chr(value)))
        elif kind is sre.RANGE and value[1] - value[0] < _MOST_OF_A_CLASS:
            found |= {spelled(chr(code)) for code in range(value[0], value[1] + 1)}
        elif kind is sre.CATEGORY and value in _CATEGORIES:
            found.add(_CATEGORIES[value])
        else:
            return None
    return found
