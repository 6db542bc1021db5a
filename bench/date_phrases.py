"""Makes phrases with dates from the words of each language, with the day they mean, worked out by the calendar alone.

What a kind of phrase is said like stands in the table `say` of the language's file. In it `{d}` is a day, `{m}` a month
by its number, `{M}` by its name, `{W}` a weekday, `{w}` the weekday of the date, `{y}` a year, `{n}` a number, `{q}` a
quarter, `{k}` a week, `{N}` first to fourth, `{c}` a time of day; `{M:1}` is the second of the spellings.
"""

import calendar
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

from dateutil.relativedelta import MO, relativedelta

from streams.ai.dates.languages import Language

#: What a phrase without a year may lie ahead: beyond, it could as well be past.
_AHEAD = 300
_FINNISH = (
    "tammikuu", "helmikuu", "maaliskuu", "huhtikuu", "toukokuu", "kesäkuu", "heinäkuu", "elokuu", "syyskuu", "lokakuu",
    "marraskuu", "joulukuu",
)  # fmt: skip
_FINNISH_DAYS = ("maanantai", "tiistai", "keskiviikko", "torstai", "perjantai", "lauantai", "sunnuntai")


class Said(NamedTuple):
    """A phrase and what it means."""

    language: str
    kind: str
    text: str
    #: The first and the last day that are right.
    first: date
    last: date
    clock: str | None = None


def said(language: Language, kind: str, written: date, chance: Random) -> Iterator[Said]:
    """All ways in which a language says one thing of a kind, chosen by chance."""
    first, last, values = _KINDS[kind](written, chance)
    clock = values.pop("clock", None)
    for template in language.say.get(kind, ()):
        text = template.format_map(_Slots(language, values, chance))
        yield Said(language.code, kind, text, first, last, clock)


_Meant = tuple[date, date, dict[str, Any]]


def _date(written: date, chance: Random) -> date:
    return written + timedelta(days=chance.randint(1, _AHEAD))


def _exact(written: date, chance: Random) -> _Meant:
    day = _date(written, chance)
    return day, day, {"day": day}


def _with_year(written: date, chance: Random) -> _Meant:
    day = written + timedelta(days=chance.randint(1, 730))
    return day, day, {"day": day}


def _day_after(written: date, chance: Random) -> _Meant:
    day = _date(written, chance)
    return day + timedelta(days=1), day + timedelta(days=1), {"day": day}


def _tomorrow(written: date, _chance: Random) -> _Meant:
    day = written + timedelta(days=1)
    return day, day, {}


def _weekday(written: date, chance: Random) -> _Meant:
    day = written + timedelta(days=chance.randint(1, 7))
    return day, day, {"weekday": day.weekday()}


def _in_units(unit: str, most: int) -> "Callable[[date, Random], _Meant]":
    def meant(written: date, chance: Random) -> _Meant:
        count = chance.randint(2, most)
        day = written + relativedelta(**{unit: count})  # type: ignore[arg-type]
        return day, day, {"count": count}

    return meant


def _next_monday(written: date) -> date:
    return written + relativedelta(days=1, weekday=MO)


def _next_week(written: date, _chance: Random) -> _Meant:
    return _next_monday(written), _next_monday(written), {}


def _next_month(written: date, _chance: Random) -> _Meant:
    day = written + relativedelta(months=1, day=1)
    return day, day, {}


def _weekday_next_week(written: date, chance: Random) -> _Meant:
    day = _next_monday(written) + timedelta(days=chance.randint(0, 6))
    return day, day, {"weekday": day.weekday()}


def _in_month(first: int, last: int) -> "Callable[[date, Random], _Meant]":
    """From that day of a coming month to that; -1 is its last."""

    def meant(written: date, chance: Random) -> _Meant:
        month = written + relativedelta(months=chance.randint(1, 10), day=1)
        end = month + relativedelta(day=31)
        day = end if first < 0 else month.replace(day=first)
        return day, end if last < 0 else month.replace(day=last), {"day": month}

    return meant


