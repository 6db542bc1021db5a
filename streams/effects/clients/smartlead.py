"""SmartLead: answers in a campaign's thread. A send's answer names no message, so only history and echo do.

Routes and fields: https://api.smartlead.ai/reference/reply-to-lead-from-master-inbox-via-api and the first-party
command line (Smartlead-Public/smartlead-cli); limits: https://api.smartlead.ai/guides/rate-limits.
"""

from typing import Any

from headrace.providers.fields import items, mapping
from headrace.providers.timestamps import read_time
from headrace.workspaces.api_credentials import ApiCredentials
from streams.effects.clients.account import Account, confirmation, missing, not_answerable, segment, short_hash
from streams.effects.clients.allowances import Limit, Standing
from streams.effects.clients.calling import Answer, Call, Caller
from streams.effects.clients.concerned import Concerned
from streams.effects.clients.judging import Complaint, Dialect, ids_of, standing_of, words_of
from streams.effects.clients.mail_text import as_html
from streams.effects.clients.matching import Record, match
from streams.effects.clients.oauth import OAuthTokens
from streams.effects.clients.reply import BEFORE_CLAIM, Reply
from streams.effects.outcome import CantTell, LookUp, NotReached, Outcome, ProviderIds, Refused, Sent

BASE = "https://server.smartlead.ai/api/v1"
SEND = "/campaigns/{id}/reply-email-thread"
HISTORY = "/campaigns/{c}/leads/{l}/message-history"
LEAD = "/leads/"
UNSUBSCRIBE = "/leads/{id}/unsubscribe"
BLOCK = "/leads/add-domain-block-list"
BLOCKED = "/leads/get-domain-block-list"
PAUSE = "/campaigns/{c}/leads/{l}/pause"
CATEGORY = "/campaigns/{c}/leads/{l}/category"

LIMITS = (
    # Their pages disagree (10 in 2 s, 60 a minute, 120 a minute with the pro plan): the lowest, then the headers.
    Limit(calls=60, seconds=60, source="api.smartlead.ai/guides/rate-limits: standard plan, per key"),
    Limit(calls=10, seconds=2, source="help.smartlead.ai"),
)


class SmartleadClient:
    """See `ProviderClient`."""

    limits = LIMITS
    send_route = SEND

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def limited_as(self, credentials: ApiCredentials) -> str:
        """A key."""
        return short_hash(credentials.secrets.get("api_key", ""))

    async def send_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> Outcome:
        """In the thread of the message it answers, to whoever wrote that."""
        key = credentials.secrets.get("api_key")
        campaign, stats = reply.context.get("campaign_id"), reply.context.get("stats_id")
        if key is None:
            return missing("smartlead.api.api_key")
        if campaign is None or stats is None:
            return not_answerable("campaign_id", "stats_id")
        call = Call(
            method="POST", route=SEND, url=_base(credentials) + SEND.replace("{id}", segment(campaign)),
            secret_query={"api_key": key}, json=_message(reply, stats),
        )  # fmt: skip
        return await self._account(credentials, deadline).change(call, reply.text)

    async def find_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> LookUp:
        """The lead's history in the campaign since shortly before the claim."""
        key, campaign = credentials.secrets.get("api_key"), reply.context.get("campaign_id")
        if key is None or campaign is None:
            return CantTell(reason="no key or campaign to look up with")
        account = self._account(credentials, deadline)
        address = reply.lead_email or (reply.to.address if reply.to else None)
        lead = reply.context.get("sl_email_lead_id") or await self._lead(account, address, credentials, key)
        if isinstance(lead, CantTell):
            return lead
        path = HISTORY.replace("{c}", segment(campaign)).replace("{l}", segment(lead))
        since = (reply.claimed_at - BEFORE_CLAIM).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        call = Call(
            method="GET", route=HISTORY, url=_base(credentials) + path, secret_query={"api_key": key},
            query={"event_time_gt": since, "show_plain_text_response": "true"},
        )  # fmt: skip
        page = await account.look(call, "history", "messages")
        if isinstance(page, CantTell):
            return page
        rows = [mapping(one) for one in items(page.fields.get("history") or page.fields.get("messages"))]
        records = [_record(row, reply) for row in rows if _is_outbound(row)]
        return match(reply, records, f"GET {HISTORY}", self._caller.now())

    async def suppress(self, who: Concerned, credentials: ApiCredentials, deadline: float) -> Outcome:
        """On the block list, which later campaigns heed too, and unsubscribed from all campaigns."""
        key = credentials.secrets.get("api_key")
        if key is None:
            return missing("smartlead.api.api_key")
        if who.email is None:
            return not_answerable("an address")
        account = self._account(credentials, deadline)
        client = credentials.settings.get("client_id")
        entry = {"domain_block_list": [who.email], **({"client_id": client} if client else {})}
        blocked = await account.change(_post(credentials, key, BLOCK, BLOCK, entry), who.email)
        lead = await self._lead_of(account, who, credentials, key)
        if not isinstance(blocked, Sent) or isinstance(lead, CantTell):
            # Who is on the list and in no campaign is written to by nobody.
            return blocked
        path = UNSUBSCRIBE.replace("{id}", segment(lead))
        return await account.change(_post(credentials, key, UNSUBSCRIBE, path), who.email)

    async def confirm_suppressed(self, who: Concerned, credentials: ApiCredentials, deadline: float) -> LookUp:
        """The block list."""
        key = credentials.secrets.get("api_key")
        if key is None or who.email is None:
            return CantTell(reason="no key or address to look up with")
        call = Call(
            method="GET", route=BLOCKED, url=_base(credentials) + BLOCKED, secret_query={"api_key": key},
            query={"filter_email_or_domain": who.email},
        )  # fmt: skip
        answer = await self._account(credentials, deadline).look(call, "[]", "data")
        if isinstance(answer, CantTell):
            return answer
        rows = answer.json if isinstance(answer.json, list) else items(answer.fields.get("data"))
        blocked = {str(mapping(row).get("email_or_domain", "")).lower() for row in rows}
        return confirmation(answer, f"GET {BLOCKED}", who.email.lower() in blocked, self._caller.now())

    async def pause(self, who: Concerned, credentials: ApiCredentials, deadline: float) -> Outcome:
        """Out of the campaign's sequence until somebody resumes it."""
        return await self._of_lead(who, credentials, deadline, PAUSE, None)

    async def write_label(self, who: Concerned, value: str, credentials: ApiCredentials, deadline: float) -> Outcome:
        """A category of the account, by its number."""
        if not value.isdecimal():
            return Refused(type="invalid_label", detail="a category is a number")
        return await self._of_lead(who, credentials, deadline, CATEGORY, {"category_id": int(value)})

    async def _of_lead(
        self, who: Concerned, credentials: ApiCredentials, deadline: float, route: str, body: dict[str, Any] | None
    ) -> Outcome:
        """A call about the lead in its campaign."""
        key = credentials.secrets.get("api_key")
        campaign = who.context.get("campaign_id") or who.campaign_id
        if key is None:
            return missing("smartlead.api.api_key")
        if campaign is None:
            return not_answerable("campaign_id")
        account = self._account(credentials, deadline)
        lead = await self._lead_of(account, who, credentials, key)
        if isinstance(lead, CantTell):
            # Looking up changed nothing.
            return NotReached(reason=f"the lead's id: {lead.reason}")
        path = route.replace("{c}", segment(campaign)).replace("{l}", segment(lead))
        return await account.change(_post(credentials, key, route, path, body), who.email or "")

    async def _lead_of(self, account: Account, who: Concerned, credentials: ApiCredentials, key: str) -> str | CantTell:
        known = who.context.get("sl_email_lead_id")
        return known or await self._lead(account, who.email, credentials, key)

    async def _lead(
        self, account: Account, address: str | None, credentials: ApiCredentials, key: str
    ) -> str | CantTell:
        """SmartLead's id of the lead, by its address."""
        if address is None:
            return CantTell(reason="no lead id or address to look up with")
        answer = await account.look(
            Call(
                method="GET", route=LEAD, url=_base(credentials) + LEAD, secret_query={"api_key": key},
                query={"email": address},
            )
        )  # fmt: skip
        if isinstance(answer, CantTell):
            return answer
        return ids_of(answer.fields, id="id").get("id") or CantTell(reason="SmartLead does not know the lead's address")

    def _account(self, credentials: ApiCredentials, deadline: float) -> Account:
        key = self.limited_as(credentials)
        return Account(self._caller, credentials, deadline, dialect=_DIALECT, standing=_standing, limited_as=key)


