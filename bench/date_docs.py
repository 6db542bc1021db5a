"""`python -m bench.date_docs`: writes the tables of docs/dates.md anew, from the words and by the grammar."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

from bench.date_phrases import KINDS, said
from streams.ai.dates.languages import Language, languages
from streams.ai.follow_up_timing import explained_timing

PAGE = Path(__file__).parents[1] / "docs" / "dates.md"
_BEGINS, _ENDS = "<!-- {} -->\n", "<!-- end of {} -->\n"
_WRITTEN = date(2026, 11, 30)
#: By kind, in English unless only another language says it so.
_EXAMPLES = (
    ("a date", ("the 4th of January", "15-Jan-2027", "1/15", "am 3.2.", "the 15th of next month")),
    ("a weekday", ("Tuesday", "Tuesday next week", "a week on Tuesday", "Friday week", "two Mondays from now")),
    ("the nth of a period", ("the third Friday of next month", "second week of January", "last week in January")),
    ("an offset", ("in ten days", "in a fortnight", "half a year from now", "in 10 business days", "6-8 weeks")),
    ("an offset from a day", ("two weeks after January 4", "contract ends 31 August, write two months before")),
    ("a period", ("next quarter", "3Q27", "second half of 2027", "KW 3", "week of January 11", "after the summer")),
    ("a part of it", ("early February", "mid-January", "late 2027", "end of Q1", "Ende nächster Woche")),
    ("how it is bound", ("after Q1", "until 4 January", "not before March", "before Friday", "between 11 and 15 July")),
    ("a role", ("Our contract ends on 31 August, reach out in June", "We're closed from 21 December to 4 January")),
    ("what does not suit", ("Not in January, February is better", "January is bad, try February")),
    ("ambiguous", ("4/3", "next Friday")),
    ("impossible", ("Monday 5th", "30 February")),
    ("known to the lead only", ("Q1 FY27", "the new fiscal year")),
    ("no date", ("we may march on", "24/7", "$3/4", "the second option")),
)  # fmt: skip


def page(text: str) -> str:
    """The page with its tables made anew."""
    for name, lines in (("kinds", _kinds()), ("languages", _languages())):
        begins, ends = _BEGINS.format(name), _ENDS.format(name)
        before, _, rest = text.partition(begins)
        _, _, after = rest.partition(ends)
        text = before + begins + "".join(f"{line}\n" for line in lines) + ends + after
    return text


def _kinds() -> Iterator[str]:
    yield "| kind | said on Monday 30 November 2026 | write again |"
    yield "|---|---|---|"
    for kind, phrases in _EXAMPLES:
        for phrase in phrases:
            yield f"| {kind} | {phrase} | {_read(phrase)} |"


def _read(phrase: str) -> str:
    read = explained_timing(phrase, datetime(2026, 11, 30, 10, tzinfo=UTC), is_deferral=True)
    if read.timing.day is not None:
        return f"{read.timing.day:%a %-d %B %Y}, confidence {read.timing.confidence}"
    return f"asked about: {read.why.partition('; no day: ')[2] or 'no date'}"


def _languages() -> Iterator[str]:
    for language in languages():
        yield f"\n### {language.name}\n"
        yield "| kind | said like | |"
        yield "|---|---|---|"
        for kind in KINDS:
            yield _row(language, kind)


def _row(language: Language, kind: str) -> str:
    found = list(said(language, kind, _WRITTEN, Random(f"{language.code} {kind}")))  # noqa: S311
    first = found[0]
    day = f"{first.first:%-d %b %Y}" if first.first == first.last else f"{first.first:%-d} to {first.last:%-d %b %Y}"
    phrases = " · ".join(one.text for one in found)
    return f"| {kind.replace('_', ' ')} | {phrases} | {day}{' ' + first.clock if first.clock else ''} |"


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
