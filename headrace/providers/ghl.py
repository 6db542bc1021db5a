"""GoHighLevel: workflow webhooks (no id, no event type) and Marketplace app webhooks (signed, with message ids)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

import msgspec

from headrace.events.ids import conversation_id, message_id
from headrace.events.inbox import Campaign, Channel, Direction, Identity, InboxMessage, Person, Source
from headrace.providers import proofs
from headrace.providers.adapter import (
    Adapter,
    ApiForm,
    Credentials,
    Delivery,
    Normalised,
    Payload,
    Presented,
    Proofs,
    Receipt,
    Request,
    RetryWindow,
    WorkspaceHint,
)
from headrace.providers.email_message import Email, reply_context
from headrace.providers.fields import (
    at,
    content,
    event_name,
    fingerprint,
    first_content,
    first_id,
    first_text,
    identifier,
    items,
    mapping,
    text,
)
from headrace.providers.html_text import looks_like_html
from headrace.providers.identities import (
    address,
    addresses,
    company_url,
    identities,
    identity,
    linkedin,
    phone,
    profile_url,
)
from headrace.providers.outcomes import EventKey, Subject, fresh, ignored, malformed, unhandled
from headrace.providers.timestamps import read_time, zone_named

NAME = "ghl"
#: Workflow webhooks have no event name of their own.
WORKFLOW = "workflow"
#: GoHighLevel retries only after a 429, at most 6 times, 10 minutes apart plus jitter.
_RETRY_GAP = timedelta(minutes=15)
_RETRY_SPAN = timedelta(minutes=75)
#: A time in a workflow webhook is believed only this near to its receipt: `date_created` is often the contact's.
_BELIEVED = timedelta(minutes=20)
#: customData and triggerData keys that name the client's SMS campaign, lower-cased, punctuation stripped.
_CAMPAIGN_KEYS = ("client", "clientname", "subclient", "smscampaign", "campaign")
_MOST_CUSTOM_VALUES = 500
#: E-mails have no `messageId`.
_MESSAGE_IDS = ("messageId", "emailMessageId")
#: `messageTypeId` of what a conversation provider of the customer's own delivers, and of SMS and e-mail themselves.
_CHANNELS_BY_ID: dict[str, Channel] = {"2": "sms", "3": "email", "22": "sms"}
_CAMPAIGN_SOURCES = frozenset({"workflow", "campaign", "bulk_actions", "bulk"})


def _is_marketplace(payload: Payload) -> bool:
    return isinstance(payload.get("type"), str) and any(k in payload for k in ("locationId", "contactId", "messageId"))


def _presented(request: Request) -> Presented:
    return (proofs.header(request, "x-headrace-secret"), *proofs.parameter(request, "secret"))


def _signed_by_provider(request: Request, credentials: Credentials) -> bool:
    current = proofs.ed25519(request, "x-ghl-signature", credentials.ed25519_public_key)
    return current or proofs.rsa_sha256(request, "x-wh-signature", credentials.rsa_public_key)


def _workspace_hints(payload: Payload) -> Sequence[WorkspaceHint]:
    location = first_id(payload, "location.id", "locationId", "location_id")
    return (WorkspaceHint("location_id", location),) if location else ()


def _event(payload: Payload) -> str:
    return event_name(payload.get("type")) if _is_marketplace(payload) else WORKFLOW


def _workflow_body(payload: Payload) -> str:
    return first_content(payload, "message.body", "message", "customData.Message", "customData.message")


def _key(payload: Payload) -> EventKey:
    event = _event(payload)
    if not _is_marketplace(payload):
        return EventKey(event=event, identifier=_workflow_fingerprint(payload), may_recur=True)
    # `webhookId` stays the same over the retries of one delivery to one app; the message's id does so over everything.
    if found := first_id(payload, *_MESSAGE_IDS, "webhookId"):
        return EventKey(event=event, identifier=found)
    return EventKey(event=event, identifier=fingerprint(payload), may_recur=text(payload.get("dateAdded")) is None)


def _workflow_fingerprint(payload: Payload) -> str:
    return fingerprint(
        payload.get("contact_id"),
        at(payload, "workflow", "id"),
        payload.get("date_created"),
        at(payload, "customData", "Date"),
        at(payload, "customData", "Time"),
        _workflow_body(payload).strip(),
    )


def _deliver(workspace: str, payload: Payload) -> Delivery:
    event = _event(payload)
    return _key(payload).delivery(workspace, NAME, "bulk" if event == "OutboundMessage" else "replies", event)


def _retry_window(payload: Payload) -> RetryWindow | None:
    return _key(payload).retry_window(_RETRY_GAP, _RETRY_SPAN)


def _normalise(payload: Payload, receipt: Receipt) -> Normalised:
    if not _is_marketplace(payload):
        return _workflow_message(payload, receipt)
    if _event(payload) in {"InboundMessage", "OutboundMessage"}:
        return _marketplace_message(payload, receipt)
    return unhandled(_event(payload))


class _Sms(msgspec.Struct, frozen=True, kw_only=True):
    """What both shapes say about a text message."""

    direction: Direction
    source: Source
    key: str
    provider_message_id: str | None
    contact_id: str
    body: str
    sent_at: datetime
    account: str | None
    attachment_count: int
    reply_context: dict[str, str]

    def message(self, subject: Subject) -> InboxMessage:
        receipt = subject.receipt
        return InboxMessage(
            receipt_id=receipt.receipt_id,
            workspace=receipt.workspace,
            provider=NAME,
            message_id=message_id(receipt.workspace, NAME, self.direction, self.key),
            # One conversation per contact, as in GoHighLevel itself, whichever kind of webhook tells of it.
            conversation_id=conversation_id(receipt.workspace, NAME, self.contact_id),
            channel="sms",
            direction=self.direction,
            source=self.source,
            identities=subject.identities,
            provider_event=subject.provider_event,
            provider_message_id=self.provider_message_id,
            sent_at=self.sent_at,
            received_at=receipt.received_at,
            text=self.body.strip(),
            body=self.body,
            person=subject.person,
            campaign=subject.campaign,
            account=self.account,
            attachment_count=self.attachment_count,
            reply_context=self.reply_context,
        )


def _workflow_message(payload: Payload, receipt: Receipt) -> Normalised:
    contact_id = identifier(payload.get("contact_id"))
    body = _workflow_body(payload)
    if contact_id is None:
        return malformed(WORKFLOW, "no contact_id")
    if not body:
        return ignored(WORKFLOW, "empty message")
    outbound = text(at(payload, "message", "direction")) == "outbound"
    sms = _Sms(
        direction="outbound" if outbound else "inbound",
        source="direct",
        key=_key(payload).message_key(receipt.received_at),
        provider_message_id=None,
        contact_id=contact_id,
        body=body,
        sent_at=_workflow_time(payload, receipt),
        account=phone(at(payload, "message", "from" if outbound else "to")),
        attachment_count=len(items(at(payload, "message", "attachments"))),
        reply_context=reply_context(contactId=contact_id, locationId=first_id(payload, "location.id")),
    )
    return fresh(WORKFLOW, [sms.message(_workflow_subject(payload, receipt, contact_id))])


def _workflow_subject(payload: Payload, receipt: Receipt, contact_id: str) -> Subject:
    values = [text(_plain(v)) for v in _custom_values(payload).values()]
    profile = next((found for v in values if (found := linkedin(v))), None)
    return Subject(
        receipt=receipt,
        provider=NAME,
        provider_event=WORKFLOW,
        identities=identities(
            Identity(kind="ghl_contact_id", value=contact_id),
            profile,
            identity("email", first_text(payload, "email", "customData.Email")),
            identity("phone", first_text(payload, "phone", "customData.Phone Number")),
        ),
        person=Person(
            first_name=first_text(payload, "first_name", "customData.First Name"),
            last_name=first_text(payload, "last_name", "customData.Last Name"),
            company=first_text(payload, "company_name"),
            linkedin_url=next((url for v in values if (url := profile_url(v))), None),
            company_linkedin_url=next((url for v in values if (url := company_url(v))), None),
        ),
        campaign=_campaign(payload),
    )


def _workflow_time(payload: Payload, receipt: Receipt) -> datetime:
    """The candidate nearest to receipt, when near enough to be the message's own time; else the receipt."""
    zone = zone_named(receipt.timezone)
    local = " ".join(filter(None, (first_text(payload, "customData.Date"), first_text(payload, "customData.Time"))))
    candidates = (
        read_time(payload.get("date_created"), receipt.received_at, zone),
        read_time(local, receipt.received_at, zone),
        read_time(local, receipt.received_at, zone, day_first=True),
    )
    known = [candidate for candidate in candidates if candidate]
    nearest = min(known, key=lambda time: abs(time - receipt.received_at), default=receipt.received_at)
    return nearest if abs(nearest - receipt.received_at) <= _BELIEVED else receipt.received_at


