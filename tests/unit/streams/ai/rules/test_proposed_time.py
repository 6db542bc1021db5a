"""A day, date or clock time counts only where the label is about meeting or calling us."""

import pytest

from streams.ai.rules.proposed_time import proposes_time


@pytest.mark.parametrize(
    "text",
    [
        "Tuesday works",
        "tomorrow 9am",
        "the 14th",
        "week of the 16th",
        "um 14 Uhr",
        "el jueves a las 17h",
        "at 4",
        "12 March",
    ],
)
def test_times(text: str) -> None:
    assert proposes_time("Meeting Requested", text)


@pytest.mark.parametrize(
    "text", ["next week", "any time", "mornings are best", "Mondays are bad", "we have 12 sites", "in two weeks"]
)
def test_vague_words_are_no_time(text: str) -> None:
    assert not proposes_time("Meeting Requested", text)


def test_a_deferral_proposes_nothing() -> None:
    assert not proposes_time("Follow Up", "after 4 May")


def test_now_is_a_time_for_a_call_only() -> None:
    assert proposes_time("Call Requested", "can you ring now")
    assert not proposes_time("Meeting Requested", "can we meet now")
