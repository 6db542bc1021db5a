"""Reads tokens by rules: each rule is a line of terms, the longest that fits at a place wins, and is worked out once.

A term is a category of words (`MONTH`), another rule (`date`), or a mark (`,`). `month:MONTH` keeps what it means,
`UNIT=year` wants that meaning, `?` lets it be missing, `*` lets it come up to four times.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any, NamedTuple

from streams.ai.dates.languages import Language
from streams.ai.dates.tokens import Token

_OFTEN = 4
#: Deeper than any phrase; a rule can begin with itself behind other words only.
_DEEPEST = 12
#: Attempts at rules in one text and language: messages take some hundred, and hostile ones end here.
_MOST_TRIES = 1_500


class Read(NamedTuple):
    """What a rule made of the tokens up to `end`."""

    value: Any
    end: int
    #: The rules that were used, outermost first.
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule's builder sees: the named parts, and where they stand."""

    parts: Mapping[str, Any]
    start: int
    end: int
    parser: "Parser"

    def __getitem__(self, name: str) -> Any:
        return self.parts.get(name)

    def has(self, category: str, place: int) -> bool:
        """Whether the token at that place may be of the category."""
        return category in self.parser.categories_at(place)


Builder = Callable[[Found], Any]


class Term(NamedTuple):
    """One piece of a rule's line."""

    name: str
    what: str
    wanted: str
    often: str
    is_rule: bool


