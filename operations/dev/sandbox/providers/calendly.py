"""Calendly's stand-in: free times, bookings by invitee, cancellations, and webhooks of both."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from headrace.workspaces.workspace import Workspace
from operations.dev.sandbox.asked import Answered, Asked, Complaint, Echo, Webhook, bearer, iso, posted
from operations.dev.sandbox.store import Appointment, Store

_TITLES = {400: "Invalid Argument", 401: "Unauthenticated", 403: "Permission Denied", 404: "Resource Not Found"}


class Calendly:
    """See `StandIn`."""

    name = "calendly"

    def __init__(self) -> None:
        self.work = {"book": _book, "free_slots": _free_slots, "events": _events, "cancel": _cancel}

    def key_of(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
        """A personal access token, or an OAuth one."""
        return bearer(headers)

    def refusal(self, status: int, kind: str, message: str) -> Answered:
        """`{title, message}`."""
        return Answered(status=status, body={"title": _TITLES.get(status, "Internal Server Error"), "message": message})

    def invalid(self, complaints: list[str]) -> Answered:
        """400 with details."""
        details = [{"parameter": one.partition(":")[0], "message": one} for one in complaints]
        message = "The supplied parameters are invalid."
        return Answered(status=400, body={"title": "Invalid Argument", "message": message, "details": details})

    def limit_headers(self, remaining: int | None, wait: float) -> Mapping[str, str]:
        """What it sends is not documented."""
        return {}

    def prove(self, echo: Echo, workspace: Workspace) -> Webhook:
        """`t=<unix>,v1=<hex HMAC-SHA256 of "t.body">`."""
        service = workspace.services.get(self.name)
        key = service.secrets.get("signing_key", "") if service else ""
        raw, at = msgspec.json.encode(echo.body), str(int(time.time()))
        signature = hmac.new(key.encode(), f"{at}.".encode() + raw, hashlib.sha256).hexdigest()
        return posted(self.name, workspace, echo.body, {"calendly-webhook-signature": f"t={at},v1={signature}"})


def _free_slots(asked: Asked, store: Store) -> Answered:
    start, end = (datetime.fromisoformat(asked.query[name]) for name in ("start_time", "end_time"))
    if end - start > timedelta(days=7):
        raise Complaint(400, "", "The date range can be no greater than 1 week (7 days).")
    taken = {one.start for one in store.appointments.values() if one.status == "active"}
    free = [one for one in store.slots.get(asked.query["event_type"], []) if start <= one <= end and one not in taken]
    shown = [{"status": "available", "start_time": iso(one), "invitees_remaining": 1} for one in free]
    return Answered(body={"collection": shown})


def _book(asked: Asked, store: Store) -> Answered:
    body, now = asked.body, store.now()
    start = datetime.fromisoformat(body["start_time"])
    taken = {one.start for one in store.appointments.values() if one.status == "active"}
    if start not in store.slots.get(body["event_type"], []) or start in taken:
        raise Complaint(400, "", "The event type is not available at the given time.")
    made = Appointment(
        id=store.new_id("cal-event-"), provider="calendly", calendar=body["event_type"],
        person=body["invitee"]["email"].lower(), start=start, end=start + timedelta(minutes=30), status="active",
        request=asked.number, visible_at=now,
    )  # fmt: skip
    store.appointments[made.id] = made
    resource = _invitee(made, asked.url)
    echo = Echo(body={"event": "invitee.created", "created_at": iso(now), "payload": resource})
    return Answered(status=201, body={"resource": resource}, echoes=(echo,))


def _invitee(one: Appointment, base: str) -> dict[str, Any]:
    event = {**_event(one, base)}
    return {
        "uri": f"{base}/scheduled_events/{one.id}/invitees/{one.id}-i",
        "email": one.person,
        "status": one.status,
        "event": event["uri"],
        "scheduled_event": event,
        "cancel_url": f"https://calendly.com/cancellations/{one.id}",
        "reschedule_url": f"https://calendly.com/reschedulings/{one.id}",
    }


def _event(one: Appointment, base: str) -> dict[str, Any]:
    return {
        "uri": f"{base}/scheduled_events/{one.id}",
        "event_type": one.calendar,
        "status": one.status,
        "start_time": iso(one.start),
        "end_time": iso(one.end),
        "created_at": iso(one.visible_at),
    }


def _events(asked: Asked, store: Store) -> Answered:
    query, now = asked.query, store.now()
    low, high = query.get("min_start_time"), query.get("max_start_time")
    found = [
        _event(one, asked.url)
        for one in store.appointments.values()
        if one.provider == "calendly" and one.visible_at <= now
        and query.get("invitee_email", one.person).lower() == one.person
        and query.get("status") in (None, one.status)
        and (low is None or datetime.fromisoformat(low) <= one.start)
        and (high is None or one.start <= datetime.fromisoformat(high))
    ]  # fmt: skip
    return Answered(body={"collection": found, "pagination": {"count": len(found), "next_page_token": None}})


def _cancel(asked: Asked, store: Store) -> Answered:
    found = store.appointments.get(asked.at["id"])
    if found is None or found.provider != "calendly":
        raise Complaint(404, "", "The server could not find the requested resource.")
    if found.status == "canceled":
        raise Complaint(403, "", "Event is already canceled")
    found.status = "canceled"
    echo = Echo(
        body={"event": "invitee.canceled", "created_at": iso(store.now()), "payload": _invitee(found, asked.url)}
    )
    resource = {"canceled_by": "Sandbox", "reason": asked.body.get("reason"), "canceler_type": "host"}
    return Answered(status=201, body={"resource": resource}, echoes=(echo,))


STAND_IN = Calendly()
