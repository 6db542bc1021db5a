"""GoHighLevel: SMS and e-mail by contact, looked up in the location's message export.

Routes, fields and limits: https://github.com/GoHighLevel/highlevel-api-docs (apps/conversations.json, oauth).
"""

from datetime import timedelta
from typing import Any

import msgspec

from headrace.providers.fields import items, mapping
from headrace.providers.timestamps import read_time
from headrace.workspaces.api_credentials import ApiCredentials
from streams.effects.clients.account import Account, confirmation, missing, not_answerable, segment
from streams.effects.clients.allowances import Limit, Standing, as_seconds
from streams.effects.clients.calling import Answer, Call, Caller
from streams.effects.clients.concerned import Concerned
from streams.effects.clients.judging import Complaint, Dialect, ids_of, retry_after, standing_of, words_of
from streams.effects.clients.mail_text import as_html
from streams.effects.clients.matching import Record, match
from streams.effects.clients.oauth import OAuthTokens, Token
from streams.effects.clients.reply import AFTER_CLAIM, BEFORE_CLAIM, Reply
from streams.effects.outcome import AccountHeld, CantTell, LookUp, Outcome, ProviderIds, RateLimited, Refused

BASE = "https://services.leadconnectorhq.com"
SEND = "/conversations/messages"
EXPORT = "/conversations/messages/export"
CONTACT = "/contacts/{id}"
TAGS = "/contacts/{id}/tags"
OAUTH = "/oauth/token"
_NAME = "ghl"
_DND_CHANNELS = ("SMS", "Email", "Call", "WhatsApp", "GMB", "FB")
_WHY_DND = "opted out"
_CONTACTS_VERSION = "2021-07-28"
#: The dated dialect of conversations and calendars; `version: v3` in the workspace file chooses the other.
_VERSION = "2021-04-15"
_PAGES = 5
#: Without a Retry-After, and when the search behind a route is overloaded.
_WAIT_S, _SEARCH_WAIT_S = 10.0, 30.0
_DAY_SPENT_S = 3_600.0

LIMITS = (
    Limit(calls=100, seconds=10, source="docs/oauth/Authorization.md: per app and location"),
    Limit(calls=200_000, seconds=86_400, source="docs/oauth/Authorization.md: per app and location"),
)
#: What its 400s say, as seen in production.
_REFUSALS = (
    ("DND is active", "dnd"),
    ("Missing phone number", "missing_phone"),
    ("Invalid country calling code", "invalid_phone"),
)


