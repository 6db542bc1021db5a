"""Languages of short messages: known or not said at all."""

import pytest

from streams.ai.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Thanks, can you send me the pricing please", "en"),
        ("Danke für Ihre Nachricht, wir haben kein Interesse", "de"),
        ("Bonjour, pourriez-vous m'envoyer vos tarifs ?", "fr"),
        ("Claro, me interesa. ¿Podemos hablar el jueves?", "es"),
        ("Ik ben afwezig en lees mijn mail niet.", "nl"),
        ("Пришлите, пожалуйста, цены", "other"),
        ("请把价格发给我", "other"),
        ("The the", "en"),
        ("the", None),
        ("j\u2019ai j'ai", "fr"),
        ("de de de", None),
        ("жжжж the", "other"),
        ("жжж the", None),
        ("жжж the the", "en"),
        ("ok", None),
        ("👍", None),
        ("NetSuite", None),
        ("", None),
    ],
)
def test_language(text: str, language: str | None) -> None:
    assert language_of(text) == language
