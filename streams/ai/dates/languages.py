"""The words of each language, read from one file each, as the grammar asks for them.

A file in `languages/` is a language. What its tables mean stands in docs/dates.md; a table or word that the grammar
does not know is refused when it is loaded.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import Any

from streams.ai.dates.calendar import HOLIDAYS
from streams.ai.dates.letters import folded
from streams.ai.dates.tokens import Token, tokens

#: What a word can be to the grammar, with what it means there: ("MONTH", 4).
Entry = tuple[str, Any]
#: Tables of meanings: their name in a file, in the grammar, and what a meaning is.
_TABLES: Mapping[str, tuple[str, type]] = {
    "numbers": ("NUMBER", int),
    "amounts": ("AMOUNT", float),
    "ordinals": ("ORDINAL", int),
    "units": ("UNIT", str),
    "relative": ("RELATIVE", int),
    "which": ("WHICH", int),
    "which_behind": ("WHICH_BEHIND", int),
    "weeks": ("WEEKS", int),
    "relation": ("REL", str),
    "relation_behind": ("REL_BEHIND", str),
    "part": ("PART", str),
    "part_units": ("PART_UNIT", str),
    "part_behind": ("PART_BEHIND", str),
    "seasons": ("SEASON", int),
    "holidays": ("HOLIDAY", str),
}
#: Lists by position, and where they begin to count.
_LISTS: Mapping[str, tuple[str, int]] = {
    "months": ("MONTH", 1),
    "weekdays": ("WEEKDAY", 0),
    "weekdays_short": ("WEEKDAY_SHORT", 0),
    "month_weeks": ("MONTH_WEEK", 1),
    "month_halves": ("MONTH_HALF", 1),
}
#: Words without a meaning of their own.
_WORDS = frozenset({
    "suffix", "the", "on", "on_day", "of", "in", "later", "approx", "to", "between", "and", "week_of",
    "week_after", "week_number", "week_later", "counted_from", "counted_before", "before_that", "after_that",
    "quarter_letter", "half_letter", "fiscal", "last", "coming", "daypart", "no_day",
})  # fmt: skip
_GROUPS = ("clock", "role", "negation")
_PLAIN = frozenset({"name", "order", "words", "weak", "say", "ordinal_hours", "capital_months", "implicit_one"})
#: What the meanings of some tables can be; elsewhere any number.
_MEANINGS: Mapping[str, frozenset[str]] = {
    "units": frozenset(
        ["day", "workday", "week", "fortnight", "month", "quarter", "half", "half_year", "year", "weekend"]
    ),
    "part_units": frozenset(["week", "month", "quarter", "year"]),
    "relation": frozenset(["after", "until", "through", "before", "by", "from"]),
    "relation_behind": frozenset(["after", "until", "through", "before", "by", "from"]),
    "part": frozenset(["start", "mid", "late", "end"]),
    "part_behind": frozenset(["start", "mid", "late", "end"]),
    "seasons": frozenset(["3", "6", "9", "12"]),
    "holidays": frozenset(HOLIDAYS),
}
#: Shorter beginnings would take in too many words.
_SHORTEST_STEM = 3
_LONGEST_WORD = 24


class BadLanguage(Exception):
    """A file of words holds what the grammar does not know."""


@dataclass
class _Node:
    entries: list[Entry] = field(default_factory=list)
    next: dict[str, "_Node"] = field(default_factory=dict)

    @cached_property
    def alone(self) -> Mapping[str, Sequence[tuple[Any, int]]]:
        """What the word is where no longer phrase begins with it."""
        found: dict[str, list[tuple[Any, int]]] = {}
        for category, meaning in self.entries:
            found.setdefault(category, []).insert(0, (meaning, 1))
        return found


_NOTHING: Mapping[str, Sequence[tuple[Any, int]]] = {}


@lru_cache(1_024)
def _of_mark(mark: str) -> Mapping[str, Sequence[tuple[Any, int]]]:
    return {mark: ((mark, 1),)}


@dataclass(frozen=True)
class Language:
    """The words of one language."""

    code: str
    name: str
    #: Whether 3/4 begins with the day; "either" where nobody can tell.
    day_first: bool
    #: Whether a unit without a number is one of it: "za miesiąc".
    has_implicit_one: bool
    #: Whether hours are said by ordinals: "o trzeciej".
    ordinal_hours: bool
    #: Whether months begin with a capital.
    has_capital_months: bool
    #: Words that are months only beside a number, or behind a preposition.
    weak: frozenset[str]
    #: Frequent words, and the single words of all phrases, by which the language is recognised.
    known: frozenset[str]
    #: Sentences that are made and read back: see docs/dates.md.
    say: Mapping[str, Any]
    #: The alternatives of a table as they are written in the file.
    spelled: Mapping[str, Mapping[Any, tuple[str, ...]]]
    _root: _Node
    _stems: Mapping[str, list[Entry]]

    def categories(self, found: list[Token], place: int) -> Mapping[str, Sequence[tuple[Any, int]]]:
        """What the tokens from that place on may be: meanings with their lengths by category, longest first."""
        token = found[place]
        node = self._root.next.get(token.text)
        stems = _stem_entries(self, token.text) if self._stems and token.kind == "word" else ()
        if node is not None and not node.next and not stems:
            return node.alone
        if node is None and not stems:
            return _of_mark(token.text) if token.kind == "other" else _NOTHING
        result: dict[str, list[tuple[Any, int]]] = {}
        for category, meaning in stems:
            result.setdefault(category, []).insert(0, (meaning, 1))
        length = 1
        while node is not None:
            for category, meaning in node.entries:
                result.setdefault(category, []).insert(0, (meaning, length))
            node = node.next.get(found[place + length].text) if place + length < len(found) and node.next else None
            length += 1
        if token.kind == "other":
            result[token.text] = [(token.text, 1)]
        return result

    def knows(self, word: str) -> bool:
        """Whether the word speaks for this language."""
        return word in self.known or bool(_stem_entries(self, word))

    def __hash__(self) -> int:
        return hash(self.code)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Language) and other.code == self.code


@lru_cache(8_192)
def _stem_entries(language: Language, word: str) -> tuple[Entry, ...]:
    if len(word) > _LONGEST_WORD or not language._stems:
        return ()
    for length in range(len(word), _SHORTEST_STEM - 1, -1):
        if found := language._stems.get(word[:length]):
            return tuple(found)
    return ()


@cache
def languages() -> tuple[Language, ...]:
    """All that there are files for, in the order of their codes, English first. Raises BadLanguage."""
    folder = files("streams.ai.dates") / "languages"
    found = [loaded(file.name.removesuffix(".toml"), file.read_text(encoding="utf-8")) for file in folder.iterdir()]
    return tuple(sorted(found, key=lambda one: (one.code != "en", one.code)))


def loaded(code: str, text: str) -> Language:
    """A language from the text of its file. Raises BadLanguage."""
    data = tomllib.loads(text)
    phrases = list(_phrases(code, data))
    root, stems = _Node(), defaultdict[str, list[Entry]](list)
    known = {word.text for word in tokens(folded(data["words"])) if word.kind == "word"}
    for phrase, entry in phrases:
        if phrase.endswith("*"):
            stems[folded(phrase[:-1])].append(entry)
            continue
        words = [token.text for token in tokens(folded(phrase))]
        known.update(word for word in words if word.isalpha())
        _planted(root, words, entry)
    return Language(
        code=code,
        name=data["name"],
        day_first=data["order"] == "day",
        has_capital_months=bool(data.get("capital_months")),
        has_implicit_one=bool(data.get("implicit_one")),
        ordinal_hours=bool(data.get("ordinal_hours")),
        weak=frozenset(folded(word) for word in _alternatives(data.get("weak", ""))),
        known=frozenset(known),
        say=data.get("say", {}),
        spelled=_spelled(phrases),
        _root=root,
        _stems=dict(stems),
    )


def _planted(root: _Node, words: list[str], entry: Entry) -> None:
    node = root
    for word in words:
        node = node.next.setdefault(word, _Node())
    node.entries.append(entry)


def _spelled(phrases: list[tuple[str, Entry]]) -> Mapping[str, Mapping[Any, tuple[str, ...]]]:
    found: dict[str, dict[Any, tuple[str, ...]]] = defaultdict(dict)
    for phrase, (category, meaning) in phrases:
        found[category][meaning] = (*found[category].get(meaning, ()), phrase)
    return found


def _phrases(code: str, data: Mapping[str, Any]) -> Iterator[tuple[str, Entry]]:
    """All phrases of a file with what they are."""
    for key, value in data.items():
        if key in _PLAIN:
            continue
        if key in _TABLES:
            category, kind = _TABLES[key]
            if unknown := value.keys() - _MEANINGS.get(key, value.keys()):
                raise BadLanguage(f"languages/{code}.toml: [{key}] can't mean {', '.join(sorted(unknown))}.")
            for meaning, alternatives in value.items():
                yield from ((phrase, (category, kind(meaning))) for phrase in _alternatives(alternatives))
        elif key in _LISTS:
            category, first = _LISTS[key]
            for meaning, alternatives in enumerate(value, start=first):
                yield from ((phrase, (category, meaning)) for phrase in _alternatives(alternatives))
        elif key in _GROUPS:
            for part, alternatives in value.items():
                name = f"{key}_{part}".upper()
                yield from ((phrase, (name, True)) for phrase in _alternatives(alternatives))
        elif key in _WORDS:
            yield from ((phrase, (key.upper(), True)) for phrase in _alternatives(value))
        else:
            raise BadLanguage(f"languages/{code}.toml has a table {key!r}, which the grammar does not know.")


def _alternatives(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]