def _quarter(written: date, chance: Random) -> _Meant:
    start = written + relativedelta(months=chance.randint(3, 15), day=1)
    start = start.replace(month=3 * ((start.month - 1) // 3) + 1)
    start = start if start > written else start + relativedelta(months=3)
    return start, start, {"day": start, "quarter": (start.month + 2) // 3}


def _after_quarter(written: date, chance: Random) -> _Meant:
    start, _, values = _quarter(written, chance)
    day = start + relativedelta(months=3)
    return day, day, values


def _week_number(written: date, chance: Random) -> _Meant:
    monday = _next_monday(written) + timedelta(weeks=chance.randint(0, 45))
    return monday, monday, {"week": monday.isocalendar().week}


def _nth_weekday(written: date, chance: Random) -> _Meant:
    month = written + relativedelta(months=chance.randint(1, 10), day=1)
    weekday, number = chance.randint(0, 6), chance.randint(1, 4)
    day = [one for one in _days_of(month) if one.weekday() == weekday][number - 1]
    return day, day, {"day": month, "weekday": weekday, "nth": number}


def _days_of(month: date) -> list[date]:
    return [month.replace(day=number) for number in range(1, calendar.monthrange(month.year, month.month)[1] + 1)]


def _with_clock(written: date, chance: Random) -> _Meant:
    day = _date(written, chance)
    clock = f"{chance.randint(8, 17)}:{chance.choice(('00', '15', '30', '45'))}"
    return day, day, {"day": day, "clock": clock.rjust(5, "0"), "said_clock": clock}


_KINDS: Mapping[str, Callable[[date, Random], _Meant]] = {
    "tomorrow": _tomorrow,
    "weekday": _weekday,
    "date": _exact,
    "date_year": _with_year,
    "weekday_date": _exact,
    "after_date": _day_after,
    "until_date": _day_after,
    "not_before_date": _exact,
    "in_days": _in_units("days", 90),
    "in_weeks": _in_units("weeks", 12),
    "in_months": _in_units("months", 12),
    "next_week": _next_week,
    "next_month": _next_month,
    "weekday_next_week": _weekday_next_week,
    "month": _in_month(1, 1),
    "start_of_month": _in_month(1, 1),
    "mid_of_month": _in_month(10, 17),
    "end_of_month": _in_month(-1, -1),
    "quarter": _quarter,
    "after_quarter": _after_quarter,
    "week_number": _week_number,
    "nth_weekday": _nth_weekday,
    "date_clock": _with_clock,
}
KINDS = tuple(_KINDS)


class _Slots(dict[str, Any]):
    """Fills the places of a template from the words of a language."""

    def __init__(self, language: Language, values: dict[str, Any], chance: Random) -> None:
        super().__init__()
        self._spelled, self._values, self._chance = language.spelled, values, chance

    def __missing__(self, name: str) -> "_Spellings":
        day: date = self._values.get("day", date.min)
        simple = {"d": day.day, "m": day.month, "y": day.year, "iso": day.isoformat()}
        simple |= {"q": self._values.get("quarter"), "k": self._values.get("week"), "c": self._values.get("said_clock")}
        simple |= {"th": {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10 * (day.day // 10 != 1), "th")}
        if name in simple:
            return _Spellings((str(simple[name]),))
        if name == "n":
            return _Spellings((self._count(self._values["count"]),))
        if name[0] in "Ww" and name[1:] == "na":
            return _Spellings((_FINNISH_DAYS[self._weekday(name, day)] + "na",))
        if name[0] == "M" and len(name) > 1:
            return _Spellings((_FINNISH[day.month - 1] + name[1:],))
        category, meaning = {
            "M": ("MONTH", day.month),
            "W": ("WEEKDAY", self._weekday(name, day)),
            "w": ("WEEKDAY", self._weekday(name, day)),
            "N": ("ORDINAL", self._values.get("nth")),
            "Nq": ("ORDINAL", self._values.get("quarter")),
        }[name]
        return _Spellings(self._spelled[category][meaning])

    def _weekday(self, name: str, day: date) -> int:
        """A small letter is the weekday of the date, a capital one that stands alone."""
        return day.weekday() if name[0] == "w" else int(self._values.get("weekday", 0))

    def _count(self, count: int) -> str:
        words = self._spelled["NUMBER"].get(count)
        return self._chance.choice(words) if words and self._chance.random() < 0.5 else str(count)


class _Spellings(tuple[str, ...]):
    """What `{M}` and `{M:1}` pick from."""

    __slots__ = ()

    def __format__(self, number: str) -> str:
        return self[int(number or 0)]
