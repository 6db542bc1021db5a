"""The exact days and times of day of a message, and which belong together: what is offered, proposed or promised.

What they are read by is the grammar in `streams/ai/dates`; docs/dates.md shows what it understands.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import lru_cache
from itertools import groupby
from typing import TypeVar

from streams.ai.dates.meanings import Between, Day, Meaning
from streams.ai.dates.mentions import MOST_MENTIONS, READ_LIMIT, Mention, read_text
from streams.ai.dates.zones import zone_of, zones

__all__ = [
    "MOST_MENTIONS", "ClockMention", "DayMention", "Moment", "clock_beside", "clocks", "days", "likely_clock",
    "moments", "names_period", "names_zone",
]  # fmt: skip

#: Texts whose days are kept in mind: what a step reads, the next one often reads again.
_TEXTS = 4
#: "At 4" in a business means the afternoon, "at 10" the morning.
_BUSINESS_HOURS = range(7, 19)
#: A longer range names no day.
_MOST_DAYS = 31
_SENTENCE_END = re.compile(r"[!?;\n]|(?<!\d)\.(?=\s+[A-ZÄÖÜ]|\s*$)|(?<=\d)\.(?=\s+[A-ZÄÖÜ][a-zäöü]+\s)")


@dataclass(frozen=True, kw_only=True)
class DayMention:
    """A day as it was written."""

    start: int
    end: int
    meaning: Meaning
    #: on, after, until, before …
    relation: str = "on"
    #: It is said not to suit.
    negated: bool = False

    def dates(self, written: date) -> tuple[date, ...]:
        """The days meant by somebody who wrote this on `written`: never in the past; two where it is ambiguous."""
        spans = self.meaning.spans(written)
        if isinstance(self.meaning, Between) and len(spans) == 1:
            length = min((spans[0].end - spans[0].start).days + 1, _MOST_DAYS)
            return tuple(spans[0].start + timedelta(days=number) for number in range(length))
        return tuple(dict.fromkeys(span.start for span in spans))

    def weekday_agrees(self, written: date) -> bool:
        """Whether the weekday that stands beside the date is that of the date."""
        if not isinstance(self.meaning, Day) or self.meaning.weekday is None:
            return True
        return self.meaning.weekday in {day.weekday() for day in self.meaning.dates(written)}

    @property
    def is_plain(self) -> bool:
        """Whether that very day is meant to suit."""
        return not self.negated and self.relation == "on" and self.meaning.is_day


@dataclass(frozen=True, kw_only=True)
class ClockMention:
    """A time of day as it was written; two readings for a bare "at 4"."""

    start: int
    end: int
    readings: tuple[time, ...]
    #: at, or after, before, until …
    relation: str = "at"
    #: It begins or ends a range: 2-4pm.
    is_range: bool = False
    #: The IANA name of the zone that stands beside it.
    zone: str | None = None

    @property
    def is_exact(self) -> bool:
        """Whether it names one moment, not a stretch of time."""
        return self.relation == "at" and not self.is_range


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A day and a time of day that belong together; either may be missing."""

    day: DayMention | None
    clock: ClockMention | None

    @property
    def start(self) -> int:
        """Where its first part begins."""
        return min(part.start for part in (self.day, self.clock) if part is not None)

    @property
    def end(self) -> int:
        """Where its last part ends."""
        return max(part.end for part in (self.day, self.clock) if part is not None)


_M = TypeVar("_M", DayMention, ClockMention)
_Part = DayMention | ClockMention


def days(text: str) -> list[DayMention]:
    """The days named in the text, in order: the first hundred."""
    return [_day(one, one.meaning) for one in read_text(text).days if one.meaning is not None and _is_day(one.meaning)]


def clocks(text: str) -> list[ClockMention]:
    """The times of day named in the text, in order: the first hundred."""
    found = read_text(text).clocks
    named = zones(text[:READ_LIMIT])
    result: list[ClockMention] = []
    for number, one in enumerate(found):
        assert one.clock is not None  # noqa: S101 - only clocks are listed there
        before = found[number - 1] if number else None
        after = found[number + 1] if number + 1 < len(found) else None
        is_range = any(
            other is not None and _is_range(text[min(other.end, one.end) : max(other.start, one.start)])
            for other in (before, after)
        )
        result.append(
            ClockMention(
                start=one.start,
                end=one.end,
                readings=one.clock.readings,
                relation=one.relation,
                is_range=is_range or text[max(0, one.start - 3) : one.start].rstrip()[-1:] in ("-", "\u2013"),
                zone=zone_of(named, one.end, text),
            )
        )
    return result


