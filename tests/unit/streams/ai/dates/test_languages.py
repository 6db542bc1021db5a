"""A file of words is refused when it holds what the grammar does not know."""

import pytest

from streams.ai.dates.choosing import likely
from streams.ai.dates.grammar import GRAMMAR
from streams.ai.dates.languages import BadLanguage, languages, loaded
from streams.ai.dates.letters import folded
from streams.ai.dates.mentions import MARKS
from streams.ai.dates.tokens import tokens

_LEAST = 'name = "Test"\norder = "day"\nwords = "foo bar"\n'


def test_a_table_that_the_grammar_does_not_know_is_named() -> None:
    with pytest.raises(BadLanguage, match=r"languages/xx\.toml has a table 'moons'"):
        loaded("xx", _LEAST + 'moons = "full"')


@pytest.mark.parametrize(
    ("table", "meaning"),
    [("units", "lustrum"), ("relation", "beside"), ("part", "third"), ("holidays", "birthday"), ("seasons", "4")],
)
def test_a_meaning_that_the_grammar_does_not_know_is_named(table: str, meaning: str) -> None:
    with pytest.raises(BadLanguage, match=rf"\[{table}\] can't mean {meaning}"):
        loaded("xx", _LEAST + f'[{table}]\n{meaning} = "word"')


def test_a_language_is_a_file() -> None:
    language = loaded("xx", _LEAST + 'months = ["primo"]')
    assert (language.code, language.name, language.day_first) == ("xx", "Test", True)
    assert language.knows("primo")
    assert language.spelled["MONTH"][1] == ("primo",)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Let's talk in January please", "en"),
        ("Melden Sie sich bitte im Januar", "de"),
        ("Rappelez-moi en janvier", "fr"),
        ("Llámeme en enero por favor", "es"),
        ("Ci sentiamo a gennaio", "it"),
        ("Fale comigo em janeiro", "pt"),
        ("Neem in januari contact met me op", "nl"),
        ("Hör av dig i januari", "sv"),
        ("Ottakaa yhteyttä tammikuussa", "fi"),
        ("Proszę o kontakt w styczniu", "pl"),
        ("Ozvěte se v lednu", "cs"),
    ],
)
def test_the_language_is_told_by_its_words(text: str, code: str) -> None:
    assert likely(list(tokens(folded(text))))[0].code == code


def test_without_words_it_is_english() -> None:
    assert [one.code for one in likely(list(tokens("12 / 7")))] == ["en"]


def test_folding_keeps_every_place() -> None:
    text = "Dreißig Æon \u2013 İstanbul ﷺ ½ e\u0301 \u00adx \U0001f600"
    assert len(folded(text)) == len(text)
    assert folded("MÄRZ février Łódź") == "marz fevrier lodz"


def test_words_of_one_file_do_not_change_another() -> None:
    assert len({one.code for one in languages()}) == len(languages())


def test_every_table_of_words_is_read_by_a_rule() -> None:
    # What is counted, such as people and offices, makes a number no time of day.
    known = set(GRAMMAR.bits) | set(MARKS) | {"CLOCK_COUNTED"}
    assert {table for one in languages() for table in one.spelled} <= known
