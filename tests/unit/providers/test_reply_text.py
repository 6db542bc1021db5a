"""Reply-only text, measured on the samples beside this file."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.providers.reply_text import READ_LIMIT, reply_text
from tests.growth import MOST_GROWTH, growth

SAMPLES: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "reply_samples.jsonl").read_text().splitlines()
]

EXACT: list[dict[str, str]] = [
    json.loads(line) for line in (Path(__file__).parent / "reply_exact.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["name"])
def test_the_author_s_words_stay_and_the_history_goes(sample: dict[str, Any]) -> None:
    text = " ".join(reply_text(sample["plain"], sample["html"]).split())
    assert [part for part in sample["keep"] if part not in text] == []
    assert [part for part in sample["drop"] if part in text] == []


@given(st.text(alphabet=list("> On wrote:\n-_Fromt@x.y 2026 9:14\t\r"), max_size=300))
@settings(deadline=None)
def test_never_nothing_when_something_was_written(body: str) -> None:
    assert bool(reply_text(body)) == bool(body.strip())


@given(st.text(alphabet=st.characters(categories=["L", "Nd", "Zs"]), min_size=1, max_size=200))
@settings(deadline=None)
def test_prose_is_kept_word_for_word(body: str) -> None:
    invisible = "\u00a0\u202f\u2007\u2009"
    assert reply_text(body).split() == body.translate(dict.fromkeys(map(ord, invisible), " ")).split()


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "\n",
        " ",
        "> ",
        "> x\n",
        "On ",
        "On x\n",
        "Am ",
        "-- \n",
        "_",
        "From: x\n",
        "From: a\nSent: b\n",
        "*From:* x\n",
        "wrote:\n",
        "On 1:11 2026 a@b ",
        "a@b.c ",
        "\r\n",
        "Sent from my ",
        "Best regards,\n",
        "-----Original",
        "This email ",
    ],
)
def test_a_megabyte_of_anything_is_read_without_growing_cost(unit: str) -> None:
    """Reply-parsing libraries need minutes for these: their cost grows with the square, also within what is read."""
    for size in (READ_LIMIT, 1_048_576):
        assert growth(reply_text, unit, size) < MOST_GROWTH
        assert growth(lambda text: reply_text("", f"<pre>{text}</pre>"), unit, size) < MOST_GROWTH


@pytest.mark.parametrize(
    "unit",
    [
        ">>> ",
        ">>> x\n",
        "Quoting a@b\n",
        "2026 9:00 <a@b>\n",
        "---- x ----\n",
        "Sent from my iPhone\n",
        "发自",
        "<a@b> ",
    ],
)
def test_two_bodies_that_differ_are_read_without_growing_cost(unit: str) -> None:
    def read(plain: str) -> None:
        reply_text(plain, f"<p>y</p><pre>{plain.replace('<', '&lt;')}</pre><blockquote type='cite'>z</blockquote>")

    for size in (READ_LIMIT, 1_048_576):
        assert growth(read, unit, size) < MOST_GROWTH


@pytest.mark.parametrize("sample", EXACT, ids=lambda sample: sample["own"][:30])
def test_the_author_s_words_and_nothing_else(sample: dict[str, str]) -> None:
    """Attributions in any order, headers in any layout, wrappers and what only looks like one, HTML against text."""
    assert reply_text(sample["plain"], sample["html"]).split() == sample["own"].split()
