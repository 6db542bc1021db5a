"""A reply ends in exactly one of: a decision about a draft, one reason to need a person, one reason to do nothing."""

import asyncio
import json
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.events.enrichments import PersonNeeded, ReplyDecided, StepSkipped
from headrace.events.job_plan import STEPS
from headrace.events.needs_person import NEEDS, TODO, JobReason, NothingReason, StepReason
from streams.ai.answers import Booking, Draft, FollowUpTiming, ReplyDecision
from streams.ai.labels import Label
from streams.ai.provider import AIPermanent
from streams.ai.scripted_provider import Scripted
from streams.jobs.steps.handing_over import NEEDS_PERSON

World = Any
GOOD = Draft(outcome="drafted", body="Glad to hear it. Any slot here works for us: https://cal.example.com/dana")
SAFE = ReplyDecision(safe_to_send=True, confidence=0.95, concerns=())
NO_DATE = FollowUpTiming(is_deferral=False, day=None, clock=None, precision="none", phrase=None, confidence=0.9)
NO_TIME = Booking(intent="none", slot_index=None, proposed=(), confidence=0.9)


def test_every_reason_is_declared_once() -> None:
    assert [need.reason for need in NEEDS] == [*get_args(StepReason), *get_args(JobReason)]
    assert len(TODO) == len(NEEDS)


async def test_a_short_reply_in_another_language_is_never_sent_by_itself(world: World, classified: Any) -> None:
    world.answers = [classified("Meeting Requested"), GOOD, SAFE]
    world.embedded = [classified("Meeting Requested")]
    event = (await world.run("Sí, el jueves.")).of("decide_reply")
    assert (event.decision, event.reasons, event.send_at) == ("needs_review", ("not_surely_english",), None)


@pytest.mark.parametrize("label", ["Neutral", "Objection", "Not Interested"])
async def test_a_label_is_not_believed_over_words_nobody_understands(world: World, classified: Any, label: str) -> None:
    world.answers = [classified(label), NO_DATE]
    assert (await world.run("Sí, el jueves.")).of("decide_reply").reason == "other_language"


@pytest.mark.parametrize(
    ("label", "text", "reason"),
    [
        ("Objection", "We already use another company for this", "objection"),
        ("Neutral", "Who are you people?", "ambiguous"),
        ("Neutral", "Thanks!", "acknowledgement"),
        ("Not Interested", "We are not interested in this right now", "label_gets_no_draft"),
    ],
)
async def test_a_label_without_a_draft_says_who_answers(
    world: World, classified: Any, label: str, text: str, reason: str
) -> None:
    world.answers = [classified(label), NO_DATE]
    assert (await world.run(text)).of("decide_reply").reason == reason


async def test_a_call_without_a_number_needs_a_person(world: World, classified: Any) -> None:
    world.lead = world.made_lead(phone=None)
    world.answers = [classified("Call Requested")]
    event = (await world.run("please give us a call tomorrow")).of("decide_reply")
    assert (type(event), event.reason) == (PersonNeeded, "no_phone_on_file")


async def test_a_guess_without_a_draft_needs_a_person(world: World, classified: Any) -> None:
    world.answers = [classified("Not Interested", confidence=0.1), NO_DATE]
    assert (await world.run("We are good, thanks for asking")).of("decide_reply").reason == "label_unsure"


async def test_who_is_booked_and_writes_again_needs_a_person(world: World, classified: Any) -> None:
    world.signals = (world.signal("meeting_booked", minutes=-60),)
    world.answers = [classified("Information Requested")]
    assert (await world.run("What should I bring to our call?")).of("decide_reply").reason == "already_booked"


@pytest.mark.parametrize("outcome", ["other_language", "facts_missing"])
async def test_what_the_writer_can_not_write_needs_a_person(world: World, classified: Any, outcome: Any) -> None:
    world.answers = [classified("Interested"), Draft(outcome=outcome, body=None)]
    assert (await world.run("sounds interesting")).of("decide_reply").reason == outcome


