"""What phrases mean, whatever the language: each says which days it names to somebody who writes on a given day.

`spans(written)` gives the readings: one where the phrase is clear, two or more where it is ambiguous, none where there
is no such day; `problem` then says why in words.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from streams.ai.dates import calendar
from streams.ai.dates.calendar import DAY, Span, day_span, week_span

#: A date without a year that far ahead was more likely meant as past.
FAR_AHEAD = 330 * DAY


class Meaning(Protocol):
    """Days that are named."""

    @property
    def certainty(self) -> float:
        """How sure the reading is where it gives one day, 0 to 1."""

    @property
    def is_day(self) -> bool:
        """Whether one exact day is meant, not a stretch of them."""

    def spans(self, written: date) -> tuple[Span, ...]:
        """The readings."""


def problem(meaning: Meaning, written: date) -> str | None:
    """Why the phrase names no one day; None when it does."""
    found = meaning.spans(written)
    if len(found) == 1:
        return None
    if len(found) > 1:
        return "ambiguous: " + " or ".join(span.start.isoformat() for span in found)
    if isinstance(meaning, Day) and meaning.dates(written):
        return "weekday and date don't agree"
    return meaning.reason if isinstance(meaning, Unknown) else "the calendar has no such day"


@dataclass(frozen=True, slots=True)
class Day:
    """A date; what was left open is None, and two readings are two ways to read 3/4."""

    readings: tuple[tuple[int | None, int], ...]
    year: int | None = None
    years_ahead: int | None = None
    weekday: int | None = None
    certainty: float = 0.95
    is_day: bool = True

    def dates(self, written: date) -> tuple[date, ...]:
        """The next days that fit, the weekday left out of account."""
        year = self.year if self.years_ahead is None else written.year + self.years_ahead
        found = (calendar.next_date(month, day, year, written) for month, day in self.readings)
        return tuple(dict.fromkeys(day for day in found if day is not None))

    def spans(self, written: date) -> tuple[Span, ...]:
        agreeing = (day for day in self.dates(written) if self.weekday in (None, day.weekday()))
        return tuple(day_span(day) for day in agreeing)


@dataclass(frozen=True, slots=True)
class Weekday:
    """A weekday: the coming one, this week's (0), next week's (1) or the last (-1)."""

    weekday: int
    which: int | None = None
    is_day: bool = True

    @property
    def certainty(self) -> float:
        return 0.9

    def spans(self, written: date) -> tuple[Span, ...]:
        coming = written + ((self.weekday - written.weekday() - 1) % 7 + 1) * DAY
        if self.which == -1:
            return (day_span(coming - 7 * DAY),)
        if self.which not in (1, 2):
            return (day_span(coming),)
        if self.which == 2:
            return (day_span(week_span(written).start + (14 + self.weekday) * DAY),)
        next_weeks = week_span(written).start + (7 + self.weekday) * DAY
        return tuple(day_span(day) for day in dict.fromkeys((coming, next_weeks)))


@dataclass(frozen=True, slots=True)
class WithinWeek:
    """A weekday of a week: Tuesday next week."""

    weekday: int
    week: Meaning
    certainty: float = 0.93
    is_day: bool = True

    def spans(self, written: date) -> tuple[Span, ...]:
        return tuple(day_span(week_span(span.start).start + self.weekday * DAY) for span in self.week.spans(written))


@dataclass(frozen=True, slots=True)
class WeekdayBeside:
    """The Monday after Easter, the Friday before Christmas."""

    weekday: int
    base: Meaning
    is_before: bool
    certainty: float = 0.85
    is_day: bool = True

    def spans(self, written: date) -> tuple[Span, ...]:
        return tuple(day_span(self._beside(span)) for span in self.base.spans(written))

    def _beside(self, span: Span) -> date:
        if self.is_before:
            return span.start - ((span.start.weekday() - self.weekday - 1) % 7 + 1) * DAY
        return span.end + ((self.weekday - span.end.weekday() - 1) % 7 + 1) * DAY


@dataclass(frozen=True, slots=True)
class DaysAhead:
    """Today, tomorrow and their like."""

    days: int
    certainty: float = 0.95
    is_day: bool = True

    def spans(self, written: date) -> tuple[Span, ...]:
        return (day_span(written + self.days * DAY),)


@dataclass(frozen=True, slots=True)
class Offset:
    """So many units after (or before, when negative) a day; from the day of writing without a base."""

    least: float
    most: float
    unit: str
    base: Meaning | None = None
    from_end: bool = False
    certainty: float = 0.9

    @property
    def is_day(self) -> bool:
        return self.base is not None and self.base.is_day

    def spans(self, written: date) -> tuple[Span, ...]:
        bases = (day_span(written),) if self.base is None else self.base.spans(written)
        grain = _OFFSET_GRAINS.get(self.unit, "month")
        exact = self.base is not None and self.base.is_day and grain != "month"
        first = (
            (
                calendar.later(span.end if self.from_end else span.start, self.least, self.unit),
                calendar.later(span.end if self.from_end else span.start, self.most, self.unit),
            )
            for span in bases
        )
        return tuple(Span(start, max(start, end), "day" if exact else grain) for start, end in first)


_OFFSET_GRAINS: dict[str, calendar.Grain] = {"day": "day", "workday": "day", "week": "week", "fortnight": "week"}


@dataclass(frozen=True, slots=True)
class Ahead:
    """This week, next month, the last quarter."""

    unit: str
    ahead: int
    certainty: float = 0.9
    is_day: bool = False

    def spans(self, written: date) -> tuple[Span, ...]:
        span = calendar.period_ahead(self.unit, self.ahead, written)
        return (span,) if span else ()


@dataclass(frozen=True, slots=True)
class Months:
    """Months of a year that come again each year: March, Q1, the first half, the summer."""

    first: int
    count: int
    year: int | None = None
    years_ahead: int | None = None
    #: "Next March": the coming one, or that of next year.
    which: int | None = None
    certainty: float = 0.95
    is_day: bool = False

    def spans(self, written: date) -> tuple[Span, ...]:
        if self.year is not None or self.years_ahead is not None:
            year = self.year if self.year is not None else written.year + (self.years_ahead or 0)
            return (self._of(year),)
        coming = calendar.next_of(self._of, written)
        if coming is None:
            return ()
        if self.which == -1:
            return (self._of(coming.start.year - 1),)
        if self.which == 1 and coming.start.year == written.year:
            return (coming, self._of(coming.start.year + 1))
        return (coming,)

    def _of(self, year: int) -> Span:
        return calendar.months_span(year, self.first, self.count, "month" if self.count == 1 else "quarter")


@dataclass(frozen=True, slots=True)
class Year:
    """A year by its number."""

    year: int
    certainty: float = 0.85
    is_day: bool = False

    def spans(self, written: date) -> tuple[Span, ...]:  # noqa: ARG002 - it is the same for everybody
        return (calendar.months_span(self.year, 1, 12, "year"),)


@dataclass(frozen=True, slots=True)
class Week:
    """A week by its number (ISO 8601)."""

    number: int
    year: int | None = None
    certainty: float = 0.9
    is_day: bool = False

    def spans(self, written: date) -> tuple[Span, ...]:
        if self.year is not None:
            span = calendar.iso_week(self.year, self.number)
        else:
            span = calendar.next_of(lambda year: calendar.iso_week(year, self.number), written)
        return (span,) if span else ()


@dataclass(frozen=True, slots=True)
class Holiday:
    """A feast, with the days around it that people mean."""

    name: str
    year: int | None = None
    certainty: float = 0.8
    is_day: bool = False

    def spans(self, written: date) -> tuple[Span, ...]:
        if self.year is not None:
            return (calendar.holiday(self.name, self.year),)
        span = calendar.next_of(lambda year: calendar.holiday(self.name, year), written)
        return (span,) if span else ()


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """The third Friday of next month; -1 is the last."""

    number: int
    weekday: int
    period: Meaning
    certainty: float = 0.93
    is_day: bool = True

    def spans(self, written: date) -> tuple[Span, ...]:
        found = (calendar.nth_weekday(self.number, self.weekday, span) for span in self.period.spans(written))
        return tuple(day_span(day) for day in found if day is not None)


@dataclass(frozen=True, slots=True)
class NthWeek:
    """The second week of March."""

    number: int
    period: Meaning
    certainty: float = 0.85
    is_day: bool = False

    def spans(self, written: date) -> tuple[Span, ...]:
        found = (calendar.nth_week(self.number, span) for span in self.period.spans(written))
        return tuple(span for span in found if span is not None)


@dataclass(frozen=True, slots=True)
class DayOf:
    """The 15th of next month."""

    day: int
    period: Meaning
    weekday: int | None = None
    certainty: float = 0.95
    is_day: bool = True

    def spans(self, written: date) -> tuple[Span, ...]:
        found = (calendar.valid(span.start.year, span.start.month, self.day) for span in self.period.spans(written))
        return tuple(day_span(day) for day in found if day is not None and self.weekday in (None, day.weekday()))


@dataclass(frozen=True, slots=True)
class Part:
    """The start, middle, late part or end of a period."""

    part: str
    period: Meaning
    certainty: float = 0.85
    is_day: bool = False

    def spans(self, written: date) -> tuple[Span, ...]:
        found = tuple(calendar.part_of(self.part, span) for span in self.period.spans(written))
        # The end of January is still ahead in January; of what begins the year, the next beginning is meant.
        if isinstance(self.period, Months) and len(found) == 1 and found[0].end < written and not self.is_fixed:
            later = replace(self.period, years_ahead=1)
            return tuple(calendar.part_of(self.part, span) for span in later.spans(written))
        if isinstance(self.period, Ahead) and self.period.ahead == 0 and len(found) == 1 and found[0].end < written:
            return Part(self.part, replace(self.period, ahead=1)).spans(written)
        return found

    @property
    def is_fixed(self) -> bool:
        """Whether the period names its year."""
        period = self.period
        return not isinstance(period, Months) or period.year is not None or period.years_ahead is not None


@dataclass(frozen=True, slots=True)
class WeekOf:
    """The week a day is in (0), or the one after it (1)."""

    day: Meaning
    ahead: int = 0
    certainty: float = 0.9
    is_day: bool = False

    def spans(self, written: date) -> tuple[Span, ...]:
        bases = self.day.spans(written)
        return tuple(week_span((span.end if self.ahead else span.start) + 7 * self.ahead * DAY) for span in bases)


@dataclass(frozen=True, slots=True)
class Between:
    """From one to the other, both included."""

    first: Meaning
    last: Meaning
    certainty: float = 0.85
    is_day: bool = False

    def spans(self, written: date) -> tuple[Span, ...]:
        starts = self.first.spans(written)
        if len(starts) != 1:
            return starts
        ends = [span for span in self.last.spans(starts[0].start) if span.end >= starts[0].start]
        return (Span(starts[0].start, ends[0].end, starts[0].grain),) if len(ends) == 1 else ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """What only the lead knows, such as when its fiscal year begins."""

    reason: str
    certainty: float = 0.0
    is_day: bool = False

    def spans(self, written: date) -> tuple[Span, ...]:  # noqa: ARG002 - nobody can tell
        return ()


@dataclass(frozen=True, slots=True)
class Anaphor:
    """Two months before, the week after: counted from a day that was named earlier."""

    least: float
    most: float
    unit: str
    certainty: float = 0.85
    is_day: bool = False

    def spans(self, written: date) -> tuple[Span, ...]:  # noqa: ARG002 - it depends on what was named
        return ()

    def after(self, base: Meaning) -> Meaning:
        """The meaning, once it is known from where to count."""
        if self.unit == "week" and self.least == 0:
            return WeekOf(base, 1)
        return Offset(self.least, self.most, self.unit, base, from_end=self.least > 0, certainty=self.certainty)
