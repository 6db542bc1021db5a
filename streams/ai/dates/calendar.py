"""Stretches of days, and where weeks, months, quarters and feasts lie."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta
from typing import Literal

from dateutil.easter import easter
from dateutil.relativedelta import MO, TH, relativedelta

Grain = Literal["day", "week", "month", "quarter", "year"]
DAY = timedelta(days=1)
#: Nobody means a later year, and dates end.
_LAST_YEAR = MAXYEAR - 200
_FRIDAY, _SATURDAY = 4, 5


@dataclass(frozen=True, slots=True)
class Span:
    """From the first day to the last."""

    start: date
    end: date
    grain: Grain


def day_span(day: date) -> Span:
    """That day."""
    return Span(day, day, "day")


def week_span(day: date) -> Span:
    """Monday to Sunday of the week the day is in."""
    monday = day - timedelta(days=day.weekday())
    return Span(monday, monday + 6 * DAY, "week")


def iso_week(year: int, number: int) -> Span | None:
    """The week of that number, None when the year has none."""
    try:
        return week_span(date.fromisocalendar(year, number, 1))
    except ValueError:
        return None


def months_span(year: int, month: int, count: int, grain: Grain) -> Span:
    """So many months from that one on."""
    start = date(year, month, 1)
    return Span(start, start + relativedelta(months=count, days=-1), grain)


def period_ahead(unit: str, ahead: int, written: date) -> Span | None:
    """This week, month, quarter, half, year or weekend (0), the next (1) or the last one (-1)."""
    if unit in ("day", "workday"):
        return day_span(written + ahead * DAY)
    if unit == "week":
        return week_span(written + 7 * ahead * DAY)
    if unit == "weekend":
        saturday = week_span(written + 7 * ahead * DAY).start + 5 * DAY
        return Span(saturday, saturday + DAY, "week")
    months = {"month": 1, "quarter": 3, "half": 6, "half_year": 6, "year": 12}.get(unit)
    if months is None:
        return None
    first = months * ((written.month - 1) // months) + 1
    start = date(written.year, first, 1) + relativedelta(months=months * ahead)
    return months_span(start.year, start.month, months, _GRAINS[months])


_GRAINS: dict[int, Grain] = {1: "month", 3: "quarter", 6: "quarter", 12: "year"}


def next_of(make: Callable[[int], Span | None], written: date) -> Span | None:
    """This year's, unless it is over: then the one of the year after."""
    for year in (written.year - 1, written.year, written.year + 1):
        span = make(year)
        if span is not None and span.end >= written:
            return span
    return None


def next_date(month: int | None, day: int, year: int | None, written: date) -> date | None:
    """The next such day, `written` itself included; None when there is none within a year."""
    if year is not None and month is not None:
        return valid(year, month, day)
    for ahead in range(13):
        index = written.month - 1 + ahead
        candidate_month = index % 12 + 1
        if month is not None and candidate_month != month:
            continue
        candidate = valid(written.year + index // 12, candidate_month, day)
        if candidate is not None and candidate >= written:
            return candidate
    return None


def valid(year: int, month: int, day: int) -> date | None:
    """The date, None when the calendar has none."""
    try:
        return date(year, month, day) if year < _LAST_YEAR else None
    except ValueError:
        return None


def later(day: date, count: float, unit: str) -> date:
    """So many units after the day; before it when the count is negative."""
    if unit == "workday":
        return _workdays_later(day, round(count))
    days = {"day": 1, "week": 7, "fortnight": 14}.get(unit)
    if days is not None:
        return day + timedelta(days=round(count * days))
    months = {"month": 1, "quarter": 3, "half": 6, "half_year": 6, "year": 12}[unit]
    return day + relativedelta(months=round(count * months))


def _workdays_later(day: date, count: int) -> date:
    step = DAY if count >= 0 else -DAY
    weeks, rest = divmod(abs(count), 5)
    day += 7 * weeks * step
    while rest or day.weekday() >= _SATURDAY:
        day += step
        rest -= day.weekday() < _SATURDAY and rest > 0
    return day


def nth_weekday(number: int, weekday: int, span: Span) -> date | None:
    """The first, second … or last (-1) such weekday within the span."""
    if number < 0:
        day = span.end - ((span.end.weekday() - weekday) % 7) * DAY
    else:
        day = span.start + ((weekday - span.start.weekday()) % 7 + 7 * (number - 1)) * DAY
    return day if span.start <= day <= span.end else None


def nth_week(number: int, span: Span) -> Span | None:
    """Its first, second … or last (-1) week: weeks belong to where their Thursday is."""
    thursday = nth_weekday(number, TH.weekday, span)
    if thursday is None:
        return None
    week = week_span(thursday)
    return Span(max(week.start, span.start), week.end, "week")


def part_of(part: str, span: Span) -> Span:
    """Its start, mid, late part or end. The end of a week is its Friday, of anything else its last day."""
    if part == "start":
        return Span(span.start, min(span.end, span.start + _length(span) // 3 * DAY), span.grain)
    if part == "end":
        end = span.start + _FRIDAY * DAY if span.grain == "week" and span.start.weekday() == 0 else span.end
        return Span(end, end, span.grain)
    share = 0.46 if part == "mid" else 0.75 if span.grain == "year" else 0.67
    start = span.start + round(_length(span) * share) * DAY
    return Span(start, span.end if part == "late" else start + _length(span) // 6 * DAY, span.grain)


def _length(span: Span) -> int:
    return (span.end - span.start).days + 1


def holiday(name: str, year: int) -> Span:
    """The days people mean by a feast."""
    easter_day = easter(year)
    september, november = date(year, 9, 1), date(year, 11, 1)
    spans: dict[str, Callable[[], Span]] = {
        "christmas": lambda: Span(date(year, 12, 24), date(year, 12, 26), "week"),
        "new_year": lambda: day_span(date(year, 1, 2) + relativedelta(weekday=MO)),
        "festive": lambda: Span(date(year, 12, 23), date(year + 1, 1, 3), "week"),
        "easter": lambda: Span(easter_day - 2 * DAY, easter_day + DAY, "day"),
        "pentecost": lambda: Span(easter_day + 49 * DAY, easter_day + 50 * DAY, "day"),
        "labor_day": lambda: day_span(september + relativedelta(weekday=MO)),
        "thanksgiving": lambda: Span(_thursday(november), _thursday(november) + DAY, "day"),
        "midsummer": lambda: Span(date(year, 6, 19) + relativedelta(weekday=4), date(year, 6, 26), "day"),
        "epiphany": lambda: day_span(date(year, 1, 6)),
        "ferragosto": lambda: day_span(date(year, 8, 15)),
    }
    return spans[name]()


def _thursday(november: date) -> date:
    return november + relativedelta(weekday=TH(4))


HOLIDAYS = ("christmas", "new_year", "festive", "easter", "pentecost", "labor_day", "thanksgiving", "midsummer",
            "ferragosto", "epiphany")  # fmt: skip
