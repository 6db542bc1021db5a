"""Builds, from a pattern's own parse tree, the texts that make a backtracking matcher work hardest."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

_NAMED = (sre.LITERAL, sre.RANGE)
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
#: One character of each class that patterns tell apart.
_REPRESENTATIVES = "a0 -\n.A,é"
_SAMPLES_OF_A_BODY = 12
#: Marks that end most matches.
_ENDS = ("!", "\x00")

Tree = Sequence[tuple[Any, Any]]


def attacks(pattern: re.Pattern[str], length: int) -> Iterator[str]:
    """Texts of about `length` characters: each repeat pumped behind what leads to it, each way in again and again."""
    seen: set[tuple[str, str, str]] = set()
    for before, pump in _pumps(_tree(pattern), ""):
        for shape in _shapes(before, pump):
            if shape not in seen:
                seen.add(shape)
                yield _filled(*shape, length)


def samples(pattern: re.Pattern[str]) -> Iterator[str]:
    """Texts that the pattern matches, unless what it asserts beside them fails."""
    return _samples(_tree(pattern))


def _tree(pattern: re.Pattern[str]) -> Tree:
    tree: Tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    return tree


def _filled(head: str, unit: str, end: str, length: int) -> str:
    return head + unit * max(1, (length - len(head) - len(end)) // len(unit)) + end


def _shapes(before: str, pump: str) -> Iterator[tuple[str, str, str]]:
    if pump:
        yield from ((before, pump, end) for end in _ENDS)
    for joint in ("", " "):
        # Each start has its own way to go: that, too, costs a square.
        yield from (("", unit + joint, "!") for unit in (before, before + pump, before + pump * 30) if unit + joint)


def _pumps(tree: Tree, before: str) -> Iterator[tuple[str, str]]:
    """(what leads to a repeat, one turn of it), for each repeat; and the end of each branch, without a turn."""
    for op, argument in tree:
        if op in _REPEATS:
            body = argument[2]
            yield from ((before, sample) for sample in islice(_samples(body), _SAMPLES_OF_A_BODY))
            yield from _pumps(body, before)
        elif op is sre.BRANCH:
            for branch in argument[1]:
                yield from _pumps(branch, before)
                yield before + _sample(branch), ""
        elif op is sre.SUBPATTERN:
            yield from _pumps(argument[3], before)
        elif op is sre.ATOMIC_GROUP:
            yield from _pumps(argument, before)
        elif op in (sre.ASSERT, sre.ASSERT_NOT):
            yield from _pumps(argument[1], before if argument[0] > 0 else "")
        before += _sample([(op, argument)])


def _sample(tree: Tree) -> str:
    return next(_samples(tree), "")


def _samples(tree: Tree) -> Iterator[str]:
    """Strings that the tree matches, shortest way first; assertions are taken to hold."""
    if not tree:
        yield ""
        return
    (op, argument), *rest = tree
    for first in _samples_of(op, argument):
        for further in islice(_samples(rest), 1):
            yield first + further


def _samples_of(op: Any, argument: Any) -> Iterator[str]:
    if op is sre.LITERAL:
        yield chr(argument)
    elif op in (sre.IN, sre.NOT_LITERAL, sre.ANY):
        yield from _members(op, argument)
    elif op is sre.BRANCH:
        for branch in argument[1]:
            yield from islice(_samples(branch), 2)
    elif op in _REPEATS:
        least, _, body = argument
        yield from (sample * max(least, 1) if least else "" for sample in (_samples(body) if least else ("",)))
    elif op is sre.SUBPATTERN:
        yield from _samples(argument[3])
    elif op is sre.ATOMIC_GROUP:
        yield from _samples(argument)
    else:
        yield ""


def _members(op: Any, argument: Any) -> Iterator[str]:
    if op is sre.ANY:
        yield from "a 0-"
        return
    if op is sre.NOT_LITERAL:
        yield from (char for char in _REPRESENTATIVES if ord(char) != argument)
        return
    negated = argument[0][0] is sre.NEGATE
    own = [
        chr(value if kind is sre.LITERAL else value[0]) for kind, value in argument if kind in (sre.LITERAL, sre.RANGE)
    ]
    candidates = [*_REPRESENTATIVES, *([] if negated else own)]
    member = re.compile("(?s:" + _class_source(argument) + ")")
    yield from dict.fromkeys(char for char in candidates if member.match(char))


def _class_source(members: Any) -> str:
    parts = []
    for kind, value in members:
        if kind is sre.NEGATE:
            parts.append("^")
        elif kind is sre.LITERAL:
            parts.append(re.escape(chr(value)))
        elif kind is sre.RANGE:
            parts.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
        else:
            parts.append(_CATEGORIES[value])
    return f"[{''.join(parts)}]"


_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}
