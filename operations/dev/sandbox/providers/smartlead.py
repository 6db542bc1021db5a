"""SmartLead's stand-in: threads by campaign and lead, whose sends are answered without an id."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from headrace.workspaces.workspace import Workspace
from operations.dev.sandbox.asked import Answered, Asked, Complaint, Echo, Webhook, iso, posted, retry_header, secret_of
from operations.dev.sandbox.store import Message, Store


class Smartlead:
    """See `StandIn`."""

    name = "smartlead"

    def __init__(self) -> None:
        self.work = {
            "send": _send,
            "history": _history,
            "lead": _lead,
            "pause": _pause,
            "resume": _resume,
            "unsubscribe": _unsubscribe,
            "unsubscribe_campaign": _unsubscribe,
            "category": _category,
            "block": _block,
            "blocked": _blocked,
        }

    def key_of(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
        """`api_key` in the query."""
        return query.get("api_key", "")

    def refusal(self, status: int, kind: str, message: str) -> Answered:
        """Three shapes: a message for keys, a coded error for limits, words for all else."""
        if status == 401:
            return Answered(status=401, body={"message": message or "API key is required."})
        if status == 429:
            error = {"code": "RATE_LIMIT_EXCEEDED", "message": message, "retry_after": 30}
            return Answered(status=429, body={"error": error})
        return Answered(status=status, body={"error": message})

    def invalid(self, complaints: list[str]) -> Answered:
        """400 with the first one."""
        return self.refusal(400, "", complaints[0])

    def limit_headers(self, remaining: int | None, wait: float) -> Mapping[str, str]:
        """`X-RateLimit-Reset` is its clock's time."""
        left = 0 if wait else 59 if remaining is None else remaining
        reset = int(datetime.now(UTC).timestamp() + (wait or 60))
        return {
            "X-RateLimit-Limit": "60",
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(reset),
        } | retry_header(wait)

    def prove(self, echo: Echo, workspace: Workspace) -> Webhook:
        """The secret in the body."""
        return posted(self.name, workspace, {**echo.body, "secret_key": secret_of(self.name, workspace)})


def _send(asked: Asked, store: Store) -> Answered:
    campaign, stats = asked.at["campaign_id"], asked.body["email_stats_id"]
    answered = store.find("smartlead", stats)
    if answered is not None and answered.ids.get("campaign_id") != campaign:
        raise Complaint(400, "", "Invalid email_stats_id or campaign_id")
    person = asked.body.get("to_email") or (answered.person if answered else "")
    lead = answered.ids.get("lead_email", person) if answered else person
    now = store.now()
    message = store.add(
        Message(
            id=store.new_id("sl-msg-"), provider="smartlead", direction="outbound",
            account=answered.account if answered else "sender@sandbox.example",
            thread=answered.thread if answered else f"{campaign}:{stats}", person=person,
            text=asked.body["email_body"], html=asked.body["email_body"], at=now, visible_at=now, request=asked.number,
            subject=answered.subject if answered else "", ids={
                "campaign_id": campaign, "stats_id": store.new_id("sl-stats-"), "lead_email": lead,
                "lead_id": (answered.ids.get("lead_id") if answered else None) or _lead_id(lead),
            },
        )
    )  # fmt: skip
    return Answered(body={"ok": True, "data": "success"}, sent=message, echoes=(_echo(message),))


def _lead_id(address: str) -> str:
    """The lead of an address: any number will do, if it is always the same."""
    return str(sum(address.encode()) * 7919 + len(address))


def _echo(message: Message) -> Echo:
    return Echo(
        body={
            "event_type": "EMAIL_SENT",
            "campaign_id": int(message.ids["campaign_id"]) if message.ids["campaign_id"].isdecimal() else 0,
            "campaign_name": "Sandbox",
            "stats_id": message.ids["stats_id"],
            "from_email": message.account,
            "to_email": message.ids["lead_email"],
            "subject": message.subject,
            "sent_message": {
                "message_id": f"<{message.id}@sandbox.example>",
                "html": message.html,
                "time": iso(message.at),
            },
            "event_timestamp": iso(message.at),
        }
    )


def _history(asked: Asked, store: Store) -> Answered:
    after = datetime.fromisoformat(asked.query["event_time_gt"]) if "event_time_gt" in asked.query else None
    rows = [
        _row(one)
        for one in store.visible("smartlead")
        if one.ids.get("campaign_id") == asked.at["campaign_id"]
        and one.ids.get("lead_id") == asked.at["lead_id"]
        and (after is None or one.at > after)
    ]
    return Answered(body={"history": rows, "from": "", "to": ""})


def _row(message: Message) -> dict[str, Any]:
    return {
        "type": "SENT" if message.direction == "outbound" else "REPLY",
        "message_id": f"<{message.id}@sandbox.example>",
        "stats_id": message.ids["stats_id"],
        "time": iso(message.at),
        "email_body": message.html or message.text,
        "subject": message.subject,
        "from": message.account if message.direction == "outbound" else message.person,
    }


def _lead(asked: Asked, store: Store) -> Answered:
    address = asked.query["email"]
    known = next((one.ids for one in store.messages if one.ids.get("lead_email") == address), {})
    return Answered(body={"id": known.get("lead_id") or _lead_id(address), "email": address})


def _pause(asked: Asked, store: Store) -> Answered:
    store.paused.setdefault(("smartlead", asked.at["lead_id"]), store.now())
    return Answered(body={"ok": True, "data": "success"})


def _resume(asked: Asked, store: Store) -> Answered:
    store.paused.pop(("smartlead", asked.at["lead_id"]), None)
    return Answered(body={"ok": True, "data": "success"})


def _unsubscribe(asked: Asked, store: Store) -> Answered:
    store.suppressed.setdefault(("smartlead", "unsubscribed", asked.at["lead_id"]), store.now())
    return Answered(body={"ok": True, "data": "success"})


def _category(asked: Asked, store: Store) -> Answered:
    store.labels["smartlead", asked.at["lead_id"]] = str(asked.body["category_id"])
    return Answered(body={"ok": True, "data": "success"})


def _block(asked: Asked, store: Store) -> Answered:
    for value in asked.body["domain_block_list"]:
        store.suppressed.setdefault(("smartlead", "blocked", value.lower()), store.now())
    return Answered(body={"ok": True, "data": "success"})


def _blocked(asked: Asked, store: Store) -> Answered:
    wanted = asked.query.get("filter_email_or_domain")
    blocked = [
        {"id": number, "email_or_domain": value, "source": "api"}
        for number, (provider, kind, value) in enumerate(store.suppressed)
        if provider == "smartlead" and kind == "blocked" and wanted in (None, value)
    ]
    return Answered(body=blocked)


STAND_IN = Smartlead()