def _custom_values(payload: Payload) -> Payload:
    """Of the workflow's and the webhook's own data, as many as a person would define: each is looked at for links."""
    found = {**mapping(payload.get("triggerData")), **mapping(payload.get("customData"))}
    return dict(islice(found.items(), _MOST_CUSTOM_VALUES))


def _plain(value: object) -> object:
    """Custom fields come as a value or as an object around it."""
    fields = mapping(value)
    return first_text(fields, "value", "text", "name", "label") if fields else value


def _campaign(payload: Payload) -> Campaign | None:
    """The client the workflow names; campaigns are told apart by lower-cased name."""
    named = {"".join(c for c in key.lower() if c.isalnum()): value for key, value in _custom_values(payload).items()}
    name = next((found for key in _CAMPAIGN_KEYS if (found := text(_plain(named.get(key))))), None)
    campaign_id = identifier((name or "").lower())
    return Campaign(id=campaign_id, name=name) if campaign_id else None


def _marketplace_message(payload: Payload, receipt: Receipt) -> Normalised:
    event = _event(payload)
    contact_id = first_id(payload, "contactId")
    kind = first_text(payload, "messageType", "messageTypeString", "messageTypeId")
    channel = _channel(payload)
    if contact_id is None:
        return malformed(event, "no contactId")
    if not kind:
        return malformed(event, "no messageType")
    if channel is None:
        return ignored(event, f"unhandled channel: {event_name(kind.upper())}")
    if first_text(payload, "status") in {"failed", "undelivered"}:
        return ignored(event, "message was not delivered")
    if not content(payload.get("body")).strip() and not items(payload.get("attachments")):
        return ignored(event, "empty message")
    direction = _direction(payload, event)
    subject = _marketplace_subject(payload, receipt, contact_id, direction)
    message = _marketplace_sms if channel == "sms" else _marketplace_email
    return fresh(event, [message(payload, subject, contact_id, direction)])


