"""Instantly, version 2: answers to an e-mail by its id, looked up in the list of e-mails, 20 times a minute at most.

Routes, fields and limits: https://developer.instantly.ai (API v2). Its own words: "There is no idempotency-key
mechanism. Don't assume retries are safe on writes."
"""

from typing import Any

from headrace.providers.fields import items, mapping
from headrace.providers.timestamps import read_time
from headrace.workspaces.api_credentials import ApiCredentials
from streams.effects.clients.account import Account, confirmation, missing, not_answerable, short_hash
from streams.effects.clients.allowances import Limit, Standing
from streams.effects.clients.calling import Answer, Call, Caller
from streams.effects.clients.concerned import Concerned
from streams.effects.clients.judging import Complaint, Dialect, ids_of, retry_after, words_of
from streams.effects.clients.mail_text import answering, as_html
from streams.effects.clients.matching import Record, match
from streams.effects.clients.oauth import OAuthTokens
from streams.effects.clients.reply import AFTER_CLAIM, BEFORE_CLAIM, Reply
from streams.effects.outcome import CantTell, LookUp, Outcome, ProviderIds, RateLimited, Refused

BASE = "https://api.instantly.ai/api/v2"
SEND = "/emails/reply"
EMAILS = "/emails"
BLOCK = "/block-lists-entries"
INTEREST = "/leads/update-interest-status"
_PAGES = 3
_INBOUND = 2
_MINUTE = 60.0

LIMITS = (
    Limit(calls=100, seconds=1, source="developer.instantly.ai: per workspace, all keys and versions together"),
    Limit(calls=6_000, seconds=60, source="developer.instantly.ai: per workspace, all keys and versions together"),
    Limit(calls=20, seconds=60, routes=(EMAILS,), source="developer.instantly.ai: GET /emails"),
)


class InstantlyClient:
    """See `ProviderClient`."""

    limits = LIMITS
    send_route = SEND

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def limited_as(self, credentials: ApiCredentials) -> str:
        """A workspace of Instantly's, or else a key: all keys of a workspace share its limits."""
        named = credentials.settings.get("as_workspace") or credentials.accounts.get("workspace_id")
        return named or short_hash(credentials.secrets.get("api_key", ""))

    async def send_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> Outcome:
        """To whoever sent the e-mail it answers: there is no other recipient."""
        if "api_key" not in credentials.secrets:
            return missing("instantly.api.api_key")
        answered, mailbox = reply.context.get("reply_to_uuid"), reply.context.get("eaccount") or reply.account
        if answered is None or mailbox is None:
            return not_answerable("reply_to_uuid", "eaccount")
        message = {
            "eaccount": mailbox,
            "reply_to_uuid": answered,
            "subject": answering(reply.subject),
            "body": {"text": reply.text, "html": as_html(reply.text)},
        }
        url, headers = _base(credentials) + SEND, _headers(credentials)
        call = Call(method="POST", route=SEND, url=url, headers=headers, json=message)
        return await self._account(credentials, deadline).change(call, reply.text)

    async def find_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> LookUp:
        """The mailbox's e-mails with the lead around the claim; by thread where it is known."""
        thread, mailbox = reply.context.get("thread_id"), reply.context.get("eaccount") or reply.account
        address = reply.to.address if reply.to else reply.lead_email
        if "api_key" not in credentials.secrets or mailbox is None or not (thread or address):
            return CantTell(reason="no key, mailbox or lead to look up with")
        account = self._account(credentials, deadline)
        query: dict[str, str | int] = {
            "search": f"thread:{thread}" if thread else str(address),
            "eaccount": mailbox,
            "min_timestamp_created": (reply.claimed_at - BEFORE_CLAIM).isoformat(),
            "max_timestamp_created": (reply.claimed_at + AFTER_CLAIM).isoformat(),
            "limit": 100,
        }
        records: list[Record] = []
        for _ in range(_PAGES):
            url, headers = _base(credentials) + EMAILS, _headers(credentials)
            call = Call(method="GET", route=EMAILS, url=url, headers=headers, query=query)
            page = await account.look(call, "items")
            if isinstance(page, CantTell):
                return page
            found = [mapping(one) for one in items(page.fields.get("items"))]
            records += [_record(one, reply) for one in found if _is_outbound(one, mailbox)]
            after = page.fields.get("next_starting_after")
            if not found or not isinstance(after, str) or not after:
                return match(reply, records, f"GET {EMAILS}", self._caller.now())
            query = query | {"starting_after": after}
        return CantTell(reason=f"more than {_PAGES} pages of e-mails around the claim")

    async def suppress(self, who: Concerned, credentials: ApiCredentials, deadline: float) -> Outcome:
        """On the workspace's block list. What becomes of an address that is on it already is not documented."""
        if "api_key" not in credentials.secrets:
            return missing("instantly.api.api_key")
        if who.email is None:
            return not_answerable("an address")
        url, headers = _base(credentials) + BLOCK, _headers(credentials)
        call = Call(method="POST", route=BLOCK, url=url, headers=headers, json={"bl_value": who.email})
        return await self._account(credentials, deadline).change(call, who.email, dialect=_BLOCKS)

    async def confirm_suppressed(self, who: Concerned, credentials: ApiCredentials, deadline: float) -> LookUp:
        """The block list."""
        if "api_key" not in credentials.secrets or who.email is None:
            return CantTell(reason="no key or address to look up with")
        url, headers = _base(credentials) + BLOCK, _headers(credentials)
        query: dict[str, str | int] = {"search": who.email, "limit": 100}
        account = self._account(credentials, deadline)
        answer = await account.look(Call(method="GET", route=BLOCK, url=url, headers=headers, query=query), "items")
        if isinstance(answer, CantTell):
            return answer
        values = {str(mapping(one).get("bl_value", "")).lower() for one in items(answer.fields.get("items"))}
        return confirmation(answer, f"GET {BLOCK}", who.email.lower() in values, self._caller.now())

    async def write_label(self, who: Concerned, value: str, credentials: ApiCredentials, deadline: float) -> Outcome:
        """An interest status, by its number. They only take the order: a job of theirs carries it out."""
        if "api_key" not in credentials.secrets:
            return missing("instantly.api.api_key")
        if who.email is None:
            return not_answerable("an address")
        if not value.removeprefix("-").isdecimal():
            return Refused(type="invalid_label", detail="an interest status is a number")
        campaign = {"campaign_id": who.campaign_id} if who.campaign_id else {}
        body = {"lead_email": who.email, "interest_value": int(value), **campaign}
        url, headers = _base(credentials) + INTEREST, _headers(credentials)
        call = Call(method="POST", route=INTEREST, url=url, headers=headers, json=body)
        return await self._account(credentials, deadline).change(call, who.email, dialect=_ORDERS)

    def _account(self, credentials: ApiCredentials, deadline: float) -> Account:
        key = self.limited_as(credentials)
        return Account(self._caller, credentials, deadline, dialect=_DIALECT, standing=_standing, limited_as=key)


