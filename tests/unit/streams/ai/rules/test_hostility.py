"""Insults and wrong numbers are told from cursing for emphasis and from colleagues who pass us on."""

import pytest

from streams.ai.rules.hostility import is_abuse, is_wrong_number


@pytest.mark.parametrize("text", ["fuck off", "Get lost.", "you absolute muppets", "verpiss dich", "vaffanculo"])
def test_insults(text: str) -> None:
    assert is_abuse(text)


@pytest.mark.parametrize(
    "text", ["holy shit this is good", "my mail got lost", "they won't shut up about it", "fuck yes"]
)
def test_emphasis_is_no_insult(text: str) -> None:
    assert not is_abuse(text)


@pytest.mark.parametrize(
    "text",
    [
        "wrong number",
        "you got the wrong guy",
        "No Carl here",
        "falsche Nummer",
        "número equivocado",
        "this isn't his phone",
    ],
)
def test_wrong_numbers(text: str) -> None:
    assert is_wrong_number(text)


@pytest.mark.parametrize(
    "text", ["wrong person, try our buyer Ann", "no interest here", "no problem", "no budget here"]
)
def test_other_answers_are_no_wrong_number(text: str) -> None:
    assert not is_wrong_number(text)
