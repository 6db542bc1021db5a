"""From what a mention means and how it is bound to the first day on which writing again is welcome."""

from dataclasses import dataclass
from datetime import date

from streams.ai.dates.calendar import DAY, Grain, Span
from streams.ai.dates.meanings import Between, Day, Holiday, Meaning, Part, Unknown, problem

#: Who wants something before a period begins is written to a week earlier.
_EARLIER = 7 * DAY


@dataclass(frozen=True, slots=True)
class FirstDay:
    """A day, or why there is none."""

    day: date | None
    grain: Grain = "day"
    certainty: float = 0.0
    why_not: str = ""


def first_day(meaning: Meaning, relation: str, written: date) -> FirstDay:
    """The first welcome day after the day of writing."""
    spans = meaning.spans(written)
    if len(spans) != 1 or isinstance(meaning, Unknown):
        return FirstDay(None, why_not=problem(meaning, written) or "it names no day")
    span = spans[0]
    day = _bound(meaning, span, relation)
    if day <= written:
        return FirstDay(None, why_not="it is past, or has begun")
    certainty = min(meaning.certainty, 0.7) if relation == "before" else meaning.certainty
    return FirstDay(day, _grain(meaning, span), certainty)


def _bound(meaning: Meaning, span: Span, relation: str) -> date:
    if isinstance(meaning, Holiday) and meaning.name == "new_year":
        return span.start
    if relation in ("after", "through"):
        return span.end + DAY
    if relation == "until":
        ends = span.grain == "day" or isinstance(meaning, Holiday | Between) or _is_end(meaning)
        return span.end + DAY if ends else span.start
    if relation == "before":
        return span.start - (DAY if span.start == span.end else _EARLIER)
    return span.start


def _is_end(meaning: Meaning) -> bool:
    return isinstance(meaning, Part) and meaning.part == "end"


def _grain(meaning: Meaning, span: Span) -> Grain:
    """A date within a range is no exact one."""
    return "week" if isinstance(meaning, Between) and isinstance(meaning.first, Day) else span.grain
