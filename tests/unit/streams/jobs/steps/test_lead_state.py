"""What a message makes of its lead, and that a late older message changes nothing."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

from headrace.events.enrichments import MessageLabel
from streams.jobs.steps import classify, lead_state, opt_out_and_bounce

World = Any
Classified = Callable[..., Any]
STEPS = (opt_out_and_bounce.STEP, classify.STEP, lead_state.STEP)
EXPECTED = {
    "Meeting Requested": ("meeting-requested", "pause"),
    "Call Requested": ("qualified", "pause"),
    "Information Requested": ("qualified", "pause"),
    "Interested": ("qualified", "pause"),
    "Follow Up": ("new", "pause"),
    "Objection": ("new", "pause"),
    "Not Interested": ("not-interested", "pause"),
    "Blacklist": ("blacklisted", "pause"),
    "Out of Office": ("new", "keep"),
    "Automated Reply": ("new", "keep"),
    "Neutral": ("new", "pause"),
}


def test_every_label_has_its_status() -> None:
    assert set(lead_state.STATUS) == set(get_args(MessageLabel)) == set(EXPECTED) | {"Meeting Booked"}


@pytest.mark.parametrize("label", EXPECTED)
async def test_status_and_open_work(world: World, classified: Classified, label: str) -> None:
    world.answers = [classified(label)]
    event = (await world.run("so be it", STEPS)).of("lead_state")
    assert (event.status, event.open_work) == EXPECTED[label]


async def test_proof_makes_it_booked(world: World, classified: Classified) -> None:
    world.answers, world.signals = [classified("Meeting Booked")], (world.signal("meeting_booked"),)
    assert (await world.run("booked it", STEPS)).of("lead_state").status == "meeting-booked"


@pytest.mark.parametrize(
    ("known", "label", "decides"),
    [
        ("Interested", "Not Interested", False),
        ("Out of Office", "Interested", True),
        ("Out of Office", "Automated Reply", False),
    ],
)
async def test_a_newer_message_decides_but_a_machines_never_against_a_persons(
    world: World, classified: Classified, known: str, label: str, decides: bool
) -> None:
    world.label, world.label_at = known, world.message("x", minutes=5).sent_at
    world.answers = [classified(label)]
    ran = await world.run("so be it", STEPS)
    assert (ran.skipped.get("lead_state") is None) == decides


async def test_a_suppressed_lead_stays_so_whatever_it_writes(world: World, classified: Classified) -> None:
    world.suppressed, world.answers = "unsubscribed", [classified("Interested")]
    event = (await world.run("ok tell me more", STEPS)).of("lead_state")
    assert (event.status, event.label, event.open_work) == ("blacklisted", "Interested", "cancel")
