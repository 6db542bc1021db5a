"""When a lead wants to hear from us again, read on Monday 2 March 2026, afternoon in Chicago."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ai.follow_up_timing import read_timing

WRITTEN = datetime(2026, 3, 2, 15, 4, tzinfo=ZoneInfo("America/Chicago"))

DATED = (
    ("not now, try in Q2", date(2026, 4, 1), "quarter"),
    ("We look at this again in Q1", None, "vague"),
    ("Q1 2027 please", date(2027, 1, 1), "quarter"),
    ("next quarter maybe", date(2026, 4, 1), "quarter"),
    ("END of quarter works", date(2026, 3, 31), "quarter"),
    ("hit me up in a few weeks", date(2026, 3, 23), "week"),
    ("ask me in two months", date(2026, 5, 2), "month"),
    ("in 10 days", date(2026, 3, 12), "day"),
    ("six weeks from now", date(2026, 4, 13), "week"),
    ("can we pick this up next month", date(2026, 4, 1), "month"),
    ("next week is better", date(2026, 3, 9), "week"),
    ("check back in june maybe", date(2026, 6, 1), "month"),
    ("We froze budgets until July. Ping me then?", date(2026, 7, 1), "month"),
    ("Let's reconnect in September", date(2026, 9, 1), "month"),
    ("try us in January", date(2027, 1, 1), "month"),
    ("Will get back after the 18th.", date(2026, 3, 19), "day"),
    ("back on 1 October. Please write again then.", date(2026, 10, 1), "day"),
    ("Our contract expires 31 August. Please reach out in June", date(2026, 6, 1), "month"),
    ("Audit runs through March 20. Try me the week after.", date(2026, 3, 23), "week"),
    ("after labor day", date(2026, 9, 8), "day"),
    ("call me Thursday at 2pm", date(2026, 3, 5), "time"),
    ("tomorrow", date(2026, 3, 3), "day"),
    ("in the autumn", date(2026, 9, 1), "quarter"),
    ("melden Sie sich in zwei Wochen", date(2026, 3, 16), "week"),
    ("Nächste Woche passt es besser", date(2026, 3, 9), "week"),
    ("im September gerne wieder", date(2026, 9, 1), "month"),
    ("Recontactez-moi en septembre", date(2026, 9, 1), "month"),
    ("la semaine prochaine", date(2026, 3, 9), "week"),
    ("dans trois mois", date(2026, 6, 2), "month"),
    ("en dos semanas", date(2026, 3, 16), "week"),
    ("el próximo mes", date(2026, 4, 1), "month"),
    ("when things calm down", None, "vague"),
    ("I may need a while, let me talk to my partner first", None, "vague"),
)


@pytest.mark.parametrize(("text", "day", "precision"), DATED)
def test_dates_as_people_write_them(text: str, day: date | None, precision: str) -> None:
    timing = read_timing(text, WRITTEN, is_deferral=True)
    assert (timing.day, timing.precision) == (day, precision)
    assert timing.phrase is None or timing.phrase in text


def test_time_of_day_is_kept() -> None:
    assert read_timing("call me Thursday at 2pm", WRITTEN, is_deferral=True).clock == "14:00"


@pytest.mark.parametrize("text", ["yes", "Thanks", "we are 12 people", "may I ask who you are", "mark it as done"])
def test_no_date_where_none_is_meant(text: str) -> None:
    assert read_timing(text, WRITTEN, is_deferral=False).day is None


@given(
    text=st.text(max_size=200),
    moment=st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2032, 1, 1)),  # noqa: DTZ001 - zone below
)
def test_any_text_gives_a_later_day_or_none(text: str, moment: datetime) -> None:
    written = moment.replace(tzinfo=ZoneInfo("UTC"))
    timing = read_timing(text, written, is_deferral=True)
    assert timing.day is None or timing.day > written.date()


@given(st.lists(st.sampled_from([text for text, _, _ in DATED] + ["31.", "29 Feb", "2/30", "Q4"]), max_size=4))
def test_phrases_in_any_mixture_stay_in_the_future(parts: list[str]) -> None:
    timing = read_timing(" ".join(parts), WRITTEN, is_deferral=True)
    assert timing.day is None or timing.day > WRITTEN.date()