def _base(credentials: ApiCredentials) -> str:
    return credentials.settings.get("base_url", BASE)


def _post(credentials: ApiCredentials, key: str, route: str, path: str, body: dict[str, Any] | None = None) -> Call:
    url = _base(credentials) + path
    return Call(method="POST", route=route, url=url, secret_query={"api_key": key}, json=body)


def _message(reply: Reply, stats: str) -> dict[str, Any]:
    message = reply.context.get("message_id")
    return {
        "email_stats_id": stats,
        "email_body": as_html(reply.text),
        **({"reply_message_id": message} if message else {}),
        # Named always: the answer to an alias would go to the lead else.
        **({"to_email": reply.to.address} if reply.to else {}),
    }


def _is_outbound(row: dict[str, Any]) -> bool:
    return str(row.get("type") or row.get("direction") or "").upper() in {"SENT", "OUTBOUND"}


def _record(row: dict[str, Any], reply: Reply) -> Record:
    body = row.get("email_body") or row.get("body")
    named = ids_of(row, stats_id="stats_id", message_id="message_id", record_id="id")
    return Record(
        id=next(iter(named.values()), ""),
        ids=named,
        text=body if isinstance(body, str) else "",
        at=read_time(row.get("time") or row.get("sent_at"), reply.claimed_at),
    )


def _done(answer: Answer) -> ProviderIds | None:
    """`{"ok": true, "data": "success"}`: no id."""
    return {} if answer.fields.get("ok") is True and "error" not in answer.fields else None


def _complaint(answer: Answer) -> Complaint | None:
    error = answer.fields.get("error")
    if isinstance(error, dict):
        return Complaint(words_of(error.get("code")).lower() or "error", words_of(error.get("message")))
    message = words_of(error) or words_of(answer.fields.get("message"))
    kind = {404: "not_found", 422: "invalid"}.get(answer.status, "bad_request")
    return Complaint(kind, message) if message else None


def _standing(answer: Answer) -> Standing:
    # `X-RateLimit-Reset` is their clock's time, which need not be ours: a whole window is waited.
    return standing_of(answer, resets_in=60.0)


_DIALECT = Dialect(done=_done, complaint=_complaint)


def client(caller: Caller, _tokens: OAuthTokens | None) -> SmartleadClient:
    """See `streams.effects.clients.registry`."""
    return SmartleadClient(caller)
