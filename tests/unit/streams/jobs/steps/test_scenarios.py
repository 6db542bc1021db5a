"""The five scenarios of every channel, as far as steps decide them, and regressions of double and wrong answers."""

from collections.abc import Callable
from typing import Any

import pytest

from streams.ai.answers import Draft, FollowUpTiming, ReplyDecision
from streams.ai.provider import AIConfig
from streams.ai.scripted_provider import Scripted
from streams.jobs.step import StepFailed

World = Any
Classified = Callable[..., Any]
CHANNELS = [
    ("ghl", "sms", "SMS_INBOUND_POST_PROCESS", "send_at"),
    ("unipile", "linkedin", "LINKEDIN_INBOUND_POST_PROCESS", "needs_review"),
    ("smartlead", "email", "SMARTLEAD_INBOUND_POST_PROCESS", "send_at"),
    ("instantly", "email", "INSTANTLY_INBOUND_POST_PROCESS", "send_at"),
    ("emailbison", "email", "EMAIL_INBOUND_POST_PROCESS", "send_at"),
]
DRAFT = Draft(outcome="drafted", body="Glad to hear it. Any slot here works for us: https://cal.example.com/dana")
SAFE = ReplyDecision(safe_to_send=True, confidence=0.95, concerns=())
each_channel = pytest.mark.parametrize(("provider", "channel", "job_type", "decision"), CHANNELS)


def written(world: World, text: str, provider: str, channel: str, job_type: str) -> Any:
    world.job_type = job_type
    return world.message(text, provider=provider, channel=channel)


@each_channel
async def test_interest(
    world: World, classified: Classified, provider: str, channel: str, job_type: str, decision: str
) -> None:
    world.answers, world.embedded = [classified("Interested"), DRAFT, SAFE], [classified("Interested")]
    ran = await world.run(written(world, "interested in a call", provider, channel, job_type))
    assert ran.of("lead_state").status == "qualified"
    assert ran.of("draft").body == DRAFT.body
    assert ran.of("decide_reply").decision == decision
    assert {call.source for call in ran.calls} == {f"background-job/{job_type.lower().replace('_', '-')}"}
    assert {(call.message_id, call.job_id) for call in ran.calls} == {("m0", "j1")}


@each_channel
async def test_thanks(
    world: World, classified: Classified, provider: str, channel: str, job_type: str, decision: str
) -> None:
    world.answers = [classified("Neutral")]
    ran = await world.run(written(world, "Thanks", provider, channel, job_type))
    assert ran.of("classify").label == "Neutral"
    assert set(ran.skipped) == {"follow_up_timing", "booking_decision", "draft", "decide_reply"}


@each_channel
async def test_remove_me(world: World, provider: str, channel: str, job_type: str, decision: str) -> None:
    ran = await world.run(written(world, "remove me", provider, channel, job_type))
    assert ran.of("lead_state").status == "blacklisted"
    assert len(ran.suppressions) == 1
    assert world.asked == []


@each_channel
async def test_a_no(
    world: World, classified: Classified, provider: str, channel: str, job_type: str, decision: str
) -> None:
    no = FollowUpTiming(is_deferral=False, day=None, clock=None, precision="none", phrase=None, confidence=0.9)
    world.answers = [classified("Not Interested"), no]
    ran = await world.run(written(world, "not for us", provider, channel, job_type))
    assert (ran.of("lead_state").status, ran.of("lead_state").open_work) == ("not-interested", "pause")
    assert ran.suppressions == []
    assert ran.skipped["draft"] == "label_gets_no_draft"


@each_channel
async def test_the_same_again_concludes_the_same(
    world: World, classified: Classified, provider: str, channel: str, job_type: str, decision: str
) -> None:
    world.answers, world.embedded = [classified("Interested"), DRAFT, SAFE], [classified("Interested")]
    message = written(world, "interested in a call", provider, channel, job_type)
    first = await world.run(message)
    world.earlier = [message]
    assert (await world.run(message)).enrichments == first.enrichments


@each_channel
async def test_a_wrong_key_parks_and_concludes_nothing(
    world: World, provider: str, channel: str, job_type: str, decision: str
) -> None:
    world.answers = [Scripted(error=(AIConfig, "bad_key"))]
    with pytest.raises(StepFailed) as caught:
        await world.run(written(world, "interested in a call", provider, channel, job_type))
    assert (caught.value.reason, caught.value.error_class) == ("bad_key", "dependency_down")


async def test_quoted_dates_and_absences_book_nothing(world: World, classified: Classified) -> None:
    body = "Thanks for this.\n\nOn Mon, Mar 2, 2026 at 9:00 AM Dana wrote:\n> How about Thursday, March 5 at 3 PM?"
    world.answers = [classified("Neutral")]
    ran = await world.run(world.email("Thanks for this.", body=body))
    assert ran.skipped["booking_decision"] == "label_asks_for_no_meeting"
    away = await world.run(world.email("I am out of the office until Monday 2/16.", subject="Automatic reply"))
    assert away.skipped["follow_up_timing"] == "automated"


async def test_a_deleted_lead_and_an_unset_workspace_break_nothing(world: World, classified: Classified) -> None:
    world.lead, world.answers = None, [classified("Interested"), DRAFT, SAFE]
    world.embedded = [classified("Interested")]
    assert (await world.run("interested in a call")).of("decide_reply").decision == "send_at"
