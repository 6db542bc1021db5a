"""EmailBison: answers to a reply by its id, on the customer's own instance, looked up in the conversation's thread.

Routes and fields: https://docs.emailbison.com/master-inbox/responding-to-messages and the first-party n8n node
(emailbison-public/n8n-nodes-emailbison-official).
"""

from collections.abc import Iterator
from typing import Any

from headrace.providers.fields import items, mapping
from headrace.providers.timestamps import read_time
from headrace.workspaces.api_credentials import ApiCredentials
from streams.effects.clients.account import Account, confirmation, missing, not_answerable, segment, short_hash
from streams.effects.clients.allowances import Limit, Standing
from streams.effects.clients.calling import Answer, Call, Caller
from streams.effects.clients.concerned import Concerned
from streams.effects.clients.judging import Complaint, Dialect, ids_of, retry_after, standing_of, words_of
from streams.effects.clients.matching import Record, match
from streams.effects.clients.oauth import OAuthTokens
from streams.effects.clients.reply import Reply
from streams.effects.outcome import CantTell, LookUp, Outcome, ProviderIds, Refused, Sent

SEND = "/replies/{id}/reply"
THREAD = "/replies/{id}/conversation-thread"
UNSUBSCRIBE = "/leads/{id}/unsubscribe"
BLACKLIST = "/blacklisted-emails"
BLACKLISTED = "/blacklisted-emails/{email}"
STOP = "/campaigns/{id}/leads/stop-future-emails"
MARK = "/replies/{id}/mark-as-{mark}"
_PAGES = 5
#: The newest pages hold the answer; the thread's own ends stand under names of their own.
_PARTS = ("current_reply", "older_messages", "newer_messages", "messages", "replies")

LIMITS = (Limit(calls=3_000, seconds=60, source="two code bases that quote EmailBison's documents; not seen there"),)


class EmailbisonClient:
    """See `ProviderClient`."""

    limits = LIMITS
    send_route = SEND

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def limited_as(self, credentials: ApiCredentials) -> str:
        """A key: it belongs to one workspace of one instance."""
        return short_hash(credentials.settings.get("base_url", ""), credentials.secrets.get("api_key", ""))

    async def send_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> Outcome:
        """To whoever wrote the reply it answers, from the mailbox that got it, without quoting it."""
        if lacking := _lacking(credentials):
            return missing(*lacking)
        answered, sender = reply.context.get("reply_id"), reply.context.get("sender_email_id")
        if answered is None or sender is None or reply.to is None:
            return not_answerable("reply_id", "sender_email_id", "an address")
        message = {
            "message": reply.text,
            "sender_email_id": int(sender) if sender.isdecimal() else sender,
            "to_emails": [{"name": reply.to.name or "", "email_address": reply.to.address}],
            "content_type": "text",
            "inject_previous_email_body": False,
        }
        url, headers = _url(credentials, SEND, answered), _headers(credentials)
        call = Call(method="POST", route=SEND, url=url, headers=headers, json=message)
        return await self._account(credentials, deadline).change(call, reply.text)

    async def find_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> LookUp:
        """All that was sent in the thread of the reply it answers."""
        answered = reply.context.get("reply_id")
        if _lacking(credentials) or answered is None:
            return CantTell(reason="no key, address or reply to look up with")
        account = self._account(credentials, deadline)
        records: list[Record] = []
        for page_number in range(1, _PAGES + 1):
            url, headers = _url(credentials, THREAD, answered), _headers(credentials)
            query = {"page": page_number}
            call = Call(method="GET", route=THREAD, url=url, headers=headers, query=query)
            page = await account.look(call, "data")
            if isinstance(page, CantTell):
                return page
            if not _is_thread(page):
                return CantTell(reason="a thread in another form than the documented one")
            records += [_record(one, reply) for one in _messages(page) if _is_outbound(one)]
            last = mapping(page.fields.get("meta")).get("last_page")
            if not isinstance(last, int) or page_number >= last:
                return match(reply, records, f"GET {THREAD}", self._caller.now())
        return CantTell(reason=f"more than {_PAGES} pages of messages in the thread")

    async def suppress(self, who: Concerned, credentials: ApiCredentials, deadline: float) -> Outcome:
        """On the workspace's blacklist, and unsubscribed where the lead's number is known."""
        if lacking := _lacking(credentials):
            return missing(*lacking)
        if who.email is None:
            return not_answerable("an address")
        account, headers = self._account(credentials, deadline), _headers(credentials)
        url = credentials.settings["base_url"] + BLACKLIST
        call = Call(method="POST", route=BLACKLIST, url=url, headers=headers, json={"email": who.email})
        listed = await account.change(call, who.email, dialect=_CHANGES)
        if not isinstance(listed, Sent) or who.person_id is None:
            return listed
        url = _url(credentials, UNSUBSCRIBE, who.person_id)
        return await account.change(
            Call(method="PATCH", route=UNSUBSCRIBE, url=url, headers=headers), who.email, dialect=_CHANGES
        )

    async def confirm_suppressed(self, who: Concerned, credentials: ApiCredentials, deadline: float) -> LookUp:
        """The blacklist: 404, in their own words, is somebody who is not on it."""
        if _lacking(credentials) or who.email is None:
            return CantTell(reason="no key or address to look up with")
        url = credentials.settings["base_url"] + BLACKLISTED.replace("{email}", segment(who.email))
        call = Call(method="GET", route=BLACKLISTED, url=url, headers=_headers(credentials))
        answer = await self._account(credentials, deadline).answer(call)
        named = mapping(answer.fields.get("data")).get("email") if isinstance(answer, Answer) else None
        if isinstance(answer, Answer) and (named or (answer.status == 404 and _complaint(answer))):
            listed = answer.status == 200 and str(named).lower() == who.email.lower()
            return confirmation(answer, f"GET {BLACKLISTED}", listed, self._caller.now())
        reason = f"HTTP {answer.status}" if isinstance(answer, Answer) else answer.reason
        return CantTell(reason=reason, retry_after=retry_after(answer) if isinstance(answer, Answer) else None)

    async def pause(self, who: Concerned, credentials: ApiCredentials, deadline: float) -> Outcome:
        """No further e-mail of the campaign."""
        if lacking := _lacking(credentials):
            return missing(*lacking)
        if who.campaign_id is None or who.person_id is None or not who.person_id.isdecimal():
            return not_answerable("campaign_id", "the lead's number")
        url, headers = _url(credentials, STOP, who.campaign_id), _headers(credentials)
        call = Call(method="POST", route=STOP, url=url, headers=headers, json={"lead_ids": [int(who.person_id)]})
        return await self._account(credentials, deadline).change(call, dialect=_CHANGES)

    async def write_label(self, who: Concerned, value: str, credentials: ApiCredentials, deadline: float) -> Outcome:
        """`interested` or `not-interested`, of the reply; no webhook tells us of our own mark."""
        if lacking := _lacking(credentials):
            return missing(*lacking)
        reply = who.context.get("reply_id")
        if reply is None:
            return not_answerable("reply_id")
        if value not in ("interested", "not-interested"):
            return Refused(type="invalid_label", detail="a reply is interested or not-interested")
        route = MARK.replace("{mark}", value)
        url, headers = _url(credentials, route, reply), _headers(credentials)
        call = Call(method="PATCH", route=route, url=url, headers=headers, json={"skip_webhooks": True})
        return await self._account(credentials, deadline).change(call, dialect=_CHANGES)

    def _account(self, credentials: ApiCredentials, deadline: float) -> Account:
        key = self.limited_as(credentials)
        return Account(self._caller, credentials, deadline, dialect=_DIALECT, standing=_standing, limited_as=key)