def _channel(payload: Payload) -> Channel | None:
    """By any of the type's three spellings: of a customer's own provider the first says only that it is one."""
    for name in ("messageType", "messageTypeString"):
        kind = (first_text(payload, name) or "").upper()
        if kind.endswith("SMS"):
            return "sms"
        if kind.endswith("EMAIL"):
            return "email"
    return _CHANNELS_BY_ID.get(first_text(payload, "messageTypeId") or "")


def _direction(payload: Payload, event: str) -> Direction:
    named = first_text(payload, "direction")
    outbound = named == "outbound" if named in {"inbound", "outbound"} else event == "OutboundMessage"
    return "outbound" if outbound else "inbound"


def _marketplace_subject(payload: Payload, receipt: Receipt, contact_id: str, direction: Direction) -> Subject:
    theirs = payload.get("to" if direction == "outbound" else "from")
    theirs = theirs[0] if isinstance(theirs, list) and theirs else theirs
    return Subject(
        receipt=receipt,
        provider=NAME,
        provider_event=_event(payload),
        identities=identities(
            Identity(kind="ghl_contact_id", value=contact_id),
            identity("email", theirs),
            None if "@" in (text(theirs) or "@") else identity("phone", theirs),
        ),
    )


def _message_key(payload: Payload, receipt: Receipt) -> tuple[str, str | None]:
    found = first_id(payload, *_MESSAGE_IDS)
    return (found, found) if found else (_key(payload).message_key(receipt.received_at), None)


