"""Finds what a text says about days and times of day: each mention with where it stands, how it is bound, and why."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import islice

from streams.ai.dates.choosing import likely
from streams.ai.dates.clock_grammar import Clock
from streams.ai.dates.engine import Parser, Read
from streams.ai.dates.grammar import GRAMMAR
from streams.ai.dates.letters import folded
from streams.ai.dates.meanings import Day, Meaning, Weekday, WithinWeek, problem
from streams.ai.dates.tokens import tokens

#: Characters read: nobody names a time so far behind the beginning of a message.
READ_LIMIT = 6_000
#: Nobody proposes more days, or more times of day, in one message.
MOST_MENTIONS = 100
#: Words and marks of such a text that are read: more have no words between them.
_MOST_TOKENS = 1_500
#: Characters between a day and the time of day that belongs to it.
_BESIDE = 4
#: Texts whose mentions are kept in mind: what a step reads, the next one often reads again.
_TEXTS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Mention:
    """Days or a time of day as a text names them."""

    start: int
    end: int
    #: The words themselves.
    text: str
    language: str
    #: What days are meant; None where a time of day is.
    meaning: Meaning | None = None
    clock: Clock | None = None
    #: on, after, until, through, before, by or from.
    relation: str = "on"
    #: Whether a word such as "in" or "until" stands before.
    announced: bool = False
    #: "Not on Friday", "Friday doesn't work".
    negated: bool = False
    #: The rules of the grammar that read it, outermost first.
    rules: tuple[str, ...] = ()

    def why(self, written: date) -> str:
        """How it was read, in words for a person."""
        bound = "" if self.relation == "on" else f"{self.relation} "
        read = f"{self.text!r} as {bound}{' > '.join(dict.fromkeys(self.rules))} ({self.language})"
        wrong = problem(self.meaning, written) if self.meaning is not None else None
        return f"{read}: {wrong}" if wrong else read


@dataclass(frozen=True)
class Marks:
    """Where in the text words of a kind begin and end, by kind."""

    places: dict[str, tuple[tuple[int, int], ...]]

    def of(self, kind: str) -> tuple[tuple[int, int], ...]:
        """Of one kind, in order."""
        return self.places.get(kind, ())


@dataclass(frozen=True)
class ReadText:
    """All that was read of a text."""

    days: tuple[Mention, ...]
    clocks: tuple[Mention, ...]
    marks: Marks


#: Kinds of words that are looked for beside the grammar.
MARKS = (
    "ROLE_CONTACT",
    "ROLE_EVENT",
    "ROLE_PAST",
    "ROLE_ABSENT",
    "ROLE_THEN",
    "ROLE_AFTERWARDS",
    "ROLE_VAGUE",
    "REL",
    "NEGATION_BEFORE",
    "NEGATION_AFTER",
    "CLOCK_LOCAL_TIME",
)


def read_text(text: str) -> ReadText:
    """Days and times of day in the first 6,000 characters, a hundred of each at most."""
    return _read(text[:READ_LIMIT])


@lru_cache(_TEXTS)
def _read(text: str) -> ReadText:
    found = list(islice(tokens(folded(text)), _MOST_TOKENS))
    readers = [Parser(GRAMMAR, found, language, text) for language in likely(found)]
    mentions = list(_shared(_merged([list(_mentions(reader, text)) for reader in readers]), text))
    marks = _marks(readers)
    clocks = tuple(one for one in mentions if one.clock is not None)
    days = tuple(_judged(one, clocks, marks, text) for one in mentions if one.meaning is not None)
    return ReadText(days=days, clocks=clocks, marks=marks)


def _mentions(parser: Parser, text: str) -> Iterator[Mention]:
    place, count = 0, {True: 0, False: 0}
    while place < len(parser.tokens) and not parser.is_exhausted and sum(count.values()) < 2 * MOST_MENTIONS:
        read = _longest(parser, place)
        if read is None:
            place += 1
            continue
        mention = _mention(parser, read, place, text)
        place = read.end
        is_clock = mention.clock is not None
        count[is_clock] += 1
        if count[is_clock] <= MOST_MENTIONS:
            yield mention


def _longest(parser: Parser, place: int) -> Read | None:
    if not parser.categories_at(place):
        return None
    days, clock = parser.read("mention", place), parser.read("clock", place)
    if days is None or clock is None:
        return days or clock
    return clock if clock.end >= days.end else days


def _mention(parser: Parser, read: Read, place: int, text: str) -> Mention:
    first, last = parser.tokens[place], parser.tokens[read.end - 1]
    code = parser.language.code
    words = text[first.start : last.end]
    if isinstance(read.value, Clock):
        return Mention(
            start=first.start, end=last.end, text=words, language=code, clock=read.value, rules=read.why,
            relation=read.value.relation,
        )  # fmt: skip
    meaning, before, behind = read.value
    relations = [name for kind, name in before if kind == "rel"]
    relation = behind or (relations[-1] if relations else "on")
    if relations[:1] == ["from"] and relation in ("before", "until"):
        relation = "from"
    return Mention(
        start=first.start,
        end=last.end,
        text=words,
        language=code,
        meaning=meaning,
        relation=relation,
        announced=any(kind for kind, _ in before) or bool(behind),
        rules=tuple(one for one in read.why if one not in ("fill", "before_core", "core", "mention")),
    )


def _merged(by_language: list[list[Mention]]) -> list[Mention]:
    """Those of the likeliest language, and of the others what it did not see or saw less of."""
    kept: list[Mention] = []
    for mentions in by_language:
        kept = _with(kept, mentions)
    return kept


def _with(kept: list[Mention], others: Iterable[Mention]) -> list[Mention]:
    result: list[Mention] = []
    remaining = iter(sorted(kept, key=lambda one: one.start))
    waiting = next(remaining, None)
    for other in others:
        beside: list[Mention] = []
        while waiting is not None and waiting.start < other.end:
            beside.append(waiting)
            waiting = next(remaining, None)
        if result and result[-1].end > other.start:
            beside.insert(0, result.pop())
        overlapping = [one for one in beside if one.end > other.start]
        wins = all(other.end - other.start > one.end - one.start for one in overlapping)
        result += [one for one in beside if not wins or one not in overlapping]
        if wins:
            result.append(other)
    return [*result, *([waiting] if waiting else []), *remaining]


#: Between days that share what stands behind the last of them.
_LISTING = re.compile(r"\s*(?:[,/&-]|\b\w{1,4}\b)\s*(?:the |den |el |le )?", re.IGNORECASE)


def _shared(mentions: list[Mention], text: str) -> Iterator[Mention]:
    """Monday or Tuesday next week, the 15th or 16th of January: the first has the week or month of the second."""
    for mention, following in zip(mentions, [*mentions[1:], None], strict=False):
        listed = following is not None and _LISTING.fullmatch(text[mention.end : following.start])
        meaning = _meaning_shared(mention.meaning, following.meaning) if following and listed else None
        yield replace(mention, meaning=meaning) if meaning is not None else mention


def _meaning_shared(first: Meaning | None, second: Meaning | None) -> Meaning | None:
    if isinstance(first, Weekday) and first.which is None and isinstance(second, WithinWeek):
        return WithinWeek(first.weekday, second.week)
    if isinstance(first, Day) and isinstance(second, Day) and all(month is None for month, _ in first.readings):
        months = {month for month, _ in second.readings}
        if len(months) == 1 and None not in months:
            readings = tuple((month, day) for month in months for _, day in first.readings)
            return replace(first, readings=readings, year=second.year, years_ahead=second.years_ahead)
    return None


def _marks(readers: Iterable[Parser]) -> Marks:
    places: dict[str, list[tuple[int, int]]] = {kind: [] for kind in MARKS}
    for parser in readers:
        for place, token in enumerate(parser.tokens):
            categories = parser.categories_at(place)
            if not categories:
                continue
            for kind in categories.keys() & places.keys():
                meaning, length = categories[kind][0]
                if kind == "REL" and meaning != "after":
                    continue
                places[kind].append((token.start, parser.tokens[place + length - 1].end))
    return Marks({kind: tuple(sorted(found)) for kind, found in places.items()})


def _judged(mention: Mention, clocks: Sequence[Mention], marks: Marks, text: str) -> Mention:
    """With whether it is said not to suit; "until February we can't" says when it does."""
    if mention.relation != "on":
        return mention
    start, end = _with_clock(mention, clocks)
    before = any(_is_beside(text[other:start]) for _, other in _last_before(marks.of("NEGATION_BEFORE"), start))
    after = any(_is_beside(text[end:other]) for other, _ in _first_after(marks.of("NEGATION_AFTER"), end))
    return replace(mention, negated=True) if before or after else mention


def _with_clock(mention: Mention, clocks: Sequence[Mention]) -> tuple[int, int]:
    """Where the day begins and ends together with the time of day beside it."""
    place = bisect_right([clock.start for clock in clocks], mention.start)
    start, end = mention.start, mention.end
    for clock in clocks[max(0, place - 1) : place + 1]:
        if 0 <= clock.start - mention.end <= _BESIDE:
            end = clock.end
        elif 0 <= mention.start - clock.end <= _BESIDE:
            start = clock.start
    return start, end


def _last_before(places: tuple[tuple[int, int], ...], place: int) -> list[tuple[int, int]]:
    index = bisect_right(places, (place, -1))
    return list(places[max(0, index - 2) : index])


def _first_after(places: tuple[tuple[int, int], ...], place: int) -> list[tuple[int, int]]:
    index = bisect_right(places, (place, -1))
    return list(places[index : index + 1])


def _is_beside(between: str) -> bool:
    """Nothing but a short word or two between."""
    return len(between) <= 16 and not any(mark in between for mark in ",.;!?\n") and len(between.split()) <= 1
