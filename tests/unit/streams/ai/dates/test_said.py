"""What is said with the words of a language is read back as the calendar has it, in each language, on any day."""

from datetime import date, datetime, time
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.date_phrases import KINDS, said
from streams.ai.dates.languages import Language, languages
from streams.ai.follow_up_timing import explained_timing
from streams.ai.time_phrases import days

_LANGUAGES = {one.code: one for one in languages()}
#: Two years, with the days on which clocks change in each of the zones.
_WRITTEN = st.one_of(
    st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    st.sampled_from([date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1), date(2027, 3, 28)]),
)
_HOURS = st.times()
_ZONES = st.sampled_from(("UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Pacific/Honolulu"))


def chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311


def test_there_are_thirteen_languages() -> None:
    assert set(_LANGUAGES) >= {"en", "de", "fr", "es", "it", "nl", "pt", "sv", "da", "no", "fi", "pl", "cs"}


@pytest.mark.parametrize("language", languages(), ids=lambda one: one.code)
def test_each_language_says_every_kind(language: Language) -> None:
    assert set(language.say) == set(KINDS)


@given(st.sampled_from(sorted(_LANGUAGES)), st.sampled_from(KINDS), _WRITTEN, _HOURS, _ZONES, st.integers(0, 10**6))
def test_what_is_said_is_read_back(code: str, kind: str, written: date, hour: time, zone: str, seed: int) -> None:
    moment = datetime.combine(written, hour.replace(tzinfo=None, fold=0), ZoneInfo(zone))
    for one in said(_LANGUAGES[code], kind, written, chance(seed)):
        timing = explained_timing(one.text, moment, is_deferral=True).timing
        assert timing.day is not None, one
        assert one.first <= timing.day <= one.last, one
        assert one.clock is None or timing.clock == one.clock, one
        assert timing.phrase, one
        assert timing.phrase in one.text


@given(st.sampled_from(sorted(_LANGUAGES)), st.sampled_from(("date", "weekday_date", "date_clock")), _WRITTEN,
       st.integers(0, 10**6))  # fmt: skip
def test_bookings_and_drafts_see_the_same_day(code: str, kind: str, written: date, seed: int) -> None:
    for one in said(_LANGUAGES[code], kind, written, chance(seed)):
        assert [day for mention in days(one.text) for day in mention.dates(written)] == [one.first], one
