"""GoHighLevel's stand-in: messages by contact, DND, tags, a calendar, and OAuth pairs that replace each other."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from headrace.workspaces.workspace import Workspace
from operations.dev.sandbox.asked import (
    Answered,
    Asked,
    Complaint,
    Echo,
    Webhook,
    bearer,
    iso,
    posted,
    retry_header,
    secret_of,
)
from operations.dev.sandbox.store import Appointment, Message, Store

_TOKEN_SECONDS = 86_399
_CHANNELS = {"SMS": "TYPE_SMS", "Email": "TYPE_EMAIL"}


class Ghl:
    """See `StandIn`."""

    name = "ghl"

    def __init__(self) -> None:
        self.work = {
            "send": _send,
            "message": _message,
            "export": _export,
            "contact": _contact,
            "update_contact": _update_contact,
            "upsert_contact": _upsert_contact,
            "add_tags": _add_tags,
            "free_slots": _free_slots,
            "book": _book,
            "update_appointment": _update_appointment,
            "appointment": _appointment,
            "events": _events,
            "contact_appointments": _contact_appointments,
            "token": _token,
        }

    def key_of(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
        """The private integration's token, or an OAuth access token."""
        return bearer(headers)

    def refusal(self, status: int, kind: str, message: str) -> Answered:
        """`{statusCode, message, error?}`."""
        body = {"statusCode": status, "message": message, "traceId": "sandbox"}
        return Answered(status=status, body=body | ({"error": kind} if kind else {}))

    def invalid(self, complaints: list[str]) -> Answered:
        """Its validators send a list."""
        return Answered(status=422, body={"statusCode": 422, "message": complaints, "error": "Unprocessable Entity"})

    def limit_headers(self, remaining: int | None, wait: float) -> Mapping[str, str]:
        """A limit in ten seconds, and one a day."""
        return {
            "X-RateLimit-Limit-Daily": "200000",
            "X-RateLimit-Daily-Remaining": "199000",
            "X-RateLimit-Interval-Milliseconds": "10000",
            "X-RateLimit-Max": "100",
            "X-RateLimit-Remaining": str(0 if wait else 99 if remaining is None else remaining),
        } | retry_header(wait)

    def prove(self, echo: Echo, workspace: Workspace) -> Webhook:
        """A custom header."""
        return posted(self.name, workspace, echo.body, {"x-headrace-secret": secret_of(self.name, workspace)})


def _send(asked: Asked, store: Store) -> Answered:
    contact, channel = asked.body["contactId"], asked.body["type"]
    if ("ghl", f"dnd:{channel}", contact) in store.suppressed or ("ghl", "dnd", contact) in store.suppressed:
        raise Complaint(400, "Bad Request", f"Cannot send message as DND is active for {channel}.")
    now = store.now()
    known = next((one for one in store.thread("ghl", contact)), None)
    conversation = known.ids["conversationId"] if known else f"conv-{contact}"
    text = asked.body.get("message") or asked.body.get("html", "")
    message = store.add(
        Message(
            id=store.new_id("ghl-msg-"), provider="ghl", direction="outbound",
            account=asked.accounts.get("location_id", ""),
            thread=contact, person=contact, text=text, subject=asked.body.get("subject", ""), at=now, visible_at=now,
            request=asked.number, ids={"conversationId": conversation, "channel": channel},
        )
    )  # fmt: skip
    answer = {"conversationId": conversation, "messageId": message.id, "msg": "Message queued successfully."}
    return Answered(status=201, body=answer, sent=message, echoes=(_echo(message),))


def _echo(message: Message) -> Echo:
    body = {
        "type": "OutboundMessage",
        "locationId": message.account,
        "contactId": message.person,
        "conversationId": message.ids["conversationId"],
        "messageId": message.id,
        "messageType": message.ids["channel"],
        "direction": "outbound",
        "dateAdded": iso(message.at),
        "body": message.text,
        "status": "delivered",
        "source": "api",
        "contentType": "text/plain",
        **({"subject": message.subject} if message.subject else {}),
    }
    return Echo(body=body)


def _message(asked: Asked, store: Store) -> Answered:
    found = store.find("ghl", asked.at["id"])
    if found is None or found.visible_at > store.now():
        raise Complaint(404, "Not Found", "Message not found")
    return Answered(body=_shown(found))


