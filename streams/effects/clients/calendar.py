"""What every calendar offers: free times, one booking, its cancellation, and whether a booking is there.

A reschedule is a cancellation and a booking: both ids are kept by who asks for it.
"""

from datetime import datetime
from typing import Protocol, runtime_checkable

import msgspec

from headrace.workspaces.api_credentials import ApiCredentials
from streams.effects.outcome import CantTell, LookUp, Outcome


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One meeting with one lead."""

    action_id: str
    workspace: str
    #: When it begins, aware, as it was offered and chosen.
    start: datetime
    #: The provider's own id of the person, where the calendar knows people by one.
    person_id: str | None = None
    email: str | None = None
    name: str | None = None
    #: IANA name of the lead's zone.
    timezone: str | None = None
    title: str = ""
    #: When the claim was written, aware.
    claimed_at: datetime


class FreeSlots(msgspec.Struct, frozen=True):
    """Beginnings of times that are free, aware UTC, in order."""

    starts: tuple[datetime, ...]


@runtime_checkable
class Calendar(Protocol):
    """See `streams.effects.clients.protocol.ProviderClient` for deadlines and errors; bookings are never repeated."""

    async def free_slots(
        self, start: datetime, end: datetime, credentials: ApiCredentials, deadline: float
    ) -> FreeSlots | CantTell:
        """What is free between two moments, both aware."""
        ...

    async def book(self, booking: Booking, credentials: ApiCredentials, deadline: float) -> Outcome:
        """Sent has the id `event`. A time that is no longer free is Refused(type="slot_taken")."""
        ...

    async def find_booking(self, booking: Booking, credentials: ApiCredentials, deadline: float) -> LookUp:
        """The lead's meeting at that time, if it is not cancelled."""
        ...

    async def cancel(self, event: str, reason: str, credentials: ApiCredentials, deadline: float) -> Outcome:
        """By the id that the booking gave."""
        ...
