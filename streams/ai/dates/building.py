"""What the rules of days and periods make of the words they found. What gives None did not fit."""

from typing import Any

from streams.ai.dates.engine import Builder, Found
from streams.ai.dates.meanings import (
    Ahead,
    Anaphor,
    Between,
    Day,
    DayOf,
    DaysAhead,
    Meaning,
    Months,
    Offset,
    Part,
    Unknown,
    Week,
    Weekday,
    Year,
)

#: Nobody counts further.
_MOST_COUNTED = 400
#: A shorter name of a month may be a name or another word, unless something says when.
_SHORT = 3
#: What says that a time follows.
_SURELY_BEFORE_PERIOD = ("ON", "REL", "PART", "OF", "WHICH", "BETWEEN")
_BEFORE_PERIOD = ("ON", "REL", "PART", "OF", "WHICH", "BETWEEN", "TO", "IN", "THE", "ORDINAL", "COUNTED_FROM", "WEEKS")


def day_number(found: Found) -> tuple[int, bool] | None:
    """The day of a month, and whether it is written as one: 4th, fourth, 4. but not 4."""
    number = found["ordinal"] or found["n"]
    has_suffix = found["suffix"] is not None and is_glued(found, found.end - 1)
    if not 1 <= number <= 31 or (found["suffix"] is not None and not has_suffix):
        return None
    return number, found["ordinal"] is not None or has_suffix


def is_glued(found: Found, place: int) -> bool:
    return found.parser.tokens[place].glued


def date(found: Found) -> Meaning | None:
    number, _ = found["day"]
    if found["year"] is None and _counts_on(found):
        return None
    year, ahead = found["year"] or (None, None)
    return Day(((found["month"], number),), year, ahead)


def _counts_on(found: Found) -> bool:
    """What follows makes a number behind a month an hour: March 4pm."""
    place = found.end
    is_number = found.parser.tokens[place - 1].kind == "number"
    return is_number and any(found.has(one, place) for one in ("CLOCK_AM", "CLOCK_PM", "CLOCK_OCLOCK", ":"))


_NOT_BEHIND_A_DAY = (
    "CLOCK_AM", "CLOCK_PM", "CLOCK_OCLOCK", "CLOCK_COUNTED", "UNIT", "%", ":", "DIGITS", "-", "NUMBER", "/",
)  # fmt: skip


def bare_date(found: Found) -> Meaning | None:
    """The 18th, le 18, am 18.: a day of the coming month."""
    number, is_written = found["day"]
    if any(found.has(one, found.end) for one in _NOT_BEHIND_A_DAY):
        return None
    if found.parser.tokens[found.end - 1].kind == "word" and not is_glued(found, found.end - 1):
        return None  # "the second" is seldom a day
    return Day(((None, number),), certainty=0.93 if is_written else 0.85)


def with_weekday(found: Found) -> Meaning | None:
    meaning = found["date"]
    if isinstance(meaning, Day):
        return Day(meaning.readings, meaning.year, meaning.years_ahead, found["weekday"], meaning.certainty)
    if isinstance(meaning, DayOf):
        return DayOf(meaning.day, meaning.period, found["weekday"])
    return None


def weekday(found: Found) -> Meaning | None:
    which = found["which"] if found["which"] is not None else found["behind"]
    return Weekday(found["weekday"], which)


def short_weekday(found: Found) -> Meaning | None:
    """Mon at 4, Sat or Sun: a short form alone may be any word."""
    beside = ("DIGITS", "CLOCK", "CLOCK_AT", "CLOCK_NOON", "PAIR")
    starts_capital = found.parser.text[found.parser.tokens[found.start].start].isupper()
    return Weekday(found["weekday"]) if starts_capital and any(found.has(one, found.end) for one in beside) else None


def month(found: Found) -> Meaning | None:
    year, ahead = found["year"] or (None, None)
    which = found["which"] if found["which"] is not None else found["behind"]
    if year is None and ahead is None and which is None and not _is_surely_month(found):
        return None
    return Months(found["month"], 1, year, ahead, which)


def _is_surely_month(found: Found) -> bool:
    token = found.parser.tokens[found.start]
    weak = token.text in found.parser.language.weak
    if not weak and len(token.text) > _SHORT:
        return True
    if not weak or not found.parser.language.has_capital_months or found.parser.text[token.start].isupper():
        return _announced(found)
    return _place_before(found) in found.parser.ends_of(_SURELY_BEFORE_PERIOD)


def _announced(found: Found) -> bool:
    """Whether a word such as `in` or `until` stands before, with a hyphen at most between."""
    return _place_before(found) in found.parser.ends_of(_BEFORE_PERIOD)


def _place_before(found: Found) -> int:
    return found.start - 1 if found.has("-", found.start - 1) else found.start


def season(found: Found) -> Meaning | None:
    is_bound = _announced(found) or found.has("REL_BEHIND", found.end)
    if found["year"] is None and found["which"] is None and not is_bound:
        return None
    year, ahead = found["year"] or (None, None)
    return Months(found["season"], 3, year, ahead, found["which"] or None, certainty=0.75)


