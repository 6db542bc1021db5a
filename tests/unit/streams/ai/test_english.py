"""What is surely English may be answered in English without a person; all else may not, however short it is."""

import pytest

from streams.ai.english import is_surely_english


@pytest.mark.parametrize(
    "text",
    [
        "Yes, Thursday works",
        "sounds interesting",
        "Interested in a call.",
        "Can you send me more about pricing? We are a small clinic group in Ohio.",
        "Happy to talk, ping me Friday",
        "Thanks! See https://example.com/mara and write to mara@clinics.example",
        "Not now, try again in Q3 please",
    ],
)
def test_english_is_english(text: str) -> None:
    assert is_surely_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "Sí, el jueves.",
        "Si, el jueves",
        "Oui, jeudi",
        "Ja gerne",
        "Ja, Donnerstag passt",
        "va bene giovedì",
        "Claro que sim",
        "Hej, ja det passar bra, ring mig på torsdag så tar vi det",
        "Jeg vil gerne have et møde, men for to uger siden var det ikke muligt",
        "Tak, proszę o telefon w czwartek",
        "Ano, ve čtvrtek můžu",
        "Evet, perşembe uygun",
        "Да, в четверг",
        "はい、木曜日で",
        "Me interesa",
        "Ok jueves",
        "Si, call me jueves",
        "Perfecto, meeting el jueves at 3",
        "Great danke",
    ],
)
def test_any_other_language_is_not(text: str) -> None:
    assert not is_surely_english(text)


@pytest.mark.parametrize("text", ["", "ok", "OK!", "👍", "555-0198", "https://calendly.com/mara/30", "Zoom?", "Mara"])
def test_too_few_words_to_tell_are_not(text: str) -> None:
    assert not is_surely_english(text)


def test_names_of_the_author_are_of_no_language() -> None:
    assert not is_surely_english("Yes Wojciech")
    assert is_surely_english("Yes\nWojciech", ("Wojciech", "Zieliński"))
    assert not is_surely_english("Wojciech", ("Wojciech",))
