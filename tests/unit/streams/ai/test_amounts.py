"""Amounts of money and percentages: found as their plain spelling would find them, in a tenth of the time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ai.amounts import MONEY, PERCENT, plain_numbers, values

_WORDS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fifteen",
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "million",
    "half", "a",
)  # fmt: skip
_SIGNS = ("$", "\u20ac", "%", "aud", "AUD", "usd", "US$", "dollars", "cents", "quid", "percent", "per cent")
_PIECES = (*_WORDS, *_SIGNS, "A", "HALF", "Sixty", "\u017fix", "5", "7k", "1.000", "ty", "x")
_JOINTS = ("", " ", "-", "  ", "\n")


def plainly(pattern: re.Pattern[str]) -> re.Pattern[str]:
    """The pattern with its words in a row, each of them given back where that helps."""
    before, _, rest = pattern.pattern.partition("(?:(?-i:[aA])")
    after = rest.partition("illion)")[2].replace("{1,6}+", "{1,6}")
    return re.compile(f"{before}(?:{'|'.join(_WORDS)}){after}", pattern.flags)


@pytest.mark.parametrize("pattern", [MONEY, PERCENT], ids=["money", "percent"])
@given(pieces=st.lists(st.tuples(st.sampled_from(_PIECES), st.sampled_from(_JOINTS)), max_size=14))
def test_the_same_is_found(pattern: re.Pattern[str], pieces: list[tuple[str, str]]) -> None:
    text = "".join(map("".join, pieces))
    expected = [(match.span(), match.groupdict()) for match in plainly(pattern).finditer(text)]
    assert [(match.span(), match.groupdict()) for match in pattern.finditer(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ninety dollars", {"ninety"}),
        ("five hundred AUD", {"five hundred"}),
        ("a AUD", {"a"}),
        ("$1,000.50 or 1.000,50 €", {"1000.5"}),
        ("one two three", set()),
    ],
)
def test_money(text: str, expected: set[str]) -> None:
    assert values(MONEY, text) == expected


def test_percentages_and_numbers() -> None:
    assert values(PERCENT, "sixty-five percent, 10 % and 7") == {"sixty-five", "10"}
    assert plain_numbers("the 5th of 1,000") == {"5", "1000"}