def numbered(first: int, count: int, most: int) -> Builder:
    """A quarter or a half by its number."""

    def build(found: Found) -> Meaning | None:
        number = found["n"] if found["n"] is not None else found["ordinal"]
        if number == -1:
            number = most
        if number is None or not 1 <= number <= most:
            return None
        if found["letter"] is not None and not _is_own_word(found):
            return None
        year, ahead = found["year"] or (None, None)
        if found["fiscal"] or year == _FISCAL:
            return Unknown("nobody but the lead knows its fiscal year")
        return Months(first + (number - 1) * count, count, year, ahead, certainty=0.97)

    return build


def _is_own_word(found: Found) -> bool:
    """Q3 and Q 3, but no q of a longer word and no number that counts on."""
    return not found.has("%", found.end) and not found.has("CLOCK_COUNTED", found.end)


_FISCAL = -1


def count(found: Found) -> tuple[float, float] | None:
    least = found["least"]
    most = found["most"] if found["most"] is not None else least
    return (least, most) if 0 < least <= most <= _MOST_COUNTED else None


def offset(sign: int) -> Builder:
    def build(found: Found) -> Meaning | None:
        least, most = found["count"] or (1, 1)
        if found["count"] is None and not _is_one(found):
            return None
        base = found["base"]
        certainty = 0.9 if least == most else 0.8
        if sign < 0:
            return Offset(-most, -least, found["unit"], base, certainty=certainty)
        return Offset(least, most, found["unit"], base, from_end=base is not None, certainty=certainty)

    return build


def whole_text(found: Found) -> Meaning | None:
    """ "6-8 weeks", where that is the whole answer."""
    rest = found.parser.tokens[found.end :]
    is_alone = found.start == 0 and all(token.kind != "word" for token in rest)
    return offset(1)(found) if is_alone and not any(token.kind == "number" for token in rest) else None


def anaphor(sign: int) -> Builder:
    def build(found: Found) -> Meaning | None:
        if found["count"] is None and found["unit"] not in ("half_year", "fortnight"):
            return None
        least, most = found["count"] or (1, 1)
        return Anaphor(*((least, most) if sign > 0 else (-most, -least)), found["unit"])

    return build


def _is_one(found: Found) -> bool:
    return found["unit"] in ("half_year", "fortnight") or found.parser.language.has_implicit_one


def part(found: Found) -> Meaning | None:
    period = found["period"]
    return Part(found["part"], period) if not isinstance(period, Unknown) else period


def this_unit(found: Found) -> Meaning | None:
    return Ahead(found["unit"], 0)


def half_of(found: Found) -> Meaning | None:
    return Part("start" if found["n"] == 1 else "late", found["period"])


def nth(found: Found) -> int | None:
    return -1 if found["last"] else (found["ordinal"] or (found["n"] if found["n"] and found["n"] <= 5 else None))


def month_range(found: Found) -> Meaning | None:
    (first, _), (last, _) = found["first"], found["last"]
    year, ahead = found["year"] or (None, None)
    month = found["month"]
    if first >= last:
        return None
    return Between(Day(((month, first),), year, ahead), Day(((month, last),), year, ahead))


def between(found: Found) -> Meaning | None:
    return Between(found["first"], found["last"])


def year(found: Found) -> tuple[int | None, int | None]:
    if found["fiscal"]:
        return _FISCAL, None
    return (found["year"], None) if found["year"] is not None else (None, found["which"])


def short_year(found: Found) -> tuple[int | None, int | None] | None:
    """Q3'27."""
    short = found["short"]
    return (2000 + short, None) if 20 <= short <= 99 and is_glued(found, found.end - 1) else None


def year_alone(found: Found) -> Meaning | None:
    return Year(found["year"]) if _announced(found) else None


def week_number(found: Found) -> Meaning | None:
    """KW 3, week 3: up to 53, and not how many weeks something took."""
    number = found["n"]
    year = found["year"][0] if found["year"] else None
    if not 1 <= number <= 53 or found.has("CLOCK_COUNTED", found.end):
        return None
    first = found.parser.tokens[found.start]
    if len(first.text) == 1 and not (is_glued(found, found.start + 1) or found.has(".", found.start + 1)):
        return None
    return Week(number, year if year and year > 0 else None)


def value(name: str) -> Builder:
    def build(found: Found) -> Any:
        return found[name]

    return build


def is_and(found: Found) -> bool:
    return any(found.has("AND", place) for place in range(found.start, found.end))


def relative(found: Found) -> Meaning | None:
    """Tomorrow, unless the word is part of another: guten Morgen, por la mañana."""
    return None if found.end in found.parser.ends_of(("NO_DAY",)) else DaysAhead(found["n"])


def or_so_many(found: Found) -> Meaning | None:
    """A week or two: the later, unless the number counts something else."""
    least, most = found["count"][0], found["most"]
    counts_else = any(found.has(one, found.end) for one in ("UNIT", "MONTH", "CLOCK_PM"))
    is_count = least < most <= _MOST_COUNTED and not counts_else
    return Offset(most, most, found["unit"], certainty=0.8) if is_count else None