class GhlClient:
    """See `ProviderClient`."""

    limits = LIMITS
    send_route = SEND

    def __init__(self, caller: Caller, tokens: OAuthTokens | None = None) -> None:
        self._caller = caller
        self._tokens = tokens

    def limited_as(self, credentials: ApiCredentials) -> str:
        """A location."""
        return credentials.accounts.get("location_id", "")

    async def send_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> Outcome:
        """SMS or e-mail, by the channel of the message it answers."""
        contact = reply.context.get("contactId")
        if contact is None:
            return not_answerable("contactId")
        token = await self.access_token(credentials, deadline)
        if not isinstance(token, str):
            return token
        call = Call(
            method="POST", route=SEND, url=base_url(credentials) + SEND, headers=headers_of(credentials, token),
            json=_message(reply, contact),
        )  # fmt: skip
        outcome = await self.account(credentials, deadline).change(call, reply.text, token)
        return await self.seen(outcome, credentials, token)

    async def find_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> LookUp:
        """All messages of the contact and channel around the claim."""
        contact, location = reply.context.get("contactId"), credentials.accounts.get("location_id")
        token = await self.access_token(credentials, deadline)
        if not isinstance(token, str) or contact is None or location is None:
            return CantTell(reason="no token, contact or location to look up with")
        account = self.account(credentials, deadline)
        query: dict[str, str | int] = {
            "locationId": location,
            "contactId": contact,
            "channel": "Email" if reply.channel == "email" else "SMS",
            "startDate": (reply.claimed_at - BEFORE_CLAIM).isoformat(),
            "endDate": (reply.claimed_at + AFTER_CLAIM + timedelta(minutes=1)).isoformat(),
            "limit": 100,
        }
        records: list[Record] = []
        for _ in range(_PAGES):
            url, headers = base_url(credentials) + EXPORT, headers_of(credentials, token)
            call = Call(method="GET", route=EXPORT, url=url, headers=headers, query=query)
            page = await account.look(call, "messages")
            if isinstance(page, CantTell):
                return page
            records += [_record(one, reply) for one in _outbound(page, contact)]
            cursor = page.fields.get("nextCursor")
            if not isinstance(cursor, str) or not cursor:
                return match(reply, records, f"GET {EXPORT}", self._caller.now())
            query = query | {"cursor": cursor}
        return CantTell(reason=f"more than {_PAGES} pages of messages around the claim")

    async def suppress(self, who: Concerned, credentials: ApiCredentials, deadline: float) -> Outcome:
        """Do Not Disturb on every channel."""
        contact = _contact(who)
        if contact is None:
            return not_answerable("contactId")
        token = await self.access_token(credentials, deadline)
        if not isinstance(token, str):
            return token
        settings = {channel: {"status": "active", "message": _WHY_DND} for channel in _DND_CHANNELS}
        call = Call(
            method="PUT", route=CONTACT, url=base_url(credentials) + CONTACT.replace("{id}", segment(contact)),
            headers=headers_of(credentials, token, _CONTACTS_VERSION), json={"dnd": True, "dndSettings": settings},
        )  # fmt: skip
        return await self.account(credentials, deadline).change(call, token, dialect=_CHANGES)

    async def confirm_suppressed(self, who: Concerned, credentials: ApiCredentials, deadline: float) -> LookUp:
        """The contact itself: the search of contacts leaves its DND settings out."""
        contact, token = _contact(who), await self.access_token(credentials, deadline)
        if not isinstance(token, str) or contact is None:
            return CantTell(reason="no token or contact to look up with")
        url = base_url(credentials) + CONTACT.replace("{id}", segment(contact))
        headers = headers_of(credentials, token, _CONTACTS_VERSION)
        account = self.account(credentials, deadline)
        answer = await account.look(Call(method="GET", route=CONTACT, url=url, headers=headers), "contact")
        if isinstance(answer, CantTell):
            return answer
        shown = mapping(answer.fields.get("contact"))
        channels = mapping(shown.get("dndSettings"))
        blocked = [mapping(channels.get(name)).get("status") in ("active", "permanent") for name in ("SMS", "Email")]
        is_dnd = shown.get("dnd") is True or all(blocked)
        return confirmation(answer, f"GET {CONTACT}", is_dnd, self._caller.now())

    async def write_label(self, who: Concerned, value: str, credentials: ApiCredentials, deadline: float) -> Outcome:
        """One more tag: the route of the contact itself would overwrite all there are."""
        contact = _contact(who)
        if contact is None:
            return not_answerable("contactId")
        token = await self.access_token(credentials, deadline)
        if not isinstance(token, str):
            return token
        call = Call(
            method="POST", route=TAGS, url=base_url(credentials) + TAGS.replace("{id}", segment(contact)),
            headers=headers_of(credentials, token, _CONTACTS_VERSION), json={"tags": [value]},
        )  # fmt: skip
        return await self.account(credentials, deadline).change(call, token, dialect=_CHANGES)

    async def access_token(self, credentials: ApiCredentials, deadline: float) -> Token:
        """The location's own token, or the newest of its OAuth pair."""
        own = credentials.secrets.get("private_integration_token")
        if own is not None:
            return own
        if "refresh_token" not in credentials.secrets:
            return missing(f"{_NAME}.api.private_integration_token")
        if self._tokens is None:
            return AccountHeld(reason="this process keeps no OAuth tokens")
        return await self._tokens.token(credentials, _refreshing, deadline)

    async def seen(self, outcome: Outcome, credentials: ApiCredentials, token: str) -> Outcome:
        """An OAuth token that is not taken is not used again."""
        if isinstance(outcome, AccountHeld) and self._tokens is not None:
            await self._tokens.refused(credentials, token)
        return outcome

    def account(self, credentials: ApiCredentials, deadline: float) -> Account:
        """Calls for the location."""
        key = self.limited_as(credentials)
        return Account(self._caller, credentials, deadline, dialect=_DIALECT, standing=_standing, limited_as=key)


def base_url(credentials: ApiCredentials) -> str:
    """Where the API is."""
    return credentials.settings.get("base_url", BASE)


