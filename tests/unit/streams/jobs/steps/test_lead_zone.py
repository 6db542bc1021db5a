"""The lead's zone, and what it was read from."""

from typing import Any

import pytest

from streams.jobs.context import Context, Profile
from streams.jobs.steps.lead_zone import lead_zone
from streams.jobs.steps.verdict import Verdict

World = Any


@pytest.mark.parametrize(
    ("text", "phone", "email", "expected"),
    [
        ("Tuesday 3pm EST works", "+4915112345678", None, ("America/New_York", "text")),
        ("10:30 PT?", None, None, ("America/Los_Angeles", "text")),
        ("is it ET or PT", "+442071838750", None, ("Europe/London", "phone")),
        ("3pm EST or CET, whatever", "+13125550148", None, ("America/Chicago", "phone")),
        ("yes", "+18005550199", "m@x.de", ("Europe/Berlin", "country")),
        ("yes", "+61412345678", "m@x.com", ("America/Denver", "workspace")),
        ("yes", None, None, ("America/Denver", "workspace")),
    ],
)
async def test_zone_and_evidence(
    world: World, text: str, phone: str | None, email: str | None, expected: tuple[str, str]
) -> None:
    world.lead = world.made_lead(phone=phone, email=email)
    profile = Profile("acme", "Acme", "America/Denver", world.settings)
    ai: Any = None
    context = Context(world.job_input(world.message(text)), profile, {}, world.now, ai)
    zone = await lead_zone(context, Verdict(label="Follow Up", confidence=1.0))
    assert (zone.name, zone.evidence) == expected
