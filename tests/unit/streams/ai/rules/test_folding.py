"""One spelling for all patterns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ai.rules.folding import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Don\u2019t", "dont"),
        ("\u00c9CRIVEZ", "ecrivez"),
        ("Stra\u00dfe", "strasse"),
        ("\u0142\u00f3d\u017a", "lodz"),
        ("\uff33\uff34\uff2f\uff30", "stop"),
    ],
)
def test_spellings(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = fold(text)
    assert fold(once) == once


def test_accents_in_any_number_are_gone_and_look_alikes_are_read() -> None:
    assert fold("\u0441t\u0301\u0323o\u0308p \u0430\u0301") == "ctop a"
