"""Tells which of several dates says when to write again: "our contract ends in August, reach out in June".

What counts are the words of the same clause: those that ask to be written to, and those that tell of something else.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from streams.ai.dates.first_day import FirstDay, first_day
from streams.ai.dates.meanings import FAR_AHEAD, Anaphor, Between, Day
from streams.ai.dates.mentions import Mention, ReadText

Role = Literal["contact", "neutral", "absent", "event", "past"]
_CLAUSE = re.compile(r"[!?;,\n(]|(?<!\d)\.(?=\s|$)|(?<=\d)\.(?=\s+[A-ZÄÖÜ][a-zäöü]|\s*$)|\s[-\u2013]\s")
#: Of a date that tells of something else, and after which nobody asked to be written to.
_EVENT_CERTAINTY = 0.6
#: Characters between "after" and the day of what it speaks of.
_NOT_FURTHER = 40


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The mention that says when to write again, and what it comes to."""

    mention: Mention
    role: Role
    #: How it is bound: "out until Friday, write then" is after Friday.
    relation: str
    first: FirstDay


def choose(read: ReadText, text: str, written: date) -> Chosen | None:
    """The first date that asks to be written to; else the first that tells of nothing else; else of an absence."""
    clauses = _Clauses(read, text)
    found = [one for one in _judged(read, clauses, written) if not _is_past(one, written)]
    for role in ("contact", "neutral"):
        of_role = [one for one in found if one.role == role]
        if of_role:
            return of_role[0]
    absent = [one for one in found if one.role == "absent" and one.first.day]
    if absent:
        return max(absent, key=lambda one: one.first.day or written)
    return found[0] if found else None


def _judged(read: ReadText, clauses: "_Clauses", written: date) -> Iterator[Chosen]:
    before: Mention | None = None
    for mention in read.days:
        if mention.negated:
            continue
        if isinstance(mention.meaning, Anaphor):
            if before is not None and before.meaning is not None:
                counted = replace(mention, meaning=mention.meaning.after(before.meaning))
                yield _chosen(counted, "contact", counted.relation, written)
            continue
        yield _in_its_role(mention, clauses, written)
        before = mention


def _in_its_role(mention: Mention, clauses: "_Clauses", written: date) -> Chosen:
    role, asked = clauses.role(mention), clauses.asked(mention)
    relation = mention.relation
    # "Then" is when something begins or happens; "afterwards", and what follows an absence, when it is over.
    is_over = role == "absent" or asked == "afterwards" or (asked == "then" and isinstance(mention.meaning, Between))
    if relation in ("on", "by") and role != "contact" and (is_over or clauses.follows_after(mention)):
        relation = "after"
    return _chosen(mention, "contact" if asked else role, relation, written)


def _chosen(mention: Mention, role: Role, relation: str, written: date) -> Chosen:
    assert mention.meaning is not None  # noqa: S101 - only days are judged
    first = first_day(mention.meaning, relation, written)
    if role == "event":
        first = replace(first, certainty=min(first.certainty, _EVENT_CERTAINTY))
    return Chosen(mention=mention, role=role, relation=relation, first=first)


def _is_past(chosen: Chosen, written: date) -> bool:
    """Past, or named without a year when it is just over: the 15th of last month, not of next year."""
    meaning = chosen.mention.meaning
    if chosen.first.why_not.startswith("it is past") or (chosen.role == "past" and chosen.relation == "on"):
        return True
    is_bare = isinstance(meaning, Day) and meaning.year is None and meaning.years_ahead is None
    return is_bare and chosen.role != "contact" and chosen.first.day is not None \
        and chosen.first.day - written > FAR_AHEAD  # fmt: skip


class _Clauses:
    """Which words stand in a clause with a mention."""

    def __init__(self, read: ReadText, text: str) -> None:
        inside = [(one.start, one.end) for one in (*read.days, *read.clocks)]
        self._ends = [m.start() for m in _CLAUSE.finditer(text) if not _is_within(m.start(), inside)]
        self._marks = {
            kind: read.marks.of(f"ROLE_{kind.upper()}")
            for kind in ("contact", "event", "past", "absent", "then", "afterwards")
        }
        self._days = read.days
        self._after_words = read.marks.of("REL")
        self._contact_clauses = {self._clause(start) for start, _ in self._marks["contact"]}
        self._counted = {self._clause(one.start) for one in read.days if not one.negated}

    def _clause(self, place: int) -> int:
        return bisect_right(self._ends, place - 1) if place else 0

    def role(self, mention: Mention) -> Role:
        """By the nearest telling words of its clause."""
        clause = self._clause(mention.start)
        nearest: tuple[int, Role] | None = None
        roles: tuple[Role, ...] = ("contact", "absent", "event", "past")
        for role in roles:
            for start, end in self._in_clause(role, clause, mention):
                gap = max(mention.start - end, start - mention.end, 0)
                if nearest is None or gap < nearest[0]:
                    nearest = gap, role
        if nearest is not None and nearest[1] == "event" and self._in_clause("past", clause, mention):
            return "past"
        return nearest[1] if nearest else "neutral"

    def _in_clause(self, kind: str, clause: int, mention: Mention) -> Sequence[tuple[int, int]]:
        """The nearest on either side: those further away can't be nearer."""
        marks = self._marks[kind]
        place = bisect_right(marks, (mention.start, mention.start))
        beside = marks[max(0, place - 1) : place + 1]
        return [mark for mark in beside if self._clause(mark[0]) == clause]

    def asked(self, mention: Mention) -> Literal["then", "afterwards"] | None:
        """Whether a later clause without a date of its own says to write then, or afterwards."""
        found: list[tuple[tuple[int, int], Literal["then", "afterwards"]]] = []
        kinds: tuple[Literal["then", "afterwards"], ...] = ("then", "afterwards")
        for kind in kinds:
            marks = self._marks[kind]
            place = bisect_right(marks, (mention.end, mention.end))
            found += [(mark, kind) for mark in marks[place : place + 1] if self._asks(mention, mark)]
        return min(found)[1] if found else None

    def _asks(self, mention: Mention, mark: tuple[int, int]) -> bool:
        clause = self._clause(mark[0])
        is_next = not any(mention.end <= one.start < mark[0] for one in self._after(mention))
        is_free = clause not in self._counted or clause == self._clause(mention.start)
        return is_next and is_free and clause in self._contact_clauses

    def follows_after(self, mention: Mention) -> bool:
        """After our board meeting on January 20: the word stands further before, in the same clause."""
        marks = self._after_words
        place = bisect_right(marks, (mention.start, mention.start))
        return any(
            end < mention.start <= end + _NOT_FURTHER and self._clause(start) == self._clause(mention.start)
            and not any(start < one.start < mention.start for one in self._days)
            for start, end in marks[max(0, place - 1) : place]
        )  # fmt: skip

    def _after(self, mention: Mention) -> Sequence[Mention]:
        place = bisect_right([one.start for one in self._days], mention.start)
        return [one for one in self._days[place : place + 1] if not isinstance(one.meaning, Anaphor)]


def _is_within(place: int, parts: Sequence[tuple[int, int]]) -> bool:
    index = bisect_right(parts, (place, place))
    return any(start < place < end for start, end in parts[max(0, index - 1) : index + 1])
