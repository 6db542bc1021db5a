"""Instantly's stand-in: e-mails by id, listed 20 times a minute at most, with errors inside of 200s on request."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headrace.workspaces.workspace import Workspace
from operations.dev.sandbox.asked import Answered, Asked, Echo, Webhook, bearer, iso, posted, secret_of
from operations.dev.sandbox.store import Message, Store

_ERRORS = {
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    409: "Conflict", 429: "Too Many Requests",
}  # fmt: skip


class Instantly:
    """See `StandIn`."""

    name = "instantly"

    def __init__(self) -> None:
        self.work = {
            "send": _send,
            "emails": _emails,
            "interest": _interest,
            "block": _block,
            "blocked": _blocked,
            "leave_subsequence": _leave,
        }

    def key_of(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
        """A bearer key."""
        return bearer(headers)

    def refusal(self, status: int, kind: str, message: str) -> Answered:
        """`{statusCode, error, message}`; also what stands inside of its wrong 200s."""
        error = _ERRORS.get(status, "Internal Server Error")
        return Answered(status=status, body={"statusCode": status, "error": error, "message": message})

    def invalid(self, complaints: list[str]) -> Answered:
        """400."""
        return self.refusal(400, "", "; ".join(complaints))

    def limit_headers(self, remaining: int | None, wait: float) -> Mapping[str, str]:
        """It has none."""
        return {}

    def prove(self, echo: Echo, workspace: Workspace) -> Webhook:
        """A custom header."""
        proof = {"authorization": f"Bearer {secret_of(self.name, workspace)}"}
        return posted(self.name, workspace, echo.body, proof)


def _send(asked: Asked, store: Store) -> Answered:
    body = asked.body
    answered = store.find("instantly", body["reply_to_uuid"])
    now = store.now()
    person = answered.person if answered else ""
    message = store.add(
        Message(
            id=store.new_id("ins-email-"), provider="instantly", direction="outbound", account=body["eaccount"],
            thread=answered.thread if answered else f"thread-{body['reply_to_uuid']}", person=person,
            text=body["body"].get("text", ""), html=body["body"].get("html", ""), subject=body["subject"],
            at=now, visible_at=now, request=asked.number, ids={
                "campaign_id": answered.ids.get("campaign_id", "") if answered else "",
                "lead_email": answered.ids.get("lead_email", person) if answered else "",
            },
        )
    )  # fmt: skip
    return Answered(body=_shown(message), sent=message, echoes=(_echo(message, asked.accounts),))


def _shown(message: Message) -> dict[str, Any]:
    inbound = message.direction == "inbound"
    return {
        "id": message.id,
        "timestamp_created": iso(message.at),
        "timestamp_email": iso(message.at),
        "message_id": f"<{message.id}@sandbox.example>",
        "subject": message.subject,
        "from_address_email": message.person if inbound else message.account,
        "to_address_email_list": message.account if inbound else message.person,
        "body": {"text": message.text, "html": message.html},
        "eaccount": message.account,
        "campaign_id": message.ids.get("campaign_id") or None,
        "lead": message.ids.get("lead_email") or None,
        "thread_id": message.thread,
        "ue_type": 2 if inbound else 3,
    }


def _echo(message: Message, accounts: Mapping[str, str]) -> Echo:
    return Echo(
        body={
            "event_type": "email_sent",
            "timestamp": iso(message.at),
            "workspace": accounts.get("workspace_id", ""),
            "campaign_id": message.ids.get("campaign_id") or None,
            "lead_email": message.ids.get("lead_email") or message.person or None,
            "email_account": message.account,
            "email_id": message.id,
            "email_subject": message.subject,
            "email_text": message.text,
            "email_html": message.html,
        }
    )


def _emails(asked: Asked, store: Store) -> Answered:
    query = asked.query
    found = [one for one in store.visible("instantly") if _is_asked_for(one, query)]
    found.sort(key=lambda one: one.at, reverse=query.get("sort_order") != "asc")
    ids = [one.id for one in found]
    start = ids.index(query["starting_after"]) + 1 if query.get("starting_after") in ids else 0
    page = found[start : start + int(query.get("limit", "10"))]
    more = page and start + len(page) < len(found)
    return Answered(
        body={"items": [_shown(one) for one in page], **({"next_starting_after": page[-1].id} if more else {})}
    )


def _is_asked_for(message: Message, query: Mapping[str, str]) -> bool:
    search = query.get("search", "")
    thread = search.removeprefix("thread:") if search.startswith("thread:") else None
    kind = {"received": "inbound", "sent": "outbound", "manual": "outbound"}.get(query.get("email_type", ""))
    after, before = query.get("min_timestamp_created"), query.get("max_timestamp_created")
    return (
        (message.thread == thread if thread else search in ("", message.person, message.ids.get("lead_email")))
        and query.get("eaccount") in (None, message.account)
        and query.get("lead") in (None, message.ids.get("lead_email"))
        and kind in (None, message.direction)
        and (after is None or datetime.fromisoformat(after) <= message.at)
        and (before is None or message.at <= datetime.fromisoformat(before))
    )


def _interest(asked: Asked, store: Store) -> Answered:
    """Accepted, not done: a job of theirs in the background."""
    store.labels["instantly", asked.body["lead_email"].lower()] = str(asked.body["interest_value"])
    return Answered(status=202, body={"message": "Lead interest status update background job submitted"})


def _block(asked: Asked, store: Store) -> Answered:
    value = asked.body["bl_value"].lower()
    store.suppressed.setdefault(("instantly", "blocked", value), store.now())
    return Answered(body={"id": f"bl-{value}", "bl_value": value, "is_domain": "@" not in value})


def _blocked(asked: Asked, store: Store) -> Answered:
    search = asked.query.get("search", "").lower()
    values = [value for provider, kind, value in store.suppressed if provider == "instantly" and kind == "blocked"]
    shown = [{"id": f"bl-{one}", "bl_value": one, "is_domain": "@" not in one} for one in values if search in one]
    return Answered(body={"items": shown})


def _leave(asked: Asked, store: Store) -> Answered:
    store.paused.setdefault(("instantly", asked.body["id"]), store.now())
    return Answered(body={"id": asked.body["id"]})


STAND_IN = Instantly()