def _refreshing(credentials: ApiCredentials, refresh_token: str) -> Call:
    """See docs/oauth/Authorization.md of their documents: the old token counts no longer once this is answered."""
    return Call(
        method="POST", route=OAUTH, url=base_url(credentials) + OAUTH, form={
            "client_id": credentials.secrets["client_id"],
            "client_secret": credentials.secrets["client_secret"],
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "user_type": "Location",
        },
    )  # fmt: skip


def _contact(who: Concerned) -> str | None:
    return who.person_id or who.context.get("contactId")


def headers_of(credentials: ApiCredentials, token: str, dated: str = _VERSION) -> dict[str, str]:
    """The dated dialect differs between conversations and contacts; v3 is one for all."""
    version = credentials.settings.get("version", dated)
    return {"Authorization": f"Bearer {token}", "Version": version if version == "v3" else dated}


def _message(reply: Reply, contact: str) -> dict[str, Any]:
    if reply.channel == "email":
        written = {"message": reply.text, "html": as_html(reply.text)}
        subject = {"subject": reply.subject} if reply.subject else {}
        to = {"emailTo": reply.to.address} if reply.to else {}
        return {"type": "Email", "contactId": contact, **written, **subject, **to}
    return {"type": "SMS", "contactId": contact, "message": reply.text}


def _outbound(page: Answer, contact: str) -> list[dict[str, Any]]:
    found = (mapping(one) for one in items(page.fields.get("messages")))
    return [one for one in found if one.get("direction") == "outbound" and one.get("contactId") == contact]


def _record(message: dict[str, Any], reply: Reply) -> Record:
    body = message.get("body")
    return Record(
        id=str(message.get("id")),
        ids=ids_of(message, message_id="id", conversation_id="conversationId"),
        text=body if isinstance(body, str) else "",
        at=read_time(message.get("dateAdded"), reply.claimed_at),
        # What somebody typed in the app, or a workflow sent, is not ours, even in the same words.
        is_ours=message.get("source") in (None, "", "api"),
        status=str(message.get("status") or "")[:40],
    )


def _done(answer: Answer) -> ProviderIds | None:
    names = {"message_id": "messageId", "conversation_id": "conversationId", "email_message_id": "emailMessageId"}
    found = ids_of(answer.fields, **names)
    return found if "message_id" in found else None


def complaint_of(answer: Answer) -> Complaint | None:
    """`{statusCode, message, error?}`; validators send a list of messages."""
    message = words_of(answer.fields.get("message"))
    if not message:
        return None
    kind = next((kind for words, kind in _REFUSALS if words in message), None)
    return Complaint(kind or {404: "not_found", 422: "invalid"}.get(answer.status, "bad_request"), message)


def special_of(answer: Answer, complaint: Complaint) -> Outcome | None:
    """DND, and pauses after a 429, which has no Retry-After of its own."""
    if answer.status == 400 and complaint.type == "dnd":
        return Refused(type="dnd", detail=complaint.message, http_status=400)
    if answer.status == 429:
        overloaded = any(words in complaint.message.lower() for words in ("point in time", "pit context"))
        return RateLimited(retry_after=retry_after(answer) or (_SEARCH_WAIT_S if overloaded else _WAIT_S))
    return None


def _standing(answer: Answer) -> Standing:
    interval = as_seconds(answer.headers.get("x-ratelimit-interval-milliseconds"))
    if as_seconds(answer.headers.get("x-ratelimit-daily-remaining")) == 0:
        return Standing(remaining=0, resets_in=_DAY_SPENT_S)
    standing = standing_of(answer, resets_in=interval / 1_000 if interval else 10.0)
    if answer.status != 429:
        return standing
    return msgspec.structs.replace(standing, retry_after=standing.retry_after or _WAIT_S)


def _changed(answer: Answer) -> ProviderIds | None:
    """A contact's change was taken: it has tags, or says it succeeded (in their spelling)."""
    fields = answer.fields
    return {} if fields.get("succeded") is True or "contact" in fields or "tags" in fields else None


_DIALECT = Dialect(done=_done, complaint=complaint_of, special=special_of)


_CHANGES = Dialect(done=_changed, complaint=complaint_of, special=special_of)


def client(caller: Caller, tokens: OAuthTokens | None) -> GhlClient:
    """See `streams.effects.clients.registry`."""
    return GhlClient(caller, tokens)
