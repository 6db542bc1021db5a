"""Both calendars against the sandbox: free, booked once, found again, cancelled, and refused when it is taken."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from headrace.workspaces.api_credentials import ApiCredentials
from operations.dev.sandbox.script import Rule
from streams.effects.clients.calendar import Booking, Calendar, FreeSlots
from streams.effects.clients.calendly import CalendlyCalendar
from streams.effects.clients.ghl import GhlClient
from streams.effects.clients.ghl_calendar import GhlCalendar
from streams.effects.outcome import AccountHeld, CantTell, Found, NotFound, RateLimited, Refused, Sent, Several, Unknown
from tests.outside import LEAD, Outside

CALENDARS = {"ghl": "cal-1", "calendly": "https://api.calendly.com/event_types/E1"}
both = pytest.mark.parametrize("name", CALENDARS)


@pytest.fixture
def slots(outside: Outside) -> list[datetime]:
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=3)
    found = [first + timedelta(days=days) for days in (0, 1, 9, 12)]
    outside.world.store.slots = {calendar: list(found) for calendar in CALENDARS.values()}
    return found


def calendar(outside: Outside, name: str) -> tuple[Calendar, ApiCredentials]:
    if name == "ghl":
        known = outside.credentials("ghl")
        made = GhlCalendar(outside.caller, GhlClient(outside.caller))
        return made, replace(known, settings={**known.settings, "calendar_id": CALENDARS["ghl"]})
    return CalendlyCalendar(outside.caller), outside.credentials("calendly")


@pytest.fixture
def booking(outside: Outside) -> Callable[..., Booking]:
    def made(start: datetime, **changes: Any) -> Booking:
        fields = {"person_id": "C1", "email": LEAD, "name": "Pat Moe", "timezone": "America/Chicago", **changes}
        now = outside.world.store.now()
        return Booking(action_id="a-3", workspace="acme", start=start, claimed_at=now, title="Call", **fields)

    return made


@both
async def test_free_times_come_in_order_over_all_windows(outside: Outside, name: str, slots: list[datetime]) -> None:
    made, credentials = calendar(outside, name)
    start = slots[0] - timedelta(days=1)
    assert await made.free_slots(start, start + timedelta(days=40), credentials, 5.0) == FreeSlots(tuple(slots))
    assert [one.complaints for one in outside.world.store.requests if one.complaints] == []


@both
async def test_a_meeting_is_booked_once_found_and_cancelled(
    outside: Outside, name: str, slots: list[datetime], booking: Callable[..., Booking]
) -> None:
    made, credentials = calendar(outside, name)
    wanted = booking(slots[1])
    assert isinstance(await made.find_booking(wanted, credentials, 5.0), NotFound)
    booked = await made.book(wanted, credentials, 5.0)
    assert isinstance(booked, Sent)
    found = await made.find_booking(wanted, credentials, 5.0)
    assert isinstance(found, Found)
    assert found.provider_ids["event"] == booked.provider_ids["event"]
    again = await made.book(booking(slots[1], person_id="C2", email="other@lead.example"), credentials, 5.0)
    assert isinstance(again, Refused)
    assert again.type == "slot_taken"
    assert isinstance(await made.cancel(booked.provider_ids["event"], "moved", credentials, 5.0), Sent)
    assert isinstance(await made.find_booking(wanted, credentials, 5.0), NotFound)
    assert len(outside.world.store.appointments) == 1


@both
@pytest.mark.parametrize(
    ("fault", "expected", "done"),
    [
        ("rate_limited", RateLimited, 0),
        ("unauthorised", AccountHeld, 0),
        ("error_before", Unknown, 0),
        ("error_after", Unknown, 1),
        ("close_after", Unknown, 1),
        ("half_answer", Unknown, 1),
        ("page", Unknown, 0),
        ("error_inside", Unknown, 0),
    ],
)
async def test_what_is_said_of_a_fault_is_what_can_be_known(
    outside: Outside,
    name: str,
    slots: list[datetime],
    booking: Callable[..., Booking],
    fault: Any,
    expected: type,
    done: int,
) -> None:
    made, credentials = calendar(outside, name)
    wanted = booking(slots[0])
    outside.world.script.add(Rule(fault=fault, route="book", times=1))
    assert isinstance(await made.book(wanted, credentials, 5.0), expected)
    assert len(outside.world.store.appointments) == done
    assert len(outside.world.store.requests) == 1
    assert isinstance(await made.find_booking(wanted, credentials, 5.0), Found if done else NotFound)


@both
@pytest.mark.parametrize("fault", ["rate_limited", "error_before", "page", "error_inside", "close_before"])
async def test_a_look_up_that_fails_proves_nothing(
    outside: Outside, name: str, slots: list[datetime], booking: Callable[..., Booking], fault: Any
) -> None:
    made, credentials = calendar(outside, name)
    outside.world.script.add(Rule(fault=fault))
    assert isinstance(await made.find_booking(booking(slots[0]), credentials, 5.0), CantTell)
    assert isinstance(await made.free_slots(slots[0], slots[1], credentials, 5.0), CantTell)


@both
async def test_two_meetings_at_one_moment_are_for_a_person(
    outside: Outside, name: str, slots: list[datetime], booking: Callable[..., Booking]
) -> None:
    made, credentials = calendar(outside, name)
    await made.book(booking(slots[0]), credentials, 5.0)
    (first,) = outside.world.store.appointments.values()
    outside.world.store.appointments["twin"] = msgspec.structs.replace(first, id="twin")
    assert isinstance(await made.find_booking(booking(slots[0]), credentials, 5.0), Several)


@both
async def test_what_is_missing_is_said_before_anything_is_called(
    outside: Outside, name: str, slots: list[datetime], booking: Callable[..., Booking]
) -> None:
    made, credentials = calendar(outside, name)
    assert isinstance(await made.book(booking(slots[0]), replace(credentials, settings={}), 5.0), AccountHeld)
    assert isinstance(await made.book(booking(slots[0], person_id=None, email=None), credentials, 5.0), Refused)
    assert outside.world.store.requests == []