def _base(credentials: ApiCredentials) -> str:
    return credentials.settings.get("base_url", BASE)


def _headers(credentials: ApiCredentials) -> dict[str, str]:
    acting_for = credentials.settings.get("as_workspace")
    return {
        "Authorization": f"Bearer {credentials.secrets['api_key']}",
        **({"x-as-workspace": acting_for} if acting_for else {}),
    }


def _is_outbound(email: dict[str, Any], mailbox: str) -> bool:
    return email.get("ue_type") != _INBOUND and str(email.get("eaccount", "")).lower() == mailbox.lower()


def _record(email: dict[str, Any], reply: Reply) -> Record:
    body = mapping(email.get("body"))
    text, html = body.get("text"), body.get("html")
    return Record(
        id=str(email.get("id")),
        ids=ids_of(email, email_id="id", message_id="message_id", thread_id="thread_id"),
        text=text if isinstance(text, str) else "",
        html=html if isinstance(html, str) else "",
        at=read_time(email.get("timestamp_created") or email.get("timestamp_email"), reply.claimed_at),
    )


def _done(answer: Answer) -> ProviderIds | None:
    """An e-mail with an id. Some of its routes answer 200 with an error inside, and that proves nothing."""
    if "error" in answer.fields or "statusCode" in answer.fields:
        return None
    found = ids_of(answer.fields, email_id="id", message_id="message_id", thread_id="thread_id")
    return found if "email_id" in found else None


def _complaint(answer: Answer) -> Complaint | None:
    message, error = words_of(answer.fields.get("message")), words_of(answer.fields.get("error"))
    return Complaint(error.lower().replace(" ", "_") or "error", message or error) if message or error else None


def _special(answer: Answer, _complaint: Complaint) -> Outcome | None:
    return RateLimited(retry_after=retry_after(answer) or _MINUTE) if answer.status == 429 else None


def _standing(answer: Answer) -> Standing:
    """It sends no headers about its limits."""
    return Standing(retry_after=(retry_after(answer) or _MINUTE) if answer.status == 429 else None)


_DIALECT = Dialect(done=_done, complaint=_complaint, special=_special, holding=frozenset({401, 402, 403}))


def _blocked(answer: Answer) -> ProviderIds | None:
    return ids_of(answer.fields, block_list_entry="id") if "bl_value" in answer.fields else None


def _ordered(answer: Answer) -> ProviderIds | None:
    return {} if answer.status == 202 and "error" not in answer.fields else None


_BLOCKS = Dialect(done=_blocked, complaint=_complaint, special=_special, holding=frozenset({401, 402, 403}))
_ORDERS = Dialect(done=_ordered, complaint=_complaint, special=_special, holding=frozenset({401, 402, 403}))


def client(caller: Caller, _tokens: OAuthTokens | None) -> InstantlyClient:
    """See `streams.effects.clients.registry`."""
    return InstantlyClient(caller)
