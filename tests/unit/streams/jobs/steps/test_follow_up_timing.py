"""When to write again: plain words without a model, the lead's zone, never in the past, never for machines."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streams.ai.answers import FollowUpTiming
from streams.jobs.steps import classify, follow_up_timing, opt_out_and_bounce
from streams.jobs.steps.follow_up_timing import due_at, workday

World = Any
Classified = Callable[..., Any]
STEPS = (opt_out_and_bounce.STEP, classify.STEP, follow_up_timing.STEP)
CHICAGO = ZoneInfo("America/Chicago")


def timing(**fields: Any) -> FollowUpTiming:
    shared: dict[str, Any] = {
        "is_deferral": True,
        "day": None,
        "clock": None,
        "precision": "none",
        "phrase": None,
        "confidence": 0.9,
    }
    return FollowUpTiming(**{**shared, **fields})


@pytest.mark.parametrize(
    ("text", "day", "confidence"),
    [
        ("Please reach out after March 20", date(2026, 3, 21), 0.99),
        ("Not now, I'm tied up until April 2nd", date(2026, 4, 3), 0.99),
        ("circle back in Q3", date(2026, 7, 1), 0.97),
    ],
)
async def test_plain_words_need_no_model(
    world: World, classified: Classified, text: str, day: date, confidence: float
) -> None:
    world.answers = [classified("Follow Up")]
    event = (await world.run(text, STEPS)).of("follow_up_timing")
    assert (event.kind, event.day, event.confidence, event.ai) == ("recontact", day, confidence, None)
    assert event.due_at == datetime.combine(day, time(9), CHICAGO)
    assert (event.timezone.name, event.timezone.evidence) == ("America/Chicago", "phone")
    assert [task.feature for task in world.asked] == ["sentiment.classify"]


async def test_other_words_are_read_by_the_model(world: World, classified: Classified) -> None:
    answer = timing(day=date(2026, 3, 16), precision="week", phrase="in two weeks")
    world.answers = [classified("Follow Up"), answer]
    event = (await world.run("try me in two weeks", STEPS)).of("follow_up_timing")
    assert (event.day, event.precision, event.ai.prompt_key) == (date(2026, 3, 16), "week", "follow_up_timing")


async def test_a_month_that_begins_on_a_weekend_begins_on_its_monday(world: World, classified: Classified) -> None:
    answer = timing(day=date(2026, 8, 1), precision="month", phrase="in August")
    world.answers = [classified("Follow Up"), answer]
    event = (await world.run("ping me in August", STEPS)).of("follow_up_timing")
    assert event.day == date(2026, 8, 3)


@pytest.mark.parametrize(("day", "expected"), [((7), 9), ((8), 9), ((9), 9), ((6), 6)])
def test_workdays(day: int, expected: int) -> None:
    assert workday(date(2026, 3, day)) == date(2026, 3, expected)


async def test_without_a_time_the_lead_is_asked_once_more_a_day_later(world: World, classified: Classified) -> None:
    world.answers = [classified("Follow Up"), timing(precision="vague")]
    event = (await world.run("not right now", STEPS)).of("follow_up_timing")
    assert (event.kind, event.attempt, event.day) == ("clarify", 2, None)
    assert event.due_at == datetime(2026, 3, 3, 15, 4, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (timing(is_deferral=False), "no_deferral"),
        (timing(is_deferral=False, day=date(2026, 6, 1), phrase="June", precision="month"), "no_deferral"),
        (timing(precision="vague"), "no_deferral"),
    ],
)
async def test_a_no_is_a_no_unless_it_defers(
    world: World, classified: Classified, answer: FollowUpTiming, reason: str
) -> None:
    world.answers = [classified("Not Interested"), answer]
    ran = await world.run("We are under contract until June 30, so no. In June maybe.", STEPS)
    assert ran.skipped["follow_up_timing"] == reason


async def test_a_no_that_defers_is_followed_up(world: World, classified: Classified) -> None:
    world.answers = [classified("Not Interested"), timing(day=date(2026, 6, 1), phrase="In June", precision="month")]
    event = (await world.run("Not interested now. In June maybe.", STEPS)).of("follow_up_timing")
    assert event.day == date(2026, 6, 1)


@pytest.mark.parametrize("label", ["Interested", "Neutral", "Meeting Requested", "Objection"])
async def test_other_labels_defer_nothing(world: World, classified: Classified, label: str) -> None:
    world.answers = [classified(label)]
    assert (await world.run("after March 20", STEPS)).skipped["follow_up_timing"] == "label_defers_nothing"


async def test_a_suppressed_lead_is_left_alone(world: World, classified: Classified) -> None:
    world.answers, world.suppressed = [classified("Follow Up")], "unsubscribed"
    assert (await world.run("after March 20", STEPS)).skipped["follow_up_timing"] == "suppressed"


def test_a_moment_that_is_past_or_near_moves_to_the_next_morning() -> None:
    zone = "America/Chicago"
    morning = datetime(2026, 3, 2, 8, 30, tzinfo=CHICAGO)
    assert due_at(date(2026, 3, 2), time(10), zone, morning) == datetime(2026, 3, 2, 10, tzinfo=CHICAGO)
    assert due_at(date(2026, 3, 2), time(9), zone, morning) == datetime(2026, 3, 3, 9, tzinfo=CHICAGO)
    assert due_at(date(2026, 2, 1), time(9), zone, morning) == datetime(2026, 3, 3, 9, tzinfo=CHICAGO)
    night = datetime(2026, 3, 2, 1, tzinfo=CHICAGO)
    assert due_at(date(2026, 3, 1), time(9), zone, night) == datetime(2026, 3, 2, 9, tzinfo=CHICAGO)


def test_nine_stays_nine_when_clocks_change() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert due_at(date(2026, 3, 20), time(9), "America/Chicago", now).astimezone(UTC).hour == 14