def _source(payload: Payload, direction: Direction) -> Source:
    """Bulk sends and workflows are campaigns; what a person typed in the app is not."""
    automatic = direction == "outbound" and first_text(payload, "source") in _CAMPAIGN_SOURCES
    return "campaign" if automatic else "direct"


def _marketplace_context(payload: Payload, contact_id: str) -> dict[str, str]:
    return reply_context(
        contactId=contact_id,
        conversationId=first_id(payload, "conversationId"),
        locationId=first_id(payload, "locationId"),
    )


def _marketplace_sms(payload: Payload, subject: Subject, contact_id: str, direction: Direction) -> InboxMessage:
    key, provider_message_id = _message_key(payload, subject.receipt)
    return _Sms(
        direction=direction,
        source=_source(payload, direction),
        key=key,
        provider_message_id=provider_message_id,
        contact_id=contact_id,
        body=content(payload.get("body")),
        sent_at=_marketplace_time(payload, subject.receipt),
        account=phone(payload.get("from" if direction == "outbound" else "to")),
        attachment_count=len(items(payload.get("attachments"))),
        reply_context=_marketplace_context(payload, contact_id),
    ).message(subject)


def _marketplace_email(payload: Payload, subject: Subject, contact_id: str, direction: Direction) -> InboxMessage:
    key, provider_message_id = _message_key(payload, subject.receipt)
    body = content(payload.get("body"))
    named = first_text(payload, "contentType")
    is_html = "html" in named.lower() if named else looks_like_html(body)
    sender, recipients = address(payload.get("from")), addresses(payload.get("to"))
    mailbox = sender if direction == "outbound" else next(iter(recipients), None)
    return Email(
        direction=direction,
        source=_source(payload, direction),
        key=key,
        provider_message_id=provider_message_id,
        thread=contact_id,
        sent_at=_marketplace_time(payload, subject.receipt),
        plain="" if is_html else body,
        html=body if is_html else "",
        subject=first_text(payload, "subject"),
        account=mailbox.address if mailbox else None,
        from_address=sender,
        to_addresses=recipients,
        # `cc` holds one of them at most.
        cc_addresses=addresses(payload.get("ccList")) or addresses(payload.get("cc")),
        bcc_addresses=addresses(payload.get("bccList")) or addresses(payload.get("bcc")),
        attachment_count=len(items(payload.get("attachments"))),
        reply_context=_marketplace_context(payload, contact_id),
    ).message(subject)


def _marketplace_time(payload: Payload, receipt: Receipt) -> datetime:
    return read_time(payload.get("dateAdded"), receipt.received_at) or receipt.received_at


ADAPTER = Adapter(
    name=NAME,
    origin_path="/api/webhooks/ghl/sms",
    account_fields=("location_id",),
    # GoHighLevel gives a webhook up after any other failure.
    unavailable_status=429,
    secret_query_parameters=("secret",),
    api=ApiForm(
        secrets=("private_integration_token", "client_id", "client_secret", "refresh_token"),
        settings=("base_url", "version", "calendar_id", "assigned_user_id"),
        choices={"version": ("2021-04-15", "v3")},
        enough=(("private_integration_token",), ("client_id", "client_secret", "refresh_token")),
        accounts=("location_id",),
    ),
    proofs=Proofs(presented=_presented, signed_by_provider=_signed_by_provider),
    workspace_hints=_workspace_hints,
    deliver=_deliver,
    normalise=_normalise,
    retry_window=_retry_window,
    signer="GoHighLevel",
)