_Line = tuple[str, str, Builder, tuple[Term, ...]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to say something."""

    name: str
    line: str
    build: Builder
    terms: tuple[Term, ...]
    #: Categories that it can begin with, and those that all its phrases have, as bits.
    first: int
    needs: int


class Grammar:
    """Rules by name. Categories of words are bits, so that what can't fit is passed over with one comparison."""

    def __init__(self, lines: Sequence[tuple[str, str, Builder]]) -> None:
        names = {name for name, _, _ in lines}
        made = [(name, line, build, _terms(line, names)) for name, line, build in lines]
        categories = sorted({term.what for *_, terms in made for term in terms if not term.is_rule})
        self.bits = {category: 1 << number for number, category in enumerate(categories)}
        first, needs = self._settled(names, made)
        self.rules: dict[str, list[Rule]] = defaultdict(list)
        for name, line, build, terms in made:
            rule = Rule(name, line, build, terms, self._first_of(terms, first), self._needed_by(terms, needs))
            self.rules[name].append(rule)
        self._fitting: dict[tuple[str, int], tuple[Rule, ...]] = {}

    def fitting(self, name: str, mask: int) -> tuple[Rule, ...]:
        """The rules of a name that can begin with one of the categories."""
        key = (name, mask)
        if (found := self._fitting.get(key)) is None:
            found = self._fitting[key] = tuple(rule for rule in self.rules[name] if rule.first & mask)
        return found

    def _settled(self, names: set[str], made: Sequence[_Line]) -> tuple[dict[str, int], dict[str, int]]:
        """What phrases of each name can begin with, and what they all have: worked out until nothing changes."""
        first, needs = dict.fromkeys(names, 0), dict.fromkeys(names, -1)
        for _ in names:
            for name in names:
                lines = [terms for other, _, _, terms in made if other == name]
                first[name] = reduce(or_, (self._first_of(terms, first) for terms in lines))
                needs[name] = reduce(and_, (self._needed_by(terms, needs) for terms in lines))
        return first, needs

    def _first_of(self, terms: tuple[Term, ...], first: Mapping[str, int]) -> int:
        found = 0
        for term in terms:
            found |= first[term.what] if term.is_rule else self.bits[term.what]
            if not term.often:
                break
        return found

    def _needed_by(self, terms: tuple[Term, ...], needs: Mapping[str, int]) -> int:
        needed = 0
        for term in terms:
            if not term.often:
                needed |= needs[term.what] if term.is_rule else self.bits[term.what]
        return needed


def _terms(line: str, names: set[str]) -> tuple[Term, ...]:
    return tuple(_term(word, names) for word in line.split())


def _term(word: str, names: set[str]) -> Term:
    often = word[-1] if len(word) > 1 and word[-1] in "?*" else ""
    name, _, what = word.removesuffix(often).rpartition(":")
    what, _, wanted = what.partition("=")
    return Term(name, what, wanted, often, what in names)


#: What a token may be: meanings with their lengths by category, longest first.
Categories = Mapping[str, Sequence[tuple[Any, int]]]
_NOTHING: Categories = {}


class Parser:
    """Reads one text in one language."""

    def __init__(self, grammar: Grammar, found: list[Token], language: Language, text: str) -> None:
        self.grammar, self.tokens, self.language, self.text = grammar, found, language, text
        self._known: dict[tuple[str, int], Read | None] = {}
        self._categories = [self._looked_up(place) for place in range(len(found))]
        bits = grammar.bits
        self._masks = [sum([bits.get(category, 0) for category in one]) if one else 0 for one in self._categories]
        self._ahead = _windows(self._masks)
        self._ends: dict[tuple[str, ...], frozenset[int]] = {}
        self._depth = 0
        self._left = _MOST_TRIES

    def categories_at(self, place: int) -> Categories:
        """What the tokens from that place on may be."""
        return self._categories[place] if 0 <= place < len(self._categories) else _NOTHING

    def ends_of(self, categories: tuple[str, ...]) -> frozenset[int]:
        """Where phrases of the categories end: the place behind each."""
        if (found := self._ends.get(categories)) is None:
            wanted = sum(self.grammar.bits[one] for one in categories)
            places = [place for place, mask in enumerate(self._masks) if mask & wanted]
            each = ((place, self._categories[place].get(one, ())) for place in places for one in categories)
            found = self._ends[categories] = frozenset(place + length for place, ways in each for _, length in ways)
        return found

    @property
    def is_exhausted(self) -> bool:
        """Whether as much was tried as any message is worth."""
        return self._left <= 0

    def _looked_up(self, place: int) -> Categories:
        token = self.tokens[place]
        if token.kind in ("word", "other"):
            return self.language.categories(self.tokens, place)
        if token.kind == "number":
            number = int(token.text)
            return {"YEAR" if 2000 <= number < 2100 else "DIGITS": ((number, 1),)}
        return {token.kind.upper(): ((token.text, 1),)}

    def read(self, name: str, place: int) -> Read | None:
        """The longest that a rule of that name makes of the tokens from there on."""
        key = (name, place)
        if key in self._known:
            return self._known[key]
        if place >= len(self._masks) or self._depth > _DEEPEST:
            return None
        ahead = self._ahead[place]
        self._depth += 1
        best: Read | None = None
        for rule in self.grammar.fitting(name, self._masks[place]):
            if rule.needs & ahead != rule.needs:
                continue
            self._left -= 1
            if self._left <= 0:
                break
            read = self._tried(rule, place)
            if read is not None and (best is None or read.end > best.end):
                best = read
        self._depth -= 1
        self._known[key] = best
        return best

    def _tried(self, rule: Rule, place: int) -> Read | None:
        parts: dict[str, Any] = {}
        why: tuple[str, ...] = (rule.name,)
        end = place
        for term in rule.terms:
            for _ in range(_OFTEN if term.often == "*" else 1):
                read = self.read(term.what, end) if term.is_rule else self._word(term, end)
                if read is None:
                    if not term.often:
                        return None
                    break
                end = read.end
                why += read.why
                if term.name:
                    parts[term.name] = [*parts.get(term.name, []), read.value] if term.often == "*" else read.value
        if end == place:
            return None
        value = rule.build(Found(parts, place, end, self))
        return None if value is None else Read(value, end, why)

    def _word(self, term: Term, place: int) -> Read | None:
        if place >= len(self._categories):
            return None
        for meaning, length in self._categories[place].get(term.what, ()):
            if not term.wanted or str(meaning) == term.wanted:
                return Read(meaning, place + length, ())
        return None


def _windows(masks: list[int]) -> list[int]:
    """At each place, all categories of it and the fifteen that follow."""
    for step in (1, 2, 4, 8):
        masks = [one | other for one, other in zip(masks, [*masks[step:], *[0] * step], strict=False)]
    return masks
