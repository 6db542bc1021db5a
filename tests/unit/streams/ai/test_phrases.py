"""A pattern that is tried only where one of its beginnings stands finds what a search from everywhere finds."""

import json
import re
import sys
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.attacks import attacks, samples
from bench.patterns import reading_patterns
from streams.ai.beginnings import Beginning, beginnings, spelled
from streams.ai.phrases import Phrases
from streams.ai.rules.folding import fold

_REPLIES = Path(__file__).parents[4] / "training/replies.jsonl"
_PHRASES = {one.name: one.phrases for one in reading_patterns() if one.phrases is not None}
_EVERY_CHARACTER = "".join(map(chr, range(sys.maxunicode + 1)))
_LETTERS = sorted({letter for one in _PHRASES.values() for letters in one.beginnings for letter in letters})
#: Letters, digits and blanks that only some readers take for the plain ones.
_DISGUISES = str.maketrans({"s": "\u017f", "k": "\u212a", "i": "\u0131", "1": "\u0661", " ": "\u2003"})


def found(phrases: Phrases, text: str) -> list[tuple[int, int]]:
    return [match.span() for match in phrases.finditer(text)]


def found_everywhere(phrases: Phrases, text: str) -> list[tuple[int, int]]:
    return [match.span() for match in phrases.pattern.finditer(text)]


@cache
def replies() -> str:
    """Some hundred replies, raw and folded: most patterns find several places in them."""
    texts = [json.loads(line)["text"] for line in _REPLIES.read_text().splitlines()[::8]]
    return "\n".join((*texts, *map(fold, texts)))


def test_patterns_are_tried_where_they_can_begin() -> None:
    assert len(_PHRASES) > 150
    assert [name for name, one in _PHRASES.items() if not one.beginnings] == [
        "streams.ai.local.signals._REPLY_SIGNALS[34][1]"
    ]


def texts_for(phrases: Phrases) -> list[str]:
    """What the pattern matches, and what it nearly matches, from its own tree."""
    nearly = [text for length in (12, 120) for text in islice(attacks(phrases.pattern, length), 400)]
    return [*nearly, *(f"x {text}. y" for text in islice(samples(phrases.pattern), 100))]


def test_the_texts_are_no_strangers_to_the_patterns() -> None:
    unmoved = [name for name, one in _PHRASES.items() if not any(map(one.pattern.search, texts_for(one)))]
    # It stands behind a line that the samples don't know.
    assert unmoved == ["streams.ai.rules.delivery_failure._DEAD"]


@pytest.mark.parametrize("name", sorted(_PHRASES))
def test_the_same_is_found(name: str) -> None:
    phrases = _PHRASES[name]
    texts = texts_for(phrases)
    for text in (*texts, *map(str.upper, texts), replies(), "\n".join(texts).translate(_DISGUISES)):
        assert found(phrases, text) == found_everywhere(phrases, text)


@given(st.lists(st.sampled_from([*_LETTERS, "\u017f", "\u212a", "\u0130", "\u0661", "\u2003", "\n"]), max_size=60))
def test_the_same_is_found_in_any_letters(letters: list[str]) -> None:
    text = "".join(letters)
    for phrases in _PHRASES.values():
        assert found(phrases, text) == found_everywhere(phrases, text)


@pytest.mark.parametrize("letter", _LETTERS)
def test_letters_that_patterns_take_for_one_are_spelled_alike(letter: str) -> None:
    same = re.findall(re.escape(letter), _EVERY_CHARACTER, re.IGNORECASE)
    assert {spelled(one) for one in same} == {letter}


def test_digits_blanks_and_words_stay_what_they_are() -> None:
    assert set(map(spelled, re.findall(r"\d", _EVERY_CHARACTER))) == {"0"}
    assert set(map(spelled, re.findall(r"\s", _EVERY_CHARACTER))) == {" "}
    assert re.sub(r"\w", "w", spelled(_EVERY_CHARACTER)) == spelled(re.sub(r"\w", "w", _EVERY_CHARACTER))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"\b(?:stop|cease)\b", {("sto", True), ("cea", True)}),
        (r"(?<!i )\bdo not", {("do ", True)}),
        (r"stop", {("sto", False)}),
        (r"\bno\b", {("no", True)}),
        (r"\b(?:please )?stop", {("ple", True), ("sto", True)}),
        (r"\b(?:a ){1,6}b", {("a a", True), ("a b", True)}),
        (r"(?:^|[.!] ?)no", {("no", False), (".no", False), ("!no", False), (". n", False), ("! n", False)}),
        (r"\b\d{2,3}%", {("00%", True), ("000", True)}),
        (r"\bon\w+", {("on", True)}),
        (r"\b(?:on\w+|one)", {("on", True)}),
        (r"(?:\bon|o)x", {("ox", False), ("onx", True)}),
        (r"(?i)\bÜber", {("übe", True)}),
        (r"\b@home", {("@ho", False)}),
    ],
)
def test_beginnings(pattern: str, expected: set[tuple[str, bool]]) -> None:
    assert beginnings(re.compile(pattern)) == frozenset(Beginning(*one) for one in expected)


@pytest.mark.parametrize(
    "pattern", [r"\w+ly", r"[^a]b", r".x", r"(?:no)?", r"x*", r"(?=no)", r"(?a)\bno", r"(?a:\bno)"]
)
def test_some_patterns_may_begin_anyhow(pattern: str) -> None:
    assert beginnings(re.compile(pattern)) is None
    text = "nobody nearly knows ab xx no"
    assert found(Phrases(pattern), text) == found_everywhere(Phrases(pattern), text)


def test_matches_do_not_overlap_and_see_what_stands_before_them() -> None:
    assert found(Phrases("aba"), "ababababa") == [(0, 3), (4, 7)]
    assert found(Phrases(r"(?<!do )\bstop"), "do stop stop") == [(8, 12)]
    assert Phrases(r"\bstop").search("unstoppable") is None
