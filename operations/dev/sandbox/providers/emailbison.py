"""EmailBison's stand-in: replies by number, threads in pages of 15, a blacklist that can be asked."""

from collections.abc import Mapping
from typing import Any

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
from operations.dev.sandbox.store import Message, Store

_PAGE = 15


class Emailbison:
    """See `StandIn`."""

    name = "emailbison"

    def __init__(self) -> None:
        self.work = {
            "send": _send,
            "thread": _thread,
            "unsubscribe_lead": _unsubscribe,
            "blacklist_email": _blacklist,
            "blacklisted_email": _blacklisted,
            "stop_future_emails": _stop,
            "interested": _interested,
            "not_interested": _not_interested,
        }

    def key_of(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
        """A workspace's bearer token."""
        return bearer(headers)

    def refusal(self, status: int, kind: str, message: str) -> Answered:
        """Laravel's, and its own `data` around what it refuses itself."""
        if status in (400, 404):
            return Answered(status=status, body={"data": {"success": False, "message": message}})
        return Answered(status=status, body={"message": message})

    def invalid(self, complaints: list[str]) -> Answered:
        """422 with the fields."""
        errors = {complaint.partition(":")[0]: [complaint] for complaint in complaints}
        return Answered(status=422, body={"message": "The given data was invalid.", "errors": errors})

    def limit_headers(self, remaining: int | None, wait: float) -> Mapping[str, str]:
        """Laravel's."""
        left = 0 if wait else 2_999 if remaining is None else remaining
        return {"X-RateLimit-Limit": "3000", "X-RateLimit-Remaining": str(left)} | retry_header(wait)

    def prove(self, echo: Echo, workspace: Workspace) -> Webhook:
        """The secret in the address."""
        return posted(self.name, workspace, echo.body, query={"secret": secret_of(self.name, workspace)})


def _send(asked: Asked, store: Store) -> Answered:
    answered = store.find("emailbison", asked.at["id"])
    body, now = asked.body, store.now()
    to = (body.get("to_emails") or [{}])[0].get("email_address") or (answered.person if answered else "")
    is_html = body.get("content_type") == "html"
    number = store.new_id("9")
    message = store.add(
        Message(
            id=number, provider="emailbison", direction="outbound", person=to,
            account=answered.account if answered else f"sender-{body.get('sender_email_id')}@sandbox.example",
            thread=answered.thread if answered else f"reply-{asked.at['id']}", at=now, visible_at=now,
            text="" if is_html else body["message"], html=body["message"] if is_html else "", request=asked.number,
            subject=f"Re: {answered.subject}" if answered else "Re:", ids={
                "sender_email_id": str(body.get("sender_email_id", "")),
                **({k: v for k, v in answered.ids.items() if k in ("campaign_id", "lead_id", "lead_email")}
                   if answered else {}),
            },
        )
    )  # fmt: skip
    answer = {"success": True, "message": "Reply sent successfully", "reply": {"id": int(number)}}
    return Answered(body={"data": answer}, sent=message, echoes=(_echo(message, asked.accounts),))


def _shown(message: Message) -> dict[str, Any]:
    outbound = message.direction == "outbound"
    return {
        "id": int(message.id) if message.id.isdecimal() else message.id,
        "uuid": f"uuid-{message.id}",
        "folder": "Sent" if outbound else "Inbox",
        "type": "Outgoing Email" if outbound else "Tracked Reply",
        "subject": message.subject,
        "raw_message_id": f"<{message.id}@sandbox.example>",
        "text_body": message.text or None,
        "html_body": message.html or None,
        "from_email_address": message.account if outbound else message.person,
        "date_received": iso(message.at),
    }


def _echo(message: Message, accounts: Mapping[str, str]) -> Echo:
    workspace = accounts.get("workspace_id", "")
    reply = _shown(message) | {
        "email_subject": message.subject,
        "to": [{"address": message.person, "name": None}],
        "primary_to_email_address": message.person,
    }
    lead_email = message.ids.get("lead_email", message.person)
    lead = {"id": message.ids.get("lead_id"), "email": lead_email}
    campaign = message.ids.get("campaign_id")
    return Echo(
        body={
            "event": {
                "type": "MANUAL_EMAIL_SENT",
                "name": "Manual Email Sent",
                "workspace_id": int(workspace) if workspace.isdecimal() else workspace,
            },
            "data": {
                "reply": reply,
                "lead": {name: value for name, value in lead.items() if value},
                **({"campaign": {"id": campaign, "name": "Sandbox"}} if campaign else {}),
                "sender_email": {"id": message.ids.get("sender_email_id"), "email": message.account},
            },
        }
    )


def _thread(asked: Asked, store: Store) -> Answered:
    answered = store.find("emailbison", asked.at["id"])
    shown = list(store.thread("emailbison", answered.thread if answered else f"reply-{asked.at['id']}"))
    page = int(asked.query.get("page", "1"))
    last = max(1, -(-len(shown) // _PAGE))
    rows = [_shown(one) for one in shown[(page - 1) * _PAGE : page * _PAGE]]
    return Answered(body={"data": rows, "meta": {"current_page": page, "last_page": last, "per_page": _PAGE}})


def _unsubscribe(asked: Asked, store: Store) -> Answered:
    store.suppressed.setdefault(("emailbison", "unsubscribed", asked.at["id"]), store.now())
    return Answered(body={"data": {"success": True, "message": "Lead unsubscribed"}})


def _blacklist(asked: Asked, store: Store) -> Answered:
    address = asked.body["email"].lower()
    store.suppressed.setdefault(("emailbison", "blacklisted", address), store.now())
    return Answered(status=201, body={"data": {"id": len(store.suppressed), "email": address}})


def _blacklisted(asked: Asked, store: Store) -> Answered:
    address = asked.at["email"].lower()
    since = store.suppressed.get(("emailbison", "blacklisted", address))
    if since is None:
        raise Complaint(404, "", "Blacklisted email not found")
    return Answered(body={"data": {"email": address, "created_at": iso(since)}})


def _stop(asked: Asked, store: Store) -> Answered:
    for lead in asked.body["lead_ids"]:
        store.paused.setdefault(("emailbison", str(lead)), store.now())
    return Answered(body={"data": {"success": True, "message": "Future emails stopped"}})


def _interested(asked: Asked, store: Store) -> Answered:
    store.labels["emailbison", asked.at["id"]] = "interested"
    return Answered(body={"data": {"id": asked.at["id"], "interested": True}})


def _not_interested(asked: Asked, store: Store) -> Answered:
    store.labels["emailbison", asked.at["id"]] = "not_interested"
    return Answered(body={"data": {"id": asked.at["id"], "interested": False}})


STAND_IN = Emailbison()
