"""GoHighLevel's calendar: the location's contact, one calendar of the workspace file.

Routes and fields: https://github.com/GoHighLevel/highlevel-api-docs (apps/calendars.json).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from headrace.providers.fields import items, mapping
from headrace.providers.timestamps import read_time
from headrace.workspaces.api_credentials import ApiCredentials
from streams.effects.clients.account import missing, not_answerable, segment
from streams.effects.clients.bookings import Meeting, match_booking
from streams.effects.clients.calendar import Booking, FreeSlots
from streams.effects.clients.calling import Answer, Call, Caller
from streams.effects.clients.ghl import GhlClient, base_url, complaint_of, headers_of, special_of
from streams.effects.clients.judging import Complaint, Dialect, ids_of
from streams.effects.clients.oauth import Token
from streams.effects.outcome import CantTell, LookUp, Outcome, ProviderIds, Refused

FREE = "/calendars/{id}/free-slots"
BOOK = "/calendars/events/appointments"
APPOINTMENT = "/calendars/events/appointments/{id}"
APPOINTMENTS = "/contacts/{id}/appointments"
_WINDOW = timedelta(days=31)
_TAKEN = ("no longer available", "not available", "slot")
_GONE = ("cancelled", "invalid", "noshow")


class GhlCalendar:
    """See `Calendar`. Tokens and limits are those of the location's other calls."""

    def __init__(self, caller: Caller, location: GhlClient) -> None:
        self._caller = caller
        self._location = location

    async def free_slots(
        self, start: datetime, end: datetime, credentials: ApiCredentials, deadline: float
    ) -> FreeSlots | CantTell:
        """A month at a time: more is refused."""
        calendar, token = credentials.settings.get("calendar_id"), await self._token(credentials, deadline)
        if calendar is None or not isinstance(token, str):
            return CantTell(reason="no calendar_id or token")
        account, found = self._location.account(credentials, deadline), set[datetime]()
        path = FREE.replace("{id}", segment(calendar))
        while start < end:
            until = min(start + _WINDOW, end)
            call = self._call("GET", FREE, path, credentials, token)
            asked = msgspec.structs.replace(call, query={"startDate": _ms(start), "endDate": _ms(until)})
            page = await account.look(asked)
            if isinstance(page, CantTell):
                return page
            if complaint_of(page) is not None:
                return CantTell(reason="200 with an error inside")
            found.update(time for slot in _slots(page) if (time := read_time(slot, end)))
            start = until
        return FreeSlots(tuple(sorted(found)))

    async def book(self, booking: Booking, credentials: ApiCredentials, deadline: float) -> Outcome:
        """Only a time that is free: the provider checks it once more."""
        calendar, token = credentials.settings.get("calendar_id"), await self._token(credentials, deadline)
        if calendar is None:
            return missing("the location's api.calendar_id")
        if booking.person_id is None:
            return not_answerable("contactId")
        if not isinstance(token, str):
            return token
        user = credentials.settings.get("assigned_user_id")
        body = {
            "calendarId": calendar,
            "locationId": credentials.accounts["location_id"],
            "contactId": booking.person_id,
            "startTime": booking.start.isoformat(),
            "appointmentStatus": "confirmed",
            **({"title": booking.title} if booking.title else {}),
            **({"assignedUserId": user} if user else {}),
        }
        call = msgspec.structs.replace(self._call("POST", BOOK, BOOK, credentials, token), json=body)
        outcome = await self._location.account(credentials, deadline).change(call, token, dialect=_BOOKS)
        return await self._location.seen(outcome, credentials, token)

    async def find_booking(self, booking: Booking, credentials: ApiCredentials, deadline: float) -> LookUp:
        """Among the contact's appointments."""
        token = await self._token(credentials, deadline)
        if booking.person_id is None or not isinstance(token, str):
            return CantTell(reason="no contact or token to look up with")
        path = APPOINTMENTS.replace("{id}", segment(booking.person_id))
        call = self._call("GET", APPOINTMENTS, path, credentials, token)
        page = await self._location.account(credentials, deadline).look(call, "events")
        if isinstance(page, CantTell):
            return page
        known = [_meeting(one, booking) for one in map(mapping, items(page.fields["events"])) if _stands(one)]
        return match_booking(booking, known, f"GET {APPOINTMENTS}", self._caller.now())

    async def cancel(self, event: str, reason: str, credentials: ApiCredentials, deadline: float) -> Outcome:  # noqa: ARG002
        """Its API takes no reason."""
        token = await self._token(credentials, deadline)
        if not isinstance(token, str):
            return token
        path = APPOINTMENT.replace("{id}", segment(event))
        call = self._call("PUT", APPOINTMENT, path, credentials, token)
        cancelled = msgspec.structs.replace(call, json={"appointmentStatus": "cancelled"})
        outcome = await self._location.account(credentials, deadline).change(cancelled, token, dialect=_BOOKS)
        return await self._location.seen(outcome, credentials, token)

    async def _token(self, credentials: ApiCredentials, deadline: float) -> Token:
        return await self._location.access_token(credentials, deadline)

    def _call(self, method: str, route: str, path: str, credentials: ApiCredentials, token: str) -> Call:
        url, headers = base_url(credentials) + path, headers_of(credentials, token)
        return Call(method=method, route=route, url=url, headers=headers)


def _ms(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1_000))


def _slots(page: Answer) -> Iterator[str]:
    """A day's slots stand under its date, as a list or as `{"slots": […]}`."""
    for day in page.fields.values():
        listed = items(mapping(day).get("slots")) or items(day)
        yield from (slot for slot in listed if isinstance(slot, str))


def _stands(appointment: dict[str, Any]) -> bool:
    return str(appointment.get("appointmentStatus", "")).lower() not in _GONE


def _meeting(appointment: dict[str, Any], booking: Booking) -> Meeting:
    start = read_time(appointment.get("startTime"), booking.start)
    return Meeting(id=str(appointment.get("id")), start=start.astimezone(UTC) if start else None)


def _done(answer: Answer) -> ProviderIds | None:
    found = ids_of(answer.fields, event="id")
    return found or ids_of(mapping(answer.fields.get("appointment")), event="id") or None


def _special(answer: Answer, complaint: Complaint) -> Outcome | None:
    if answer.status == 400 and any(words in complaint.message.lower() for words in _TAKEN):
        return Refused(type="slot_taken", detail=complaint.message, http_status=400)
    return special_of(answer, complaint)


_BOOKS = Dialect(done=_done, complaint=complaint_of, special=_special)
