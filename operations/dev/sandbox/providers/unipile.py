"""Unipile's stand-in: chats of LinkedIn accounts, which show only what they knew once they are not OK."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headrace.workspaces.workspace import Workspace
from operations.dev.sandbox.asked import Answered, Asked, Complaint, Echo, Webhook, iso, posted, retry_header, secret_of
from operations.dev.sandbox.store import Message, Store

_TYPES = {
    400: "invalid_parameters", 401: "invalid_credentials", 403: "insufficient_permissions", 404: "resource_not_found",
    422: "invalid_recipient", 429: "too_many_requests", 500: "unexpected_error", 501: "not_implemented",
    503: "no_client_session", 504: "request_timeout",
}  # fmt: skip


class Unipile:
    """See `StandIn`."""

    name = "unipile"

    def __init__(self) -> None:
        self.work = {"send": _send, "messages": _messages, "account": _account, "user": _user}

    def key_of(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
        """`X-API-KEY`."""
        return headers.get("x-api-key", "")

    def refusal(self, status: int, kind: str, message: str) -> Answered:
        """RFC 7807, nearly."""
        known = f"errors/{kind or _TYPES.get(status, 'unexpected_error')}"
        return Answered(status=status, body={"status": status, "type": known, "title": message, "detail": message})

    def invalid(self, complaints: list[str]) -> Answered:
        """400 invalid_parameters."""
        return self.refusal(400, "invalid_parameters", "; ".join(complaints))

    def limit_headers(self, remaining: int | None, wait: float) -> Mapping[str, str]:
        """Version 1 says nothing but when to come back."""
        return retry_header(wait)

    def prove(self, echo: Echo, workspace: Workspace) -> Webhook:
        """A custom header."""
        return posted(self.name, workspace, echo.body, {"x-unipile-secret": secret_of(self.name, workspace)})


def _send(asked: Asked, store: Store) -> Answered:
    chat = asked.at["chat_id"]
    account = _account_of(chat, store) or asked.accounts.get("account_id", "")
    if account in store.account_states:
        raise Complaint(401, "disconnected_account", "Disconnected account")
    now = store.now()
    inbound = next((one for one in store.thread("unipile", chat) if one.direction == "inbound"), None)
    message = store.add(
        Message(
            id=store.new_id("uni-msg-"), provider="unipile", direction="outbound", account=account, thread=chat,
            person=inbound.person if inbound else "", text=asked.body["text"], at=now, visible_at=now,
            request=asked.number,
        )
    )  # fmt: skip
    answer = {"object": "MessageSent", "message_id": message.id}
    return Answered(status=201, body=answer, sent=message, echoes=(_echo(message),))


def _account_of(chat: str, store: Store) -> str:
    """Chats belong to the account they were seen at first."""
    known = next(iter(store.thread("unipile", chat)), None)
    return known.account if known else ""


def _echo(message: Message) -> Echo:
    own = f"own-{message.account}"
    body = {
        "event": "message_received",
        "account_id": message.account,
        "account_type": "LINKEDIN",
        "account_info": {"type": "LINKEDIN", "user_id": own},
        "chat_id": message.thread,
        "message_id": message.id,
        "message": message.text,
        "timestamp": iso(message.at),
        "is_sender": True,
        "sender": {"attendee_provider_id": own, "attendee_name": "Our Own"},
        "attendees": [{"attendee_provider_id": message.person}],
    }
    return Echo(body=body)


def _messages(asked: Asked, store: Store) -> Answered:
    chat = asked.at["chat_id"]
    state = store.account_states.get(_account_of(chat, store) or asked.accounts.get("account_id", ""))
    after = datetime.fromisoformat(asked.query["after"]) if "after" in asked.query else None
    wanted = [
        one
        for one in store.thread("unipile", chat)
        if (after is None or one.at > after) and (state is None or one.at < state[1])
    ]
    wanted.reverse()
    start, size = int(asked.query.get("cursor", "0")), int(asked.query.get("limit", "100"))
    following = str(start + size) if start + size < len(wanted) else None
    page = [_shown(one) for one in wanted[start : start + size]]
    return Answered(body={"object": "MessageList", "items": page, "cursor": following})


def _shown(message: Message) -> dict[str, Any]:
    own = message.direction == "outbound"
    return {
        "object": "Message",
        "id": message.id,
        "provider_id": f"li-{message.id}",
        "chat_id": message.thread,
        "account_id": message.account,
        "sender_id": f"own-{message.account}" if own else message.person,
        "text": message.text,
        "timestamp": iso(message.at),
        "is_sender": int(own),
        "seen": 0,
        "delivered": 1,
        "edited": 0,
        "deleted": 0,
        "hidden": 0,
    }


def _account(asked: Asked, store: Store) -> Answered:
    state = store.account_states.get(asked.at["id"])
    status = state[0] if state else "OK"
    sources = [{"id": f"{asked.at['id']}_MESSAGING", "status": status}]
    return Answered(body={"object": "Account", "id": asked.at["id"], "type": "LINKEDIN", "sources": sources})


def _user(asked: Asked, store: Store) -> Answered:
    return Answered(
        body={
            "object": "UserProfile",
            "provider_id": asked.at["identifier"],
            "network_distance": "DISTANCE_1",
            "is_relationship": True,
        }
    )


STAND_IN = Unipile()
