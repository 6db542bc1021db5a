"""Normal forms of bounded length, whatever a character stands for."""

import html
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ai.rules.folding import fold
from streams.ai.rules.normalising import normalised, unescaped

Form = Literal["NFKC", "NFKD"]
FORMS = st.sampled_from(("NFKC", "NFKD"))
_EXPANDING = st.text(
    st.sampled_from("\ufdfa\u0344\u1f82\ufb03\u00bd\u2026\u0130\u00dfa\u0301\u0323\ud55c\u304b\u3099 "), max_size=900
)


@given(_EXPANDING | st.text(), FORMS, st.integers(1, 500))
def test_no_more_comes_out_than_may(text: str, form: Form, limit: int) -> None:
    assert len(normalised(text, form, limit)) <= limit
    assert len(fold(text, limit)) <= limit


@given(st.text(max_size=256), FORMS)
def test_what_fits_is_the_normal_form(text: str, form: Form) -> None:
    assert normalised(text, form) == unicodedata.normalize(form, text)


@given(
    st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).map(lambda word: f"{word} "), max_size=60)
)
def test_longer_texts_are_cut_where_letters_and_accents_stay_together(words: list[str]) -> None:
    text = "".join(words)
    assert normalised(text, "NFKC") == unicodedata.normalize("NFKC", text)[:20_000]


@given(st.text(st.sampled_from("&#x0123456789abc;lt amp<")))
def test_names_and_numbers_of_characters(text: str) -> None:
    assert unescaped(text) == html.unescape(text)


@pytest.mark.parametrize("reference", ["&#" + "9" * 5_000 + ";", "&#x" + "f" * 5_000, "&#" + "9" * 5_000])
def test_a_number_no_character_has_is_no_character(reference: str) -> None:
    assert unescaped(f"a{reference}b").startswith("a\ufffd")
