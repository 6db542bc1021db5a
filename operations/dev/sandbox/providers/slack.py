"""Slack's stand-in: cards by channel and time stamp, and errors that are 200s."""

from collections.abc import Mapping
from typing import Any

from headrace.workspaces.workspace import Workspace
from operations.dev.sandbox.asked import Answered, Asked, Complaint, Echo, Webhook, bearer, posted, retry_header
from operations.dev.sandbox.store import Message, Store

_CODES = {401: "invalid_auth", 429: "ratelimited", 500: "internal_error"}


class Slack:
    """See `StandIn`."""

    name = "slack"

    def __init__(self) -> None:
        self.work = {
            "post": _post,
            "update": _update,
            "history": _history,
            "lookup_by_email": _lookup,
            "open": _open,
            "response": _response,
            "auth_test": _auth_test,
        }

    def key_of(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
        """A bot's token; addresses for responses carry their own proof."""
        return bearer(headers) or "response_url"

    def refusal(self, status: int, kind: str, message: str) -> Answered:
        """`ok: false` with 200, limits and breakdowns aside."""
        code = kind or _CODES.get(status, "fatal_error")
        return Answered(status=status if status in (429, 500, 503) else 200, body={"ok": False, "error": code})

    def invalid(self, complaints: list[str]) -> Answered:
        """Its messages name the place."""
        details = {"messages": complaints}
        return Answered(body={"ok": False, "error": "invalid_arguments", "response_metadata": details})

    def limit_headers(self, remaining: int | None, wait: float) -> Mapping[str, str]:
        """Only Retry-After, with a 429."""
        return retry_header(wait)

    def prove(self, echo: Echo, workspace: Workspace) -> Webhook:
        """It sends none of these."""
        return posted(self.name, workspace, echo.body)


def _post(asked: Asked, store: Store) -> Answered:
    now = store.now()
    ts = f"{int(now.timestamp())}.{store.new_id('')}"
    message = store.add(
        Message(
            id=ts, provider="slack", direction="outbound", account="", thread=asked.body["channel"], person="",
            text=asked.body.get("text", ""), at=now, visible_at=now, request=asked.number,
        )
    )  # fmt: skip
    store.cards[asked.body["channel"], ts] = dict(asked.body)
    shown = {"ts": ts, "text": message.text, "type": "message"}
    return Answered(body={"ok": True, "channel": asked.body["channel"], "ts": ts, "message": shown}, sent=message)


def _update(asked: Asked, store: Store) -> Answered:
    at = asked.body["channel"], asked.body["ts"]
    if at not in store.cards:
        raise Complaint(200, "message_not_found", "")
    store.cards[at] |= asked.body
    return Answered(body={"ok": True, "channel": at[0], "ts": at[1], "text": asked.body.get("text", "")})


def _history(asked: Asked, store: Store) -> Answered:
    channel, now = asked.query["channel"], store.now()
    visible = {one.id for one in store.thread("slack", channel) if one.visible_at <= now}
    cards: list[dict[str, Any]] = [
        {"type": "message", "ts": ts, **{k: v for k, v in card.items() if k in ("text", "blocks", "metadata")}}
        for (where, ts), card in reversed(store.cards.items())
        if where == channel and ts in visible
    ]
    return Answered(body={"ok": True, "messages": cards, "has_more": False})


def _lookup(asked: Asked, store: Store) -> Answered:
    return Answered(body={"ok": True, "user": {"id": f"U-{asked.query['email']}"}})


def _open(asked: Asked, store: Store) -> Answered:
    return Answered(body={"ok": True, "channel": {"id": f"D-{asked.body['users']}"}})


def _response(asked: Asked, store: Store) -> Answered:
    return Answered(body={"ok": True})


def _auth_test(asked: Asked, store: Store) -> Answered:
    return Answered(body={"ok": True, "team": "Sandbox", "user": "headrace", "bot_id": "B1"})


STAND_IN = Slack()
