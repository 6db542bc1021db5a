"""Finds days, clock times and time zones in short messages of a few languages.

Own code, because no kept library reads replies: dateparser 1.5 takes "we" and "me" for Wednesday, and misses
"en dos semanas", "a few weeks" and "Q4" (measured on the labelled replies); parsedatetime knows English only.
Calendar arithmetic is dateutil's.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from functools import lru_cache
from itertools import groupby, islice
from typing import TypeVar

from streams.ai.phrases import Phrases

_MONTHS = (
    "january|jan|januar|enero|janvier|januari|janeiro",
    "february|feb|februar|febrero|février|fevrier|februari",
    "march|mar|märz|maerz|marzo|mars|maart",
    "april|apr|abril|avril",
    "may|mai|mayo|mei",
    "june|jun|juni|junio|juin",
    "july|jul|juli|julio|juillet",
    "august|aug|agosto|août|aout|augustus",
    "september|sept|sep|septiembre|septembre",
    "october|oct|oktober|okt|octubre|octobre",
    "november|nov|noviembre|novembre",
    "december|dec|dezember|dez|diciembre|décembre|decembre",
)
MONTH_NUMBER = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split("|")}
_WEEKDAYS = (
    "mondays?|montags?|lunes|lundi|maandag",
    "tuesdays?|tues|tue|dienstags?|martes|mardi|dinsdag",
    "wednesdays?|weds?|mittwochs?|miércoles|miercoles|mercredi|woensdag",
    "thursdays?|thurs|thur|thu|donnerstags?|jueves|jeudi|donderdag",
    "fridays?|fri|freitags?|viernes|vendredi|vrijdag",
    "saturdays?|samstags?|sábado|sabado|samedi|zaterdag",
    "sundays?|sonntags?|domingo|dimanche|zondag",
)
_WEEKDAY_PATTERNS = tuple(re.compile(names) for names in _WEEKDAYS)
#: "tomorrow" and its like, in days from the day of writing.
_RELATIVE = {
    "today": 0,
    "tonight": 0,
    "heute": 0,
    "hoy": 0,
    "aujourd'hui": 0,
    "vandaag": 0,
    "tomorrow": 1,
    "tmrw": 1,
    "tomorow": 1,
    "demain": 1,
    "übermorgen": 2,
}
#: Characters read: nobody names a time so far behind the beginning of a message.
READ_LIMIT = 6_000
#: Texts whose days are kept in mind: what a step reads, the next one often reads again.
_TEXTS = 4
#: Nobody proposes more days, or more times of day, in one message.
MOST_MENTIONS = 100
#: Letters that count as these when case is ignored, and that no lower case turns into them.
_CASE_TWINS = str.maketrans("\u017f\u0131\u0130\u212a", "siIK")
_MONTH = "|".join(sorted(MONTH_NUMBER, key=len, reverse=True))
#: Months that are also words count as months only beside a number, or with a capital after a preposition.
AMBIGUOUS_MONTHS = frozenset({"may", "mar", "mars", "mai"})
_DAY_OF_MONTH = r"(?P<{0}>0?[1-9]|[12]\d|3[01])"
_ORDINAL = r"(?:st|nd|rd|th|er|\.|º|ª)?"
_DAY = Phrases(
    r"\b(?P<iso>20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))\b"
    rf"|\b(?P<month1>{_MONTH})\.?\s+{_DAY_OF_MONTH.format('day1')}(?:st|nd|rd|th)?\b(?!:"
    rf"|\s?[ap]\.?m)(?:,?\s+(?P<year1>20\d\d))?"
    rf"|\b{_DAY_OF_MONTH.format('day2')}{_ORDINAL}\s+(?:of\s+"
    rf"|de\s+)?(?P<month2>{_MONTH})\b\.?(?:,?\s+(?:de\s+)?(?P<year2>20\d\d))?"
    r"|(?<![\d/.$€£])(?!24/7\b)(?P<slash>(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|[12]\d|3[01])(?:/(?:20)?\d\d)?)(?![\d/%])"
    r"|(?<![\d/.$€£])(?P<dots>(?:0?[1-9]|[12]\d|3[01])\.(?:0?[1-9]|1[0-2])\.(?:(?:20)?\d\d)?)(?!\d)"
    rf"|\b(?:the|am|le|el|den|del|al|de)\s+{_DAY_OF_MONTH.format('day3')}(?:st|nd|rd|th|\.)?(?![\w%:]"
    rf"|\s?(?:[ap]\.?m\b|%|uhr|h\b|[-\u2013]))"
    rf"|\b{_DAY_OF_MONTH.format('day4')}(?:st|nd|rd|th)\b"
    rf"|\b(?P<weekday>{'|'.join(_WEEKDAYS)})\b|\b(?P<monday>Mon)\b(?=[,.]?\s+(?:\d|at\b|or\b|and\b))"
    rf"|\b(?P<relative>{'|'.join(_RELATIVE)})\b",
    re.IGNORECASE,
)
_CLOCK = Phrases(
    r"(?<![\d:.,/$€£])(?P<hour1>1[0-2]|0?[1-9])(?:[:.](?P<minute1>[0-5]\d))?\s?(?P<half>[ap])\.?m\b\.?"
    r"|(?<![\d:.,/$€£])(?P<hour2>[01]?\d|2[0-3]):(?P<minute2>[0-5]\d)(?![\d:])"
    r"|\b(?P<hour3>[01]?\d|2[0-3])(?:[:.](?P<minute3>[0-5]\d))?\s?(?:uhr\b|h(?P<minute3h>[0-5]\d)?\b)"
    r"|\b(?P<noon>noon|midday|mittags?|mediodía|mediodia|midi)\b|\b(?P<midnight>midnight|mitternacht)\b"
    r"|\b(?:at|um|before|after|around|till|until|by|@)\s?(?P<hour4>1[0-2]|[1-9])(?:\s?o'?clock)?(?![\w:.,/%-]\w|\w"
    r"|\s?(?:%|days?|weeks?|months?|years?|people|locations?|minutes?|hours?))",
    re.IGNORECASE,
)
_ZONE = re.compile(
    r"\b(?:UTC|GMT|[ECMP][SD]?T|AK[SD]?T|HST|CES?T|MES?Z|WES?T|EES?T|BST|IST|JST|SGT|A[EWC][SD]?T|NZ[SD]?T|SAST|BRT)\b"
    r"|\b(?:[Ee]astern|[Cc]entral|[Mm]ountain|[Pp]acific|[A-Z][a-zäöüßéí]+(?: [A-Z][a-z]+)?) [Tt]ime\b"
    r"|\b(?:your|my|our|local|deine|Ihre|Ihrer) (?:local )?(?:time|Zeit)\b|[+-](?:0\d|1[0-4]):?[0-5]\d\b"
    r"|\b[A-Z][a-z]+/[A-Z][a-z_]+\b"
    r"|\bOrtszeit\b|\bheure (?:locale|de [A-Z]\w+)\b|\bhora (?:local|de [A-Z]\w+)\b"
)


@dataclass(frozen=True, kw_only=True)
class DayMention:
    """A day as it was written; what was left open is None."""

    start: int
    end: int
    weekday: int | None = None
    year: int | None = None
    #: (month, day) readings: two for 3/4. Month None for "the 18th".
    readings: tuple[tuple[int | None, int], ...] = ()
    #: Days from the day of writing.
    relative: int | None = None

    def dates(self, written: date) -> tuple[date, ...]:
        """The days meant by somebody who wrote this on `written`: the next ones that fit, never in the past."""
        if self.relative is not None:
            return (written + timedelta(days=self.relative),)
        if self.weekday is not None and not self.readings:
            ahead = (self.weekday - written.weekday() - 1) % 7 + 1
            return (written + timedelta(days=ahead),)
        found = (_next_date(month, day, self.year, written) for month, day in self.readings)
        return tuple(dict.fromkeys(day for day in found if day is not None))

    def weekday_agrees(self, written: date) -> bool:
        """Whether the weekday that stands beside the date is that of the date."""
        return self.weekday is None or not self.readings or self.weekday in {d.weekday() for d in self.dates(written)}


@dataclass(frozen=True, kw_only=True)
class ClockMention:
    """A time of day as it was written; two readings for a bare "at 4"."""

    start: int
    end: int
    readings: tuple[time, ...]


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


def plain_letters(text: str) -> str:
    """What is read of the text, letter by letter, with only those that tables of names know in lower case."""
    return text[:READ_LIMIT].translate(_CASE_TWINS)


def days(text: str) -> list[DayMention]:
    """The days named in the text, in order: the first hundred."""
    return list(_days(plain_letters(text)))


@lru_cache(_TEXTS)
def _days(text: str) -> tuple[DayMention, ...]:
    found: list[DayMention] = []
    for match in islice(_DAY.finditer(text), MOST_MENTIONS):
        mention = _day(match)
        if mention is None:
            continue
        if found and _belong_together(found[-1], mention, text):
            weekday_named = found.pop()
            mention = replace(mention, start=weekday_named.start, weekday=weekday_named.weekday)
        found.append(mention)
    return tuple(found)


def clocks(text: str) -> list[ClockMention]:
    """The times of day named in the text, in order: the first hundred."""
    matches = islice(_CLOCK.finditer(plain_letters(text)), MOST_MENTIONS)
    return [mention for match in matches if (mention := _clock(match)) is not None]


def moments(text: str) -> list[Moment]:
    """Days and times of day, paired within a sentence: each time with the nearest day before it, else after it."""
    return list(_moments(text[:READ_LIMIT]))


@lru_cache(_TEXTS)
def _moments(text: str) -> tuple[Moment, ...]:
    all_days = days(text)
    starts = [day.start for day in all_days]
    all_clocks = [
        clock for clock in clocks(text) if not _is_part_of(clock, all_days[: bisect_right(starts, clock.start)])
    ]
    if not all_days and not all_clocks:
        return ()
    ends = [end for _, end in _sentences(text)]
    days_of = _by_sentence(all_days, ends)
    clocks_of = _by_sentence(all_clocks, ends)
    pairs = (_pairs(days_of.get(place, []), clocks_of.get(place, [])) for place in sorted({*days_of, *clocks_of}))
    return tuple(sorted((moment for found in pairs for moment in found), key=lambda moment: moment.start))


def names_zone(text: str) -> bool:
    """Whether the text says in which time zone its times are."""
    return _ZONE.search(text) is not None


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


def _belong_together(first: DayMention, second: DayMention, text: str) -> bool:
    """A weekday and its date: `Thursday 26th`, `Dienstag, 10. März`, `Thu, the 5th`."""
    between = text[first.end : second.start]
    names_weekday = first.weekday is not None and not first.readings
    return (
        names_weekday and bool(second.readings) and re.fullmatch(r"[,.]?\s*(?:\(|the |den |el )?", between) is not None
    )


def _is_part_of(clock: ClockMention, days_before: list[DayMention]) -> bool:
    return bool(days_before) and clock.start < days_before[-1].end


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in re.finditer(r"[!?;\n]|(?<!\d)\.(?=\s+[A-ZÄÖÜ]|\s*$)", text):
        yield start, match.end()
        start = match.end()
    yield start, len(text)


def _day(match: re.Match[str]) -> DayMention | None:
    start, end = match.span()
    if relative := match["relative"]:
        return DayMention(start=start, end=end, relative=_RELATIVE[relative.lower()])
    if match["monday"]:
        # "mon" is a French word, so the short form counts only with its capital.
        return DayMention(start=start, end=end, weekday=0) if match["monday"] == "Mon" else None
    if weekday := match["weekday"]:
        number = next(n for n, names in enumerate(_WEEKDAY_PATTERNS) if names.fullmatch(weekday.lower()))
        return DayMention(start=start, end=end, weekday=number)
    if match["iso"]:
        year, month, day = (int(part) for part in match["iso"].split("-"))
        return DayMention(start=start, end=end, year=year, readings=((month, day),))
    if match["slash"] or match["dots"]:
        return _numeric(match)
    month_name = match["month1"] or match["month2"]
    number = int(match["day1"] or match["day2"] or match["day3"] or match["day4"])
    year_text = match["year1"] or match["year2"]
    named = MONTH_NUMBER[month_name.lower()] if month_name else None
    return DayMention(start=start, end=end, year=int(year_text) if year_text else None, readings=((named, number),))


def _numeric(match: re.Match[str]) -> DayMention | None:
    first, second, *rest = re.split(r"[/.]", (match["slash"] or match["dots"]).rstrip("."))
    year = _full_year(rest[0]) if rest else None
    both = ((int(first), int(second)), (int(second), int(first)))
    readings = both[1:] if match["dots"] else both
    valid = tuple(dict.fromkeys((month, day) for month, day in readings if month <= 12))
    return DayMention(start=match.start(), end=match.end(), year=year, readings=valid) if valid else None


def _full_year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _clock(match: re.Match[str]) -> ClockMention | None:
    if match["noon"] or match["midnight"]:
        return ClockMention(start=match.start(), end=match.end(), readings=(time(12 if match["noon"] else 0),))
    if match["half"]:
        hour = int(match["hour1"]) % 12 + (12 if match["half"].lower() == "p" else 0)
        return _at(match, (time(hour, int(match["minute1"] or 0)),))
    if match["hour4"]:
        hour = int(match["hour4"]) % 12
        return _at(match, (time(hour), time(hour + 12)))
    hour = int(match["hour2"] or match["hour3"])
    minute = int(match["minute2"] or match["minute3"] or match["minute3h"] or 0)
    # "2:30" is half past two or half past fourteen; "14:30" and "02:30" are clear.
    exact = hour == 0 or hour >= 12 or match["hour3"] is not None or (match["hour2"] or "").startswith("0")
    return _at(match, (time(hour, minute),) if exact else (time(hour, minute), time(hour + 12, minute)))


def _at(match: re.Match[str], readings: tuple[time, ...]) -> ClockMention:
    return ClockMention(start=match.start(), end=match.end(), readings=readings)


def _next_date(month: int | None, day: int, year: int | None, written: date) -> date | None:
    if year is not None and month is not None:
        return _valid(year, month, day)
    for ahead in range(13):
        index = written.month - 1 + ahead
        candidate_month = index % 12 + 1
        if month is not None and candidate_month != month:
            continue
        candidate = _valid(written.year + index // 12, candidate_month, day)
        if candidate is not None and candidate >= written:
            return candidate
    return None


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
