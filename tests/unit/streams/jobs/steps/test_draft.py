"""One draft a message, from the workspace's facts alone, and none that a check refuses."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from headrace.events.inbox import Address
from streams.ai.answers import Booking, Draft
from streams.jobs.steps import booking_decision, classify, draft, opt_out_and_bounce
from streams.jobs.steps.draft import draft_id

World = Any
Classified = Callable[..., Any]
STEPS = (opt_out_and_bounce.STEP, classify.STEP, booking_decision.STEP, draft.STEP)
GOOD = Draft(outcome="drafted", body="Glad to hear it. Any slot here works for us: https://cal.example.com/dana")
FAKES = {
    "unknown_link": "Great, book here: https://evil.example/now",
    "unknown_price": "Great, it is only $99 a month.",
    "unknown_time": "Great, shall we talk on Tuesday at 4:15 PM CST?",
    "placeholder": "Great, [NAME], let's talk.",
    "wrong_name": "Hi Peter, great, let's talk.",
}


def written(body: str) -> Draft:
    return Draft(outcome="drafted", body=body)


async def test_a_good_draft_is_kept_with_its_prompt(world: World, classified: Classified) -> None:
    world.answers = [classified("Interested"), GOOD]
    ran = await world.run("sounds interesting", STEPS)
    event = ran.of("draft")
    assert (event.body, event.channel, event.attempts) == (GOOD.body, "sms", 1)
    assert (event.ai.prompt_key, event.ai.prompt_version) == ("draft", 1)
    assert event.draft_id == draft_id(world.message("anything else"))


async def test_a_message_has_one_draft_and_each_message_its_own(world: World) -> None:
    one = world.message("a")
    assert draft_id(one) == draft_id(world.message("b")) != draft_id(world.message("a", minutes=1))
    assert draft_id(one) != draft_id(world.message("a", channel="email"))


@pytest.mark.parametrize("code", FAKES)
async def test_what_facts_do_not_support_is_written_once_more_and_then_refused(
    world: World, classified: Classified, code: str
) -> None:
    world.answers = [classified("Interested"), written(FAKES[code])]
    ran = await world.run("sounds interesting", STEPS)
    event = ran.of("draft")
    assert (type(event).__name__, event.attempts) == ("DraftRejected", 2)
    assert code in event.failed_checks
    assert code in world.asked[-1].question.facts.avoid
    assert "body" not in ran.results["draft"]


async def test_the_second_try_may_be_good(world: World, classified: Classified) -> None:
    world.answers = [classified("Interested"), written(FAKES["unknown_price"]), GOOD]
    event = (await world.run("sounds interesting", STEPS)).of("draft")
    assert (event.body, event.attempts) == (GOOD.body, 2)


@pytest.mark.parametrize(
    "label", ["Neutral", "Not Interested", "Objection", "Out of Office", "Automated Reply", "Blacklist"]
)
async def test_some_labels_get_no_answer(world: World, classified: Classified, label: str) -> None:
    world.answers = [classified(label)]
    assert (await world.run("well", STEPS)).skipped["draft"] == "label_gets_no_draft"


@pytest.mark.parametrize("outcome", ["other_language", "facts_missing", "no_reply_needed"])
async def test_a_model_may_say_why_it_writes_nothing(world: World, classified: Classified, outcome: Any) -> None:
    world.answers = [classified("Interested"), Draft(outcome=outcome, body=None)]
    assert (await world.run("sounds interesting", STEPS)).skipped["draft"] == outcome


async def test_a_call_needs_a_number(world: World, classified: Classified) -> None:
    world.lead = world.made_lead(phone=None)
    world.answers = [classified("Call Requested"), written("Sure, I'll call you.")]
    assert (await world.run("please call me", STEPS)).skipped["draft"] == "no_phone_on_file"
    assert (await world.run("please call me at (312) 555-0187", STEPS)).of("draft").body == "Sure, I'll call you."


async def test_nothing_is_said_beside_a_booking(world: World, classified: Classified) -> None:
    world.settings = replace(world.settings, auto_book_meetings=True)
    world.earlier = [world.message("Would Thursday, March 5 at 3:00 PM CST suit you?", minutes=-9, inbound=False)]
    accepted = Booking(intent="accepts_slot", slot_index=0, proposed=(), confidence=0.95)
    world.answers = [classified("Meeting Requested"), accepted]
    assert (await world.run("yes", STEPS)).skipped["draft"] == "booking_proposed"


async def test_nobody_is_answered_who_is_booked_or_suppressed_or_speaks_for_nobody(
    world: World, classified: Classified
) -> None:
    world.answers = [classified("Interested")]
    world.signals = (world.signal("meeting_booked", minutes=-60),)
    assert (await world.run("great", STEPS)).skipped["draft"] == "already_booked"
    world.signals, world.suppressed = (), "unsubscribed"
    assert (await world.run("great", STEPS)).skipped["draft"] == "suppressed"


async def test_a_workspace_that_states_nothing_still_answers_in_its_name(world: World, classified: Classified) -> None:
    world.settings = replace(world.settings, facts=None)
    world.answers = [classified("Interested"), written("Glad to hear it. Shall we find a time?")]
    assert (await world.run("sounds interesting", STEPS)).of("draft").attempts == 1


async def test_a_colleague_is_greeted_by_the_colleagues_name(world: World, classified: Classified) -> None:
    world.lead = world.made_lead(email="mara@clinics.example")
    mail = world.email("I handle this now, tell me more", from_address=Address(address="tom@x.example", name="Tom Ek"))
    world.answers = [classified("Interested"), written("Hi Tom,\n\nglad to hear it.\n\nBest,\nDana")]
    assert (await world.run(mail, STEPS)).of("draft").attempts == 1
    world.answers = [classified("Interested"), written("Hi Mara,\n\nglad to hear it.\n\nBest,\nDana")]
    assert "wrong_name" in (await world.run(mail, STEPS)).of("draft").failed_checks


async def test_slots_that_have_passed_are_not_offered(world: World, classified: Classified) -> None:
    world.now = datetime(2026, 3, 6, tzinfo=UTC)
    world.answers = [classified("Interested"), GOOD]
    await world.run("sounds interesting", STEPS)
    assert len(world.asked[-1].question.facts.slots) == 1