def _export(asked: Asked, store: Store) -> Answered:
    query = asked.query
    wanted = [
        message
        for message in store.visible("ghl")
        if query.get("contactId") in (None, message.person)
        and query.get("channel", "SMS") == message.ids.get("channel", "SMS")
        and _within(message.at, query.get("startDate"), query.get("endDate"))
    ]
    start, size = int(query.get("cursor", "0")), int(query.get("limit", "100"))
    page = [_shown(one) for one in wanted[start : start + size]]
    following = str(start + size) if start + size < len(wanted) else None
    return Answered(body={"messages": page, "nextCursor": following, "total": len(wanted), "traceId": "sandbox"})


def _within(at: datetime, start: str | None, end: str | None) -> bool:
    after = start is None or datetime.fromisoformat(start) <= at
    return after and (end is None or at <= datetime.fromisoformat(end))


def _shown(message: Message) -> dict[str, object]:
    channel = message.ids.get("channel", "SMS")
    return {
        "id": message.id,
        "direction": message.direction,
        "status": "delivered",
        "type": 1 if channel == "SMS" else 3,
        "messageType": _CHANNELS.get(channel, "TYPE_CUSTOM"),
        "attachments": [],
        "body": message.text,
        "contactId": message.person,
        "contentType": "text/plain",
        "conversationId": message.ids["conversationId"],
        "dateAdded": iso(message.at),
        "dateUpdated": iso(message.at),
        "source": message.ids.get("source", "api") if message.direction == "outbound" else None,
    }


def _contact(asked: Asked, store: Store) -> Answered:
    contact = asked.at["id"]
    channels = {
        kind.partition(":")[2]: {"status": "active"}
        for provider, kind, who in store.suppressed
        if provider == "ghl" and who == contact and kind.startswith("dnd:")
    }
    is_dnd = ("ghl", "dnd", contact) in store.suppressed
    shown = {"id": contact, "dnd": is_dnd, "dndSettings": channels, "tags": store.tags["ghl", contact]}
    return Answered(body={"contact": shown, "traceId": "sandbox"})


def _update_contact(asked: Asked, store: Store) -> Answered:
    contact = asked.at["id"]
    echoes = _set_dnd(contact, asked, store)
    if "tags" in asked.body:
        store.tags["ghl", contact] = list(asked.body["tags"])
    return Answered(body={"succeded": True, "contact": {"id": contact}}, echoes=echoes)


def _upsert_contact(asked: Asked, store: Store) -> Answered:
    contact = f"contact-{asked.body.get('phone') or asked.body.get('email') or store.new_id('x')}"
    echoes = _set_dnd(contact, asked, store)
    return Answered(status=201, body={"new": True, "contact": {"id": contact}, "traceId": "sandbox"}, echoes=echoes)


def _set_dnd(contact: str, asked: Asked, store: Store) -> tuple[Echo, ...]:
    if "dnd" not in asked.body and "dndSettings" not in asked.body:
        return ()
    _mark(store, "dnd", contact, asked.body.get("dnd"))
    for channel, setting in asked.body.get("dndSettings", {}).items():
        _mark(store, f"dnd:{channel}", contact, setting["status"] != "inactive")
    body = {"type": "ContactDndUpdate", "id": contact, "contactId": contact, "dnd": asked.body.get("dnd", False)}
    where = {"locationId": asked.accounts.get("location_id", "")}
    return (Echo(body=body | where | {"dndSettings": asked.body.get("dndSettings", {})}),)


def _mark(store: Store, kind: str, contact: str, wanted: bool | None) -> None:
    if wanted:
        store.suppressed.setdefault(("ghl", kind, contact), store.now())
    elif wanted is False:
        store.suppressed.pop(("ghl", kind, contact), None)


def _add_tags(asked: Asked, store: Store) -> Answered:
    tags = store.tags["ghl", asked.at["id"]]
    tags += [tag for tag in asked.body["tags"] if tag not in tags]
    return Answered(status=201, body={"tags": tags, "tagsAdded": asked.body["tags"]})


