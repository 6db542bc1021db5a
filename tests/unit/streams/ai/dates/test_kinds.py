"""Each kind of phrase, read on Monday 30 November 2026 in New York."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from streams.ai.dates.mentions import READ_LIMIT, read_text
from streams.ai.follow_up_timing import explained_timing

WRITTEN = datetime(2026, 11, 30, 10, tzinfo=ZoneInfo("America/New_York"))
#: The day, or why there is none.
KINDS = (
    # Dates
    ("the 4th of January", "2027-01-04"),
    ("15-Jan-2027", "2027-01-15"),
    ("3.2. passt gut", "2027-02-03"),
    ("le 5/2 s'il vous plaît", "2027-02-05"),
    ("the twenty-first of January", "2027-01-21"),
    ("the 15th of next month", "2026-12-15"),
    ("the 15th or 16th of January", "2027-01-15"),
    ("2027-01-05T15:00", "2027-01-05"),
    # Weekdays
    ("a week on Tuesday", "2026-12-08"),
    ("Friday week", "2026-12-11"),
    ("Thursday fortnight", "2026-12-17"),
    ("two Mondays from now", "2026-12-14"),
    ("Monday or Tuesday next week", "2026-12-07"),
    ("the third Friday of next month", "2026-12-18"),
    ("the last Thursday in January", "2027-01-28"),
    ("the Monday after Easter", "2027-04-05"),
    ("the Friday before Christmas", "2026-12-18"),
    ("in the last week of the year", "2026-12-28"),
    ("the second Friday of the quarter", None),
    # Offsets
    ("two days before Christmas", "2026-12-22"),
    ("in a month or two", "2027-01-30"),
    ("in ten days", "2026-12-10"),
    ("in a fortnight", "2026-12-14"),
    ("half a year from now", "2027-05-30"),
    ("in 10 business days", "2026-12-14"),
    ("6-8 weeks", "2027-01-11"),
    ("two weeks after January 4", "2027-01-18"),
    ("za miesiąc", "2026-12-30"),
    # Periods and their parts
    ("end of Q1", "2027-03-31"),
    ("after Q1", "2027-04-01"),
    ("3Q27", "2027-07-01"),
    ("second half of 2027", "2027-07-01"),
    ("after the summer", "2027-09-01"),
    ("the second week of January", "2027-01-11"),
    ("KW 50/2026", "2026-12-07"),
    ("the week after next", "2026-12-14"),
    ("week of January 11", "2027-01-11"),
    ("beginning of the year", "2027-01-01"),
    ("late 2027", "2027-10-02"),
    ("in der zweiten Januarhälfte", "2027-01-22"),
    # How it is bound
    ("not before March", "2027-03-01"),
    ("not until after the 15th of January", "2027-01-16"),
    ("until the end of January", "2027-02-01"),
    ("before Friday", "2026-12-03"),
    ("not available before January 11", "2027-01-11"),
    ("after I get back on January 11", "2027-01-12"),
    ("hasta febrero no podemos", "2027-02-01"),
    ("by Friday", "2026-12-04"),
    ("between 11 and 15 January", "2027-01-11"),
    ("after our board meeting on January 20", "2027-01-21"),
    # Roles
    ("Our contract ends on 31 August, reach out in June", "2027-06-01"),
    ("Reach out in June: our contract ends on 31 August", "2027-06-01"),
    ("Contract is up 31 August. Get in touch two months before", "2027-06-30"),
    ("We are closed from 21 December to 4 January, write after that", "2027-01-05"),
    ("The fair is on January 20, ping me afterwards", "2027-01-21"),
    ("We met in March, try me in May", "2027-05-01"),
    # Negation
    ("Not in January, February is better", "2027-02-01"),
    ("January is bad, try February", "2027-02-01"),
    ("nächste Woche passt leider nicht", None),
    # Ambiguous, impossible, unknown: asked about
    ("How about 4/3?", "ambiguous: 2027-04-03 or 2027-03-04"),
    ("next Friday", "ambiguous: 2026-12-04 or 2026-12-11"),
    ("back on Monday 5th", "weekday and date don't agree"),
    ("30 February", "the calendar has no such day"),
    ("the new fiscal year", "nobody but the lead knows its fiscal year"),
    ("Q1 FY27", "nobody but the lead knows its fiscal year"),
    # No dates
    ("I may be interested, we march on", None),
    ("We are 12 people in 3 locations, 24/7, at $3/4 each", None),
    ("the second option", None),
    ("vor zwei Wochen hatten wir gesprochen", None),
)


@pytest.mark.parametrize(("text", "expected"), KINDS)
def test_kinds(text: str, expected: str | None) -> None:
    read = explained_timing(text, WRITTEN, is_deferral=True)
    if expected is not None and expected[0].isdigit():
        assert read.timing.day == date.fromisoformat(expected), read.why
        return
    assert read.timing.day is None, read.why
    assert expected is None or expected in read.why


def test_a_result_says_what_it_covers_how_sure_it_is_and_why() -> None:
    read = explained_timing("Please write again not before the end of January, thanks", WRITTEN, is_deferral=True)
    assert read.timing.phrase == "not before the end of January"
    assert read.timing.confidence == 0.85
    assert "from period > part" in read.why


def test_what_tells_of_something_else_is_less_sure() -> None:
    sure = explained_timing("Write to me in March", WRITTEN, is_deferral=True).timing
    other = explained_timing("Our contract ends in March", WRITTEN, is_deferral=True).timing
    assert sure.day == other.day
    assert (sure.confidence, other.confidence) == (0.95, 0.6)


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("Tuesday at half past two", "14:30"),
        ("Dienstag um halb vier", "15:30"),
        ("torsdag kl. 14.30", "14:30"),
        ("el martes a las 4 de la tarde", "16:00"),
        ("mardi à 17h30", "17:30"),
        ("Tuesday at 4 or 5", None),
        ("Tuesday 2-4pm", None),
        ("Tuesday after 3", None),
    ],
)
def test_only_an_exact_time_of_day_is_one(text: str, clock: str | None) -> None:
    timing = explained_timing(text, WRITTEN, is_deferral=True).timing
    assert (timing.day is not None, timing.clock) == (True, clock)


def test_a_mixed_message_is_read_in_both_languages() -> None:
    days = [one.meaning.spans(WRITTEN.date())[0].start for one in read_text(
        "Thanks for your mail. Nächste Woche Dienstag passt mir gut, or Thursday next week."
    ).days if one.meaning is not None]  # fmt: skip
    assert days == [date(2026, 12, 8), date(2026, 12, 10)]


def test_nothing_is_read_behind_the_limit() -> None:
    assert read_text("x" * READ_LIMIT + " on Friday").days == ()
