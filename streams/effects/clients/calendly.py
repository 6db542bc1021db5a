"""Calendly: bookings by invitee on one event type. It needs a paid plan.

Routes and fields: https://developer.calendly.com/api-docs. Numbers of its limits are not documented.
"""

from datetime import UTC, datetime, timedelta

from headrace.providers.fields import items, mapping
from headrace.providers.timestamps import read_time
from headrace.workspaces.api_credentials import ApiCredentials
from streams.effects.clients.account import Account, missing, not_answerable, segment, short_hash
from streams.effects.clients.allowances import Standing
from streams.effects.clients.bookings import Meeting, match_booking
from streams.effects.clients.calendar import Booking, FreeSlots
from streams.effects.clients.calling import Answer, Call, Caller
from streams.effects.clients.judging import Complaint, Dialect, retry_after, words_of
from streams.effects.outcome import CantTell, LookUp, Outcome, ProviderIds, Refused

BASE = "https://api.calendly.com"
FREE = "/event_type_available_times"
BOOK = "/invitees"
EVENTS = "/scheduled_events"
CANCEL = "/scheduled_events/{uuid}/cancellation"
_WINDOW = timedelta(days=7)
_TAKEN = ("not available", "no longer available", "already been taken", "conflict")


class CalendlyCalendar:
    """See `Calendar`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def free_slots(
        self, start: datetime, end: datetime, credentials: ApiCredentials, deadline: float
    ) -> FreeSlots | CantTell:
        """A week at a time: more is refused."""
        if "api_key" not in credentials.secrets or "event_type" not in credentials.settings:
            return CantTell(reason="no key or event type")
        account, found = self._account(credentials, deadline), set[datetime]()
        while start < end:
            until = min(start + _WINDOW, end)
            query = {
                "event_type": credentials.settings["event_type"],
                "start_time": _iso(start),
                "end_time": _iso(until),
            }
            call = self._call("GET", FREE, FREE, credentials, query=query)
            page = await account.look(call, "collection")
            if isinstance(page, CantTell):
                return page
            free = (one for one in map(mapping, items(page.fields["collection"])) if one.get("status") == "available")
            found.update(time for one in free if (time := read_time(one.get("start_time"), end)))
            start = until
        return FreeSlots(tuple(sorted(found)))

    async def book(self, booking: Booking, credentials: ApiCredentials, deadline: float) -> Outcome:
        """Name and address are required."""
        if "api_key" not in credentials.secrets or "event_type" not in credentials.settings:
            return missing("services.calendly.api.api_key", "event_type")
        if not booking.email:
            return not_answerable("an address")
        invitee = {"name": booking.name or booking.email, "email": booking.email}
        body = {
            "event_type": credentials.settings["event_type"],
            "start_time": _iso(booking.start),
            "invitee": invitee | ({"timezone": booking.timezone} if booking.timezone else {}),
        }
        call = self._call("POST", BOOK, BOOK, credentials, body=body)
        return await self._account(credentials, deadline).change(call, booking.email)

    async def find_booking(self, booking: Booking, credentials: ApiCredentials, deadline: float) -> LookUp:
        """By invitee and time."""
        owner = next((name for name in ("organization", "user") if name in credentials.settings), None)
        if "api_key" not in credentials.secrets or owner is None or not booking.email:
            return CantTell(reason="no key, owner or address to look up with")
        query = {
            owner: credentials.settings[owner],
            "invitee_email": booking.email,
            "min_start_time": _iso(booking.start - timedelta(minutes=1)),
            "max_start_time": _iso(booking.start + timedelta(minutes=1)),
            "status": "active",
            "count": "100",
        }
        call = self._call("GET", EVENTS, EVENTS, credentials, query=query)
        page = await self._account(credentials, deadline).look(call, "collection")
        if isinstance(page, CantTell):
            return page
        own = (one for one in map(mapping, items(page.fields["collection"])) if one.get("status") == "active")
        known = [
            Meeting(id=_uuid(one.get("uri")), start=read_time(one.get("start_time"), booking.start)) for one in own
        ]
        return match_booking(booking, known, f"GET {EVENTS}", self._caller.now())

    async def cancel(self, event: str, reason: str, credentials: ApiCredentials, deadline: float) -> Outcome:
        """The invitee gets Calendly's own mail about it."""
        if "api_key" not in credentials.secrets:
            return missing("services.calendly.api.api_key")
        path = CANCEL.replace("{uuid}", segment(event))
        call = self._call("POST", CANCEL, path, credentials, body={"reason": reason})
        return await self._account(credentials, deadline).change(call, dialect=_CANCELS)

    def _call(
        self,
        method: str,
        route: str,
        path: str,
        credentials: ApiCredentials,
        *,
        query: dict[str, str] | None = None,
        body: object = None,
    ) -> Call:
        headers = {"Authorization": f"Bearer {credentials.secrets['api_key']}"}
        url = credentials.settings.get("base_url", BASE) + path
        return Call(method=method, route=route, url=url, headers=headers, query=dict(query or {}), json=body)

    def _account(self, credentials: ApiCredentials, deadline: float) -> Account:
        key = short_hash(credentials.secrets.get("api_key", ""))
        return Account(self._caller, credentials, deadline, dialect=_DIALECT, standing=_standing, limited_as=key)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _uuid(uri: object) -> str:
    """Resources are named by addresses; calls take their last part."""
    return uri.rstrip("/").rpartition("/")[2] if isinstance(uri, str) else ""


def _done(answer: Answer) -> ProviderIds | None:
    """`resource.uri` is the invitee's, and `scheduled_event` (or `event`) the meeting's."""
    resource = mapping(answer.fields.get("resource"))
    event = mapping(resource.get("scheduled_event")).get("uri") or resource.get("event")
    if not isinstance(resource.get("uri"), str):
        return None
    named = _uuid(event) or str(resource["uri"]).partition("/scheduled_events/")[2].partition("/")[0]
    return {"event": named, "invitee": str(resource["uri"])} if named else None


def _cancelled(answer: Answer) -> ProviderIds | None:
    return {} if isinstance(answer.fields.get("resource"), dict) else None


def _complaint(answer: Answer) -> Complaint | None:
    title, message = words_of(answer.fields.get("title")), words_of(answer.fields.get("message"))
    return Complaint({404: "not_found"}.get(answer.status, "bad_request"), message or title) if title else None


def _special(answer: Answer, complaint: Complaint) -> Outcome | None:
    if answer.status == 400 and any(words in complaint.message.lower() for words in _TAKEN):
        return Refused(type="slot_taken", detail=complaint.message, http_status=400)
    if answer.status == 403 and "already canceled" in complaint.message:
        return Refused(type="already_cancelled", detail=complaint.message, http_status=403)
    return None


def _standing(answer: Answer) -> Standing:
    return Standing(retry_after=retry_after(answer) if answer.status == 429 else None)


_DIALECT = Dialect(done=_done, complaint=_complaint, special=_special)
_CANCELS = Dialect(done=_cancelled, complaint=_complaint, special=_special)
