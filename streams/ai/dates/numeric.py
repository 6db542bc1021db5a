"""Dates written in numbers only: which is the day and which the month depends on the language."""

import re

from streams.ai.dates.engine import Found
from streams.ai.dates.meanings import Day

_CENTURY = 2000


def iso_day(found: Found) -> Day | None:
    """2026-03-10, year first."""
    year, month, day = (int(part) for part in re.findall(r"\d+", found.parser.tokens[found.start].text))
    return Day(((month, day),), year) if 1 <= month <= 12 and 1 <= day <= 31 else None


def numeric_day(found: Found) -> Day | None:
    """10.03.2026, 10/3/26, 10-03-2026."""
    text = found.parser.tokens[found.start].text
    first, second, year = (int(part) for part in re.findall(r"\d+", text))
    return _day(found, first, second, year if year >= _CENTURY else _CENTURY + year, text)


def pair_day(found: Found) -> Day | None:
    """3/4, 3.4. and, behind a word that announces a day, 3.04."""
    text = found.parser.tokens[found.start].text
    first, second = (int(part) for part in re.findall(r"\d+", text))
    is_always = text == "24/7" and not found.has("ON_DAY", found.start - 1)
    if is_always or found.has("UNIT", found.end) or found.has("OF", found.end):
        return None
    if "/" in text or text.endswith("."):
        return None if _is_clock(found) and "." in text else _day(found, first, second, None, text)
    announced = any(found.has(one, found.start - 1) for one in ("ON_DAY", "WEEKDAY", "WEEKDAY_SHORT", ","))
    return _day(found, first, second, None, text) if announced and not _is_clock(found) else None


def _is_clock(found: Found) -> bool:
    behind = ("CLOCK_OCLOCK", "CLOCK_AM", "CLOCK_PM")
    return found.has("CLOCK_AT_DOTTED", found.start - 1) or any(found.has(one, found.end) for one in behind)


def _day(found: Found, first: int, second: int, year: int | None, text: str) -> Day | None:
    day_month, month_day = (second, first), (first, second)
    language = found.parser.language
    if "." in text or (language.day_first and second <= 12):
        both: tuple[tuple[int, int], ...] = (day_month,)
    else:
        both = (month_day, day_month)
    readings = tuple(dict.fromkeys((month, day) for month, day in both if 1 <= month <= 12 and 1 <= day <= 31))
    return Day(readings, year, certainty=0.95 if len(readings) == 1 else 0.4) if readings else None