def _lacking(credentials: ApiCredentials) -> list[str]:
    named = {"base_url": credentials.settings, "api_key": credentials.secrets}
    return [f"emailbison.api.{name}" for name, place in named.items() if name not in place]


def _url(credentials: ApiCredentials, route: str, reply_id: str) -> str:
    return credentials.settings["base_url"] + route.replace("{id}", segment(reply_id))


def _headers(credentials: ApiCredentials) -> dict[str, str]:
    return {"Authorization": f"Bearer {credentials.secrets['api_key']}"}


def _is_thread(page: Answer) -> bool:
    data = page.fields.get("data")
    return isinstance(data, list) or any(name in mapping(data) for name in _PARTS)


def _messages(page: Answer) -> Iterator[dict[str, Any]]:
    """The thread's messages, whether it is a list or an object of older and newer ones."""
    data = page.fields.get("data")
    if isinstance(data, list):
        yield from map(mapping, data)
        return
    for part in (mapping(data).get(name) for name in _PARTS):
        yield from map(mapping, items(part) if isinstance(part, list) else [part] if part else [])


def _is_outbound(message: dict[str, Any]) -> bool:
    kind = f"{message.get('type') or ''} {message.get('folder') or ''}".lower()
    return "outgoing" in kind or "sent" in kind.split()


def _record(message: dict[str, Any], reply: Reply) -> Record:
    text, html = message.get("text_body"), message.get("html_body")
    return Record(
        id=str(message.get("id")),
        ids=ids_of(message, reply_id="id", uuid="uuid", raw_message_id="raw_message_id"),
        text=text if isinstance(text, str) else "",
        html=html if isinstance(html, str) else "",
        at=read_time(message.get("date_received") or message.get("created_at"), reply.claimed_at),
    )


def _done(answer: Answer) -> ProviderIds | None:
    data = mapping(answer.fields.get("data"))
    if data.get("success") is not True:
        return None
    return ids_of(mapping(data.get("reply")), reply_id="id", uuid="uuid")


def _complaint(answer: Answer) -> Complaint | None:
    data = mapping(answer.fields.get("data"))
    message = words_of(answer.fields.get("message")) or words_of(data.get("message"))
    kind = {404: "not_found", 422: "invalid"}.get(answer.status, "bad_request")
    return Complaint(kind, message) if message else None


def _standing(answer: Answer) -> Standing:
    return standing_of(answer, resets_in=60.0)


_DIALECT = Dialect(done=_done, complaint=_complaint)


def _changed(answer: Answer) -> ProviderIds | None:
    """All its answers are wrapped in `data`; only some say success, and some say that it was none."""
    data = answer.fields.get("data")
    return {} if isinstance(data, dict) and data and data.get("success", True) is True else None


_CHANGES = Dialect(done=_changed, complaint=_complaint)


def client(caller: Caller, _tokens: OAuthTokens | None) -> EmailbisonClient:
    """See `streams.effects.clients.registry`."""
    return EmailbisonClient(caller)
