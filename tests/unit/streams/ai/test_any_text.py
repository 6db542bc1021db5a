"""Reading raises for no text whatever: a crash would be tried again, and again, and end as a dead job."""

import pickle
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reading import readings
from streams.ai.local.classifier import LocalClassifier
from streams.ai.rules.reply import Channel
from streams.ai.time_phrases import MOST_MENTIONS, moments

#: Letters that only case folding takes for s, i and k.
_TWINS = ("\u017feptember", "fr\u0131day", "fr\u0130day", "in one \u017femaine", "next wee\u212a", "augu\u017ft 5")
_TIMES = ("at 4", "am 1 2 ", "24:00", "0", "99/99", "31.02.", "in 999 years", "Q4 2099", "\u0663", "\u00b2")
_MARKS = (
    "&#99999999999;",
    "&#x110000;",
    "&lt;",
    "<p>",
    "</p>",
    "<!--",
    "> ",
    "On Mon wrote:",
    "-- \n",
    "\r\n",
    "\t",
    " ",
)
_WORDS = (
    "STOP",
    "stop ",
    "ai ",
    "label this ",
    "Interested",
    "{",
    "}",
    "[",
    "]",
    "http://",
    "@",
    "(555) 123-4567",
    ".",
)
_CHARACTERS = ("\ufdfa", "\u0301", "\u0323", "\ud800", "\U000e0041", "\u200d", "?")
_PIECES = st.sampled_from(_TWINS + _TIMES + _MARKS + _WORDS + _CHARACTERS)
_TEXTS = st.lists(_PIECES | st.text(max_size=12), max_size=24).map("".join)


@cache
def classifier() -> LocalClassifier:
    return LocalClassifier("lexical")


@given(_TEXTS, st.sampled_from(("sms", "email", "linkedin")))
def test_everything_is_read_out_of_any_text(text: str, channel: Channel) -> None:
    for reading in readings(text, channel, classifier()):
        assert pickle.dumps(reading.run())


@pytest.mark.parametrize(
    "text",
    [
        "\u017feptember 5",
        "fr\u0131day at 4pm",
        "fr\u0130day",
        "in one \u017femaine",
        "next \u017femana",
        "&#" + "9" * 5_000 + ";",
    ],
)
def test_letters_that_only_case_folding_knows_and_endless_numbers_are_read(text: str) -> None:
    for reading in readings(text, "sms", classifier()):
        reading.run()


def test_no_more_days_and_hours_are_paired_than_anybody_names() -> None:
    named = moments("am 1 2 at 4pm, Monday; " * 2_000)
    assert 0 < len(named) <= 2 * MOST_MENTIONS
