"""Unipile, version 1: LinkedIn messages by chat, looked up in the chat, and only while its account is alive.

Routes and fields: https://developer.unipile.com/docs/send-messages and the first-party SDK
(unipile/unipile-node-sdk, src/resources/messaging.resource.ts); errors by the models of its specification.
"""

from typing import Any

from headrace.providers.fields import flag, items, mapping
from headrace.providers.timestamps import read_time
from headrace.workspaces.api_credentials import ApiCredentials
from streams.effects.clients.account import Account, missing, not_answerable, segment
from streams.effects.clients.allowances import Limit, Standing, as_seconds
from streams.effects.clients.calling import Answer, Call, Caller
from streams.effects.clients.judging import Complaint, Dialect, ids_of, retry_after, standing_of, words_of
from streams.effects.clients.matching import Record, match
from streams.effects.clients.oauth import OAuthTokens
from streams.effects.clients.reply import BEFORE_CLAIM, Reply
from streams.effects.outcome import AccountHeld, CantTell, LookUp, Outcome, ProviderIds, RateLimited

SEND = "/api/v1/chats/{chat_id}/messages"
MESSAGES = SEND
ACCOUNT = "/api/v1/accounts/{id}"
_PAGES = 5
#: LinkedIn throttles the account itself; who goes on is restricted. Builders stop for a day.
_THROTTLED_S = 86_400.0
_HOLDING = {"account_restricted", "feature_not_subscribed", "insufficient_permissions"}
_THROTTLING = {"cannot_resend_yet", "limit_exceeded"}

LIMITS = (
    Limit(calls=1, seconds=60, routes=(SEND,), source="docs/provider-limits-and-restrictions: about one a minute"),
)


class UnipileClient:
    """See `ProviderClient`."""

    limits = LIMITS
    send_route = SEND

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def limited_as(self, credentials: ApiCredentials) -> str:
        """One LinkedIn account."""
        return credentials.accounts.get("account_id", "")

    async def send_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> Outcome:
        """Into the chat of the message it answers."""
        if lacking := _lacking(credentials):
            return missing(*lacking)
        chat = reply.context.get("chat_id")
        if chat is None:
            return not_answerable("chat_id")
        call = Call(
            method="POST", route=SEND, url=_url(credentials, SEND.replace("{chat_id}", segment(chat))),
            headers=_headers(credentials), multipart={"text": reply.text},
        )  # fmt: skip
        return await self._account(credentials, deadline).change(call, reply.text)

    async def find_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> LookUp:
        """Our own messages in the chat. A disconnected account still answers, with what it knew before."""
        chat = reply.context.get("chat_id")
        if _lacking(credentials) or chat is None:
            return CantTell(reason="no key, address or chat to look up with")
        account = self._account(credentials, deadline)
        if (stale := await self._stale(account, reply, credentials)) is not None:
            return stale
        query: dict[str, str | int] = {"after": _iso(reply), "limit": 100}
        records: list[Record] = []
        for _ in range(_PAGES):
            url = _url(credentials, MESSAGES.replace("{chat_id}", segment(chat)))
            call = Call(method="GET", route=MESSAGES, url=url, headers=_headers(credentials), query=query)
            page = await account.look(call, "items")
            if isinstance(page, CantTell):
                return page
            records += [_record(one, reply) for one in map(mapping, items(page.fields.get("items"))) if _is_own(one)]
            cursor = page.fields.get("cursor")
            if not isinstance(cursor, str) or not cursor:
                # It may have been cut off while it answered.
                stale = await self._stale(account, reply, credentials)
                return stale or match(reply, records, f"GET {MESSAGES}", self._caller.now())
            query = query | {"cursor": cursor}
        return CantTell(reason=f"more than {_PAGES} pages of messages around the claim")

    async def _stale(self, account: Account, reply: Reply, credentials: ApiCredentials) -> CantTell | None:
        named = reply.context.get("account_id") or credentials.accounts.get("account_id", "")
        url = _url(credentials, ACCOUNT.replace("{id}", segment(named)))
        call = Call(method="GET", route=ACCOUNT, url=url, headers=_headers(credentials))
        answer = await account.look(call, "sources")
        if isinstance(answer, CantTell):
            return answer
        states = [mapping(source).get("status") for source in items(answer.fields.get("sources"))]
        if states and all(state == "OK" for state in states):
            return None
        return CantTell(reason=f"the account is {next((s for s in states if s != 'OK'), 'unknown')}: stale data")

    def _account(self, credentials: ApiCredentials, deadline: float) -> Account:
        key = self.limited_as(credentials)
        return Account(self._caller, credentials, deadline, dialect=_DIALECT, standing=_standing, limited_as=key)


def _lacking(credentials: ApiCredentials) -> list[str]:
    named = {"base_url": credentials.settings, "api_key": credentials.secrets}
    return [f"unipile.api.{name}" for name, place in named.items() if name not in place]


def _url(credentials: ApiCredentials, path: str) -> str:
    return credentials.settings["base_url"] + path


def _headers(credentials: ApiCredentials) -> dict[str, str]:
    return {"X-API-KEY": credentials.secrets["api_key"]}


def _iso(reply: Reply) -> str:
    """As their own messages are dated: UTC, milliseconds, Z."""
    return (reply.claimed_at - BEFORE_CLAIM).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _is_own(message: dict[str, Any]) -> bool:
    return flag(message.get("is_sender")) and not flag(message.get("deleted"))


def _record(message: dict[str, Any], reply: Reply) -> Record:
    text = message.get("text")
    return Record(
        id=str(message.get("id")),
        ids=ids_of(message, message_id="id", provider_message_id="provider_id", chat_id="chat_id"),
        text=text if isinstance(text, str) else "",
        at=read_time(message.get("timestamp"), reply.claimed_at),
    )


def _done(answer: Answer) -> ProviderIds | None:
    named = answer.fields.get("message_id")
    first = named[0] if isinstance(named, list) and named else named
    return {"message_id": first} if isinstance(first, str) and first else None


def _complaint(answer: Answer) -> Complaint | None:
    kind = answer.fields.get("type")
    if not isinstance(kind, str):
        return None
    title, detail = words_of(answer.fields.get("title")), words_of(answer.fields.get("detail"))
    return Complaint(kind.rpartition("/")[2], ": ".join(filter(None, (title, detail))))


def _special(answer: Answer, complaint: Complaint) -> Outcome | None:
    if complaint.type in _HOLDING:
        return AccountHeld(reason=complaint.type, http_status=answer.status)
    if answer.status == 422 and complaint.type in _THROTTLING:
        return RateLimited(retry_after=retry_after(answer) or _THROTTLED_S)
    return None


def _standing(answer: Answer) -> Standing:
    return standing_of(answer, resets_in=as_seconds(answer.headers.get("x-ratelimit-reset")))


_DIALECT = Dialect(done=_done, complaint=_complaint, special=_special)


def client(caller: Caller, _tokens: OAuthTokens | None) -> UnipileClient:
    """See `streams.effects.clients.registry`."""
    return UnipileClient(caller)