def moments(text: str) -> list[Moment]:
    """Days and times of day, paired within a sentence: each time with the nearest day before it, else after it."""
    return list(_moments(text[:READ_LIMIT]))


def clock_beside(text: str, mention: Mention) -> ClockMention | None:
    """The one time of day that belongs to a day; None when there are several."""
    beside = [one for one in _moments(text[:READ_LIMIT]) if one.day is not None and one.day.start == mention.start]
    return beside[0].clock if len(beside) == 1 else None


def likely_clock(clock: ClockMention | None) -> str | None:
    """HH:MM where one of the readings is within business hours, or the only one; None for a stretch of time."""
    if clock is None or not clock.is_exact:
        return None
    likely = [one for one in clock.readings if one.hour in _BUSINESS_HOURS]
    sure = clock.readings if len(clock.readings) == 1 else likely
    return sure[0].strftime("%H:%M") if len(sure) == 1 else None


def names_zone(text: str) -> bool:
    """Whether the text says in which time zone its times are."""
    return bool(zones(text)) or bool(read_text(text).marks.of("CLOCK_LOCAL_TIME"))


def names_period(text: str) -> bool:
    """Whether the text names a stretch of time, such as a week: then an hour alone is no day's."""
    return any(one.meaning is not None and not _is_day(one.meaning) for one in read_text(text).days)


def _is_day(meaning: Meaning) -> bool:
    return meaning.is_day or (isinstance(meaning, Between) and meaning.first.is_day and meaning.last.is_day)


def _is_range(between: str) -> bool:
    return between.strip() in ("-", "\u2013", "to", "bis", "till", "and", "und", "à", "a", "et", "y", "e", "tot", "do")


def _day(mention: Mention, meaning: Meaning) -> DayMention:
    return DayMention(
        start=mention.start, end=mention.end, meaning=meaning, relation=mention.relation, negated=mention.negated
    )


@lru_cache(_TEXTS)
def _moments(text: str) -> tuple[Moment, ...]:
    all_days, all_clocks = days(text), clocks(text)
    if not all_days and not all_clocks:
        return ()
    parts: list[_Part] = [*all_days, *all_clocks]
    inside = sorted((part.start, part.end) for part in parts)
    ends = [end for end in _sentence_ends(text) if not _is_inside(end, inside)]
    days_of = _by_sentence(all_days, ends)
    clocks_of = _by_sentence(all_clocks, ends)
    pairs = (_pairs(days_of.get(place, []), clocks_of.get(place, [])) for place in sorted({*days_of, *clocks_of}))
    return tuple(sorted((moment for found in pairs for moment in found), key=lambda moment: moment.start))


def _is_inside(place: int, parts: list[tuple[int, int]]) -> bool:
    index = bisect_right(parts, (place, place))
    return any(start < place < end for start, end in parts[max(0, index - 1) : index])


def _by_sentence(mentions: Iterable[_M], ends: list[int]) -> dict[int, list[_M]]:
    grouped = groupby(mentions, key=lambda mention: bisect_right(ends, mention.start))
    return {place: list(together) for place, together in grouped}


def _pairs(found_days: list[DayMention], found_clocks: list[ClockMention]) -> Iterator[Moment]:
    paired: set[int] = set()
    starts = [day.start for day in found_days]
    for clock in found_clocks:
        # "Thursday at 4pm" and "4pm Thursday": the nearer day, and the one before when both are as near.
        after = bisect_right(starts, clock.start)
        beside = found_days[max(0, after - 1) : after + 1]
        nearest = min(beside, key=lambda day: (_gap(day, clock), day.start > clock.start), default=None)
        if nearest is not None:
            paired.add(nearest.start)
        yield Moment(day=nearest, clock=clock)
    for day in found_days:
        if day.start not in paired:
            yield Moment(day=day, clock=None)


def _gap(day: DayMention, clock: ClockMention) -> int:
    return max(day.start - clock.end, clock.start - day.end)


def _sentence_ends(text: str) -> Iterator[int]:
    for match in _SENTENCE_END.finditer(text):
        yield match.end()