async def test_an_answer_with_one_bad_field_goes_to_a_person_with_its_name(world: World, classified: Any) -> None:
    bad = json.loads(classified("Interested").model_dump_json()) | {"confidence": 7}
    world.answers = [Scripted(body=json.dumps(bad))]
    ran = await world.run("sounds interesting")
    event = ran.of("classify")
    assert (type(event), event.reason, event.fields) == (PersonNeeded, "answer_invalid", ("confidence",))
    rest = [one for one in ran.enrichments if one.step not in ("opt_out_and_bounce", "classify")]
    assert [(one.step, one.reason) for one in rest] == [
        (step, "needs_person") for step in STEPS["SMS_INBOUND_POST_PROCESS"][2:]
    ]


@pytest.mark.parametrize(
    ("error", "reason"),
    [("refusal", "answer_refused"), ("content_filter", "answer_refused"), ("length", "answer_invalid")],
)
async def test_a_model_that_declines_leaves_it_to_a_person(world: World, error: str, reason: str) -> None:
    world.answers = [Scripted(error=(AIPermanent, error))]
    assert (await world.run("sounds interesting")).of("classify").reason == reason


async def test_a_bad_judgement_of_a_draft_holds_it(world: World, classified: Any) -> None:
    world.answers = [classified("Interested"), GOOD, ("auto_send.evaluate", Scripted(body='{"safe_to_send": true}'))]
    event = (await world.run("sounds interesting")).of("decide_reply")
    assert event.decision == "needs_review"
    assert event.reasons == ("answer_invalid", "field:confidence", "field:concerns")


_TEXTS = st.sampled_from(
    ["Sí, el jueves.", "yes please", "Thanks", "ok", "", "STOP", "call me", "Who is this?", "I am out of office", "👍"]
)
_OUTCOMES = st.sampled_from(["drafted", "other_language", "facts_missing", "no_reply_needed"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(data=st.data())
def test_every_reply_ends_in_exactly_one_of_three_ways(world: World, classified: Any, data: st.DataObject) -> None:
    """Whatever the rules, the model, the lead and the conversation say."""
    _dream_up(world, classified, data)
    message = world.message(data.draw(_TEXTS), is_automated=data.draw(st.booleans()))
    ran = asyncio.run(world.run(message))
    needed = [event for event in ran.enrichments if isinstance(event, PersonNeeded)]
    last = ran.of("decide_reply")
    if isinstance(last, ReplyDecided):
        assert ran.of("draft").body
        assert needed == []
    elif isinstance(last, StepSkipped) and last.reason != NEEDS_PERSON:
        assert last.reason in get_args(NothingReason)
        assert needed == []
    else:
        assert [event.reason for event in needed if event.reason in get_args(StepReason)] == [needed[0].reason]


def _dream_up(world: World, classified: Any, data: st.DataObject) -> None:
    world.suppressed = data.draw(st.sampled_from([None, "unsubscribed"]))
    world.lead = world.made_lead(phone=data.draw(st.sampled_from([None, "+13125550148"])))
    world.signals = (world.signal("meeting_booked", minutes=-60),) if data.draw(st.booleans()) else ()
    later = [world.message("wait", minutes=2), world.message("Here you go", minutes=1, inbound=False)]
    world.earlier = data.draw(st.sampled_from([[], [], later[:1], later[1:]]))
    outcome: Any = data.draw(_OUTCOMES)
    body = data.draw(st.sampled_from([GOOD.body, "Only $99!"])) if outcome == "drafted" else None
    draft = Draft(outcome=outcome, body=body)
    answer = classified(
        data.draw(st.sampled_from(get_args(Label))),
        confidence=data.draw(st.sampled_from([0.1, 0.95])),
        opt_out=data.draw(st.booleans()),
    )
    answers = [
        ("sentiment.classify", Scripted(value=answer)),
        ("draft.generate", Scripted(value=draft)),
        ("auto_send.evaluate", Scripted(value=SAFE)),
        ("followup.extract_timing", Scripted(value=NO_DATE)),
        ("meeting.extract", Scripted(value=NO_TIME)),
    ]
    broken = data.draw(st.sampled_from([None, *(feature for feature, _ in answers)]))
    world.answers = [(name, Scripted(body="{}") if name == broken else scripted) for name, scripted in answers]
    world.embedded = [answer]
