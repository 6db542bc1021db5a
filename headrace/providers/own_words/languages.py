"""What mail programs write around people's words, in every language known: one data file a language."""

import tomllib
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any, Literal

from headrace.providers.own_words.lines import seen

LabelKind = Literal["from", "date", "to", "subject", "copy"]


def _files() -> Iterator[dict[str, Any]]:
    folder = resources.files("headrace.providers.own_words") / "languages"
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml"):
            yield tomllib.loads(file.read_text(encoding="utf-8"))


_LANGUAGES = tuple(_files())
#: English names of the languages.
NAMES = tuple(str(language["name"]) for language in _LANGUAGES)


def _phrases(*fields: str) -> frozenset[str]:
    return frozenset(seen(phrase) for field in fields for language in _LANGUAGES for phrase in language[field])


def _longest_first(phrases: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(phrases, key=lambda phrase: (-len(phrase), phrase)))


def is_spaced(phrase: str) -> bool:
    """False for scripts that write words without spaces between them."""
    return not any("\u0e00" <= char <= "\u0e7f" or char >= "\u2e80" for char in phrase)


#: Header labels of answered and forwarded mail by what they label.
LABELS: dict[str, LabelKind] = {
    seen(label): kind for language in _LANGUAGES for kind, labels in language["labels"].items() for label in labels
}
#: Words an attribution may begin with: `on`, `am`, a weekday, a month.
OPENINGS = _phrases("opens", "weekdays", "months")
#: The same, of several words or glued to what follows.
OPENING_PHRASES = tuple(
    phrase for phrase in _longest_first(_phrases("opens")) if " " in phrase or not is_spaced(phrase) or "-" in phrase
)
VERBS = _longest_first(_phrases("wrote"))
PRONOUNS = _phrases("pronouns")
BY = _phrases("by")
#: An attribution without a date: `Quoting Jo Smith <jo@sender.example>:`.
QUOTING = _longest_first(seen(phrase) for language in _LANGUAGES for phrase in language.get("quoting", ()))
SEPARATORS = _phrases("separators") | {"original"}
FORWARDS = _phrases("forwards")
FORWARDED_BY = _longest_first(_phrases("forwarded_by"))
SENT = _phrases("sent")
GET = _phrases("get")
#: Words of `sent from my …` lines that say nothing.
FILLER = _phrases("filler")
FOOTERS = _longest_first(_phrases("footers"))
BANNERS = _longest_first(_phrases("banners"))
DISCLAIMERS = _longest_first(_phrases("disclaimers"))
CLOSINGS = _phrases("closings")
#: Beginnings of a sentence, and the stems one of which makes it a notice of confidentiality.
CONFIDENTIAL = tuple(
    (_longest_first(map(seen, pair["start"])), tuple(map(seen, pair["word"])))
    for language in _LANGUAGES
    for pair in language.get("confidential", ())
)
