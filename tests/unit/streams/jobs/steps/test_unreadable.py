"""A message that takes too long to read: labelled for a person, never answered by itself, and no step fails."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from streams.ai.answers import Draft, ReplyDecision
from streams.ai.draft_checks import check_draft
from streams.ai.reading import Read, Unreadable, read_here
from streams.ai.untrusted import screened_lead
from streams.jobs.steps import score
from streams.jobs.steps.booking_decision import plain_booking
from streams.jobs.steps.hearing import hear
from streams.jobs.steps.lead_zone import zone_in

World = Any
T = TypeVar("T")
Classified = Callable[..., Any]
GOOD = Draft(outcome="drafted", body="Glad to hear it. Any slot here works for us: https://cal.example.com/dana")
SAFE = ReplyDecision(safe_to_send=True, confidence=0.99, concerns=())
LATER_STEPS = ("follow_up_timing", "booking_decision", "draft", "decide_reply")


def stalls_at(*hopeless: Callable[..., object], after: int = 0) -> Read:
    """Reads as ever, but for these functions, once they were called so often."""
    calls = 0

    async def read(function: Callable[..., T], /, *arguments: object) -> T:
        nonlocal calls
        if function in hopeless:
            calls += 1
            if calls > after:
                raise Unreadable
        return await read_here(function, *arguments)

    return read


async def test_nothing_is_concluded_of_it_but_that_a_person_must_look(world: World) -> None:
    world.read = stalls_at(hear)
    ran = await world.run("whatever")
    event = ran.of("opt_out_and_bounce")
    assert (event.label, event.rule, event.confidence) == ("Neutral", "unreadable", 0.0)
    assert event.needs_review
    assert not event.opt_out
    assert (ran.suppressions, ran.calls, world.asked) == ([], [], []), "no model sees it, and nobody is silenced"
    assert ran.skipped["classify"] == "unreadable"
    assert set(LATER_STEPS) - {"decide_reply"} <= set(ran.skipped)
    assert ran.of("decide_reply").reason == "unreadable"


async def test_what_only_the_classifier_can_not_read_goes_to_a_person_too(world: World) -> None:
    world.read = stalls_at(screened_lead)
    ran = await world.run("sounds interesting")
    event = ran.of("classify")
    assert (event.label, event.rule, event.needs_review) == ("Neutral", "unreadable", True)
    assert world.asked == []
    assert set(LATER_STEPS) - {"decide_reply"} <= set(ran.skipped)
    assert ran.of("decide_reply").reason == "unreadable"


async def test_a_step_that_could_not_read_it_leaves_the_answer_to_a_person(
    world: World, classified: Classified
) -> None:
    world.answers = [classified("Meeting Requested"), GOOD, SAFE]
    world.read = stalls_at(plain_booking)
    ran = await world.run("let's meet")
    assert ran.skipped["booking_decision"] == "unreadable"
    decided = ran.of("decide_reply")
    assert (decided.decision, decided.send_at) == ("needs_review", None)
    assert "unreadable" in decided.reasons


async def test_a_draft_nobody_can_check_is_refused(world: World, classified: Classified) -> None:
    world.answers = [classified("Interested"), GOOD, GOOD, SAFE]
    world.read = stalls_at(check_draft)
    ran = await world.run("sounds interesting")
    assert ran.of("draft").failed_checks == ("unreadable",)
    assert ran.of("decide_reply").reason == "draft_rejected"


async def test_a_decision_that_can_not_be_asked_for_is_a_persons(world: World, classified: Classified) -> None:
    world.answers = [classified("Interested"), GOOD, SAFE]
    world.read = stalls_at(screened_lead, after=2)
    decided = (await world.run("sounds interesting")).of("decide_reply")
    assert (decided.decision, decided.reasons) == ("needs_review", ("unreadable",))


async def test_a_lead_whose_message_can_not_be_read_keeps_its_score(world: World) -> None:
    world.read = stalls_at(hear)
    world.label, world.label_at = "Interested", world.message("x").sent_at + timedelta(seconds=1)
    ran = await world.run("whatever", (score.STEP,))
    assert ran.skipped == {"score": "unreadable"}


async def test_a_zone_that_can_not_be_read_stops_the_steps_that_need_it(world: World, classified: Classified) -> None:
    world.answers = [classified("Meeting Requested")]
    world.read = stalls_at(zone_in)
    ran = await world.run("let's meet")
    assert {ran.skipped[step] for step in ("booking_decision", "draft")} == {"unreadable"}