def _free_slots(asked: Asked, store: Store) -> Answered:
    start, end = (_from_ms(asked.query[name]) for name in ("startDate", "endDate"))
    if end - start > timedelta(days=31):
        raise Complaint(400, "Bad Request", "Date range cannot be more than 31 days")
    taken = {one.start for one in store.appointments.values() if one.status != "cancelled"}
    days: dict[str, dict[str, list[str]]] = {}
    for slot in store.slots.get(asked.at["id"], []):
        if start <= slot <= end and slot not in taken:
            days.setdefault(slot.strftime("%Y-%m-%d"), {"slots": []})["slots"].append(slot.isoformat())
    return Answered(body=days | {"traceId": "sandbox"})


def _book(asked: Asked, store: Store) -> Answered:
    body, now = asked.body, store.now()
    start = datetime.fromisoformat(body["startTime"])
    free = start in store.slots.get(body["calendarId"], [])
    taken = any(
        one.start == start and one.calendar == body["calendarId"] and one.status != "cancelled"
        for one in store.appointments.values()
    )
    if (taken or not free) and not body.get("ignoreFreeSlotValidation"):
        raise Complaint(400, "Bad Request", "The slot you have selected is no longer available.")
    end = datetime.fromisoformat(body["endTime"]) if "endTime" in body else start + timedelta(minutes=30)
    made = Appointment(
        id=store.new_id("ghl-appt-"), provider="ghl", calendar=body["calendarId"], person=body["contactId"],
        start=start, end=end, status=body.get("appointmentStatus", "confirmed"), request=asked.number, visible_at=now,
    )  # fmt: skip
    store.appointments[made.id] = made
    return Answered(status=201, body=_appointment_shown(made))


def _update_appointment(asked: Asked, store: Store) -> Answered:
    found = _known(asked, store)
    found.status = asked.body.get("appointmentStatus", found.status)
    return Answered(body=_appointment_shown(found))


def _appointment(asked: Asked, store: Store) -> Answered:
    return Answered(body={"appointment": _appointment_shown(_known(asked, store))})


def _known(asked: Asked, store: Store) -> Appointment:
    found = store.appointments.get(asked.at["id"])
    if found is None or found.provider != "ghl":
        raise Complaint(404, "Not Found", "Appointment not found")
    return found


def _events(asked: Asked, store: Store) -> Answered:
    start, end = (_from_ms(asked.query[name]) for name in ("startTime", "endTime"))
    now = store.now()
    found = [
        _appointment_shown(one)
        for one in store.appointments.values()
        if one.provider == "ghl" and one.visible_at <= now and start <= one.start <= end
        and asked.query.get("calendarId") in (None, one.calendar)
    ]  # fmt: skip
    return Answered(body={"events": found})


def _contact_appointments(asked: Asked, store: Store) -> Answered:
    now = store.now()
    own = (one for one in store.appointments.values() if one.person == asked.at["id"] and one.visible_at <= now)
    return Answered(body={"events": [_appointment_shown(one) for one in own]})


def _appointment_shown(one: Appointment) -> dict[str, object]:
    return {
        "id": one.id,
        "calendarId": one.calendar,
        "contactId": one.person,
        "startTime": one.start.isoformat(),
        "endTime": one.end.isoformat(),
        "appointmentStatus": one.status,
        "dateAdded": iso(one.visible_at),
    }


def _token(asked: Asked, store: Store) -> Answered:
    """A refresh token counts once: the new pair takes the old one's place."""
    location = next(
        (at for at, pair in store.token_pairs.items() if pair["refresh_token"] == asked.body.get("refresh_token")), None
    )
    if asked.body["grant_type"] != "refresh_token" or location is None:
        raise Complaint(400, "invalid_grant", "This refresh token is invalid")
    pair = {
        "access_token": store.new_id("ghl-access-"),
        "refresh_token": store.new_id("ghl-refresh-"),
        "token_type": "Bearer",
        "expires_in": _TOKEN_SECONDS,
        "userType": "Location",
        "locationId": location,
    }
    store.token_pairs[location] = pair
    store.keys.setdefault("ghl", set()).add(str(pair["access_token"]))
    return Answered(body=pair)


def _from_ms(value: str) -> datetime:
    return datetime.fromtimestamp(int(value) / 1_000, UTC)


STAND_IN = Ghl()
