"""Unipile (LinkedIn): v1 webhooks as documented, v2 events, and the nested shape of the predecessor."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from headrace.events.ids import conversation_id, message_id
from headrace.events.inbox import Identity, InboxMessage, Person
from headrace.providers import proofs
from headrace.providers.adapter import (
    Adapter,
    ApiForm,
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
from headrace.providers.email_message import reply_context
from headrace.providers.fields import at, event_name, fingerprint, first_content, first_id, first_text, flag, mapping
from headrace.providers.identities import company_url, identities, identity, linkedin, profile_url, split_name
from headrace.providers.outcomes import EventKey, Subject, fresh, ignored, malformed, unhandled
from headrace.providers.timestamps import read_time

NAME = "unipile"
RECEIVED = "message.received"
SENT = "message.sent"
#: The other side changed what it had written: what it says now may be a wish to hear no more.
EDITED = "message.edited"
CONNECTED = "connection.accepted"
#: Every spelling of an event we read, with underscores as dots, under the one name used in keys.
_EVENTS = {
    "message.received": RECEIVED,
    "message.new": RECEIVED,
    "message.sent": SENT,
    "message.edited": EDITED,
    "message.updated": EDITED,
    "connection.accepted": CONNECTED,
    "new.relation": CONNECTED,
    "relation.new": CONNECTED,
}
#: Five retries with growing delays of unpublished length.
_RETRY_GAP = timedelta(hours=6)
_RETRY_SPAN = timedelta(hours=24)


def _presented(request: Request) -> Presented:
    return (proofs.header(request, "x-unipile-secret"), proofs.header(request, "unipile-auth"))


def _workspace_hints(payload: Payload) -> Sequence[WorkspaceHint]:
    account = first_id(payload, "account_id", "AccountStatus.account_id", "payload.account_id")
    return (WorkspaceHint("account_id", account),) if account else ()


def _provider_event(payload: Payload) -> str:
    named = event_name(payload.get("event") or payload.get("type"))
    return named or ("AccountStatus" if "AccountStatus" in payload else "")


def _event(payload: Payload) -> str:
    provider_event = _provider_event(payload)
    return _EVENTS.get(provider_event.lower().replace("_", "."), provider_event)


def _message(payload: Payload) -> Payload:
    """The object that holds the message's fields: v1 keeps them at the top, where `message` is a string."""
    nested = mapping(payload.get("message")) or mapping(at(payload, "payload", "message"))
    return nested or mapping(payload.get("payload")) or payload


def _message_provider_id(payload: Payload) -> str | None:
    message = _message(payload)
    return first_id(message, "message_id") if message is payload else first_id(message, "id", "message_id")


def _edit_id(payload: Payload) -> str | None:
    """The message and what it says now: each further edit is another."""
    message_id = _message_provider_id(payload)
    return f"{message_id}:edited:{fingerprint(_body(_message(payload)).strip())}" if message_id else None


def _body(message: Payload) -> str:
    return first_content(message, "text", "message", "body")


def _relation(payload: Payload) -> Payload:
    return mapping(payload.get("connection")) or mapping(payload.get("payload")) or payload


def _person_id(relation: Payload) -> str | None:
    return first_id(relation, "user_provider_id", "linkedin_member_id", "user.provider_id", "provider_id", "user_id")


def _key(payload: Payload) -> EventKey:
    event = _event(payload)
    found = None
    if event in {RECEIVED, SENT}:
        found = _message_provider_id(payload)
    elif event == EDITED:
        found = _edit_id(payload)
    elif event == CONNECTED:
        relation = _relation(payload)
        person = _person_id(relation) or first_id(relation, "linkedin_url", "user_profile_url", "id")
        found = fingerprint(payload.get("account_id"), person) if person else None
    if found:
        return EventKey(event=event, identifier=found)
    has_time = first_text(payload, "id", "timestamp", "created_at", "message.timestamp") is not None
    return EventKey(event=event, identifier=fingerprint(payload), may_recur=not has_time)


def _deliver(workspace: str, payload: Payload) -> Delivery:
    return _key(payload).delivery(workspace, NAME, "replies", _provider_event(payload))


def _retry_window(payload: Payload) -> RetryWindow | None:
    return _key(payload).retry_window(_RETRY_GAP, _RETRY_SPAN)


def _normalise(payload: Payload, receipt: Receipt) -> Normalised:
    event, named = _event(payload), _provider_event(payload)
    account_type = (first_text(payload, "account_type") or "LINKEDIN").upper()
    if event in {RECEIVED, SENT, EDITED, CONNECTED} and account_type != "LINKEDIN":
        return ignored(named, f"unhandled channel: {event_name(account_type)}")
    if event == SENT:
        return ignored(named, "own message")
    if event in {RECEIVED, EDITED}:
        return _received(payload, receipt, named)
    if event == CONNECTED:
        return _connected(payload, receipt, named)
    return unhandled(named)


def _received(payload: Payload, receipt: Receipt, named: str) -> Normalised:
    message = _message(payload)
    provider_id = _message_provider_id(payload)
    key = _edit_id(payload) if _event(payload) == EDITED else provider_id
    body = _body(message)
    attachments = _attachment_count(message.get("attachments"))
    subject = _sender(message, receipt, named)
    if _is_own(payload, message):
        return ignored(named, "own message")
    if provider_id is None or key is None:
        return malformed(named, "no message id")
    if not subject.identities:
        return malformed(named, "no sender id or profile URL")
    if not body and not attachments:
        return ignored(named, "empty message")
    chat = first_id(message, "chat_id") or first_id(payload, "chat_id")
    fact = InboxMessage(
        receipt_id=receipt.receipt_id,
        workspace=receipt.workspace,
        provider=NAME,
        message_id=message_id(receipt.workspace, NAME, "inbound", key),
        conversation_id=conversation_id(receipt.workspace, NAME, chat or subject.identities[0].value),
        channel="linkedin",
        direction="inbound",
        source="direct",
        identities=subject.identities,
        provider_event=named,
        provider_message_id=provider_id,
        sent_at=_time(payload, message, receipt),
        received_at=receipt.received_at,
        text=body.strip(),
        body=body,
        subject=first_text(message, "subject"),
        person=subject.person,
        account=first_id(payload, "account_id"),
        attachment_count=attachments,
        reply_context=reply_context(chat_id=chat, account_id=first_id(payload, "account_id")),
    )
    return fresh(named, [fact])


def _sender_id(message: Payload) -> str | None:
    return first_id(message, "sender.attendee_provider_id", "sender_id", "sender.provider_id", "sender.id")


def _is_own(payload: Payload, message: Payload) -> bool:
    """Our account's own message: by member ids where both are named, since `is_sender` has been seen to lie."""
    sender, own = _sender_id(message), first_id(payload, "account_info.user_id")
    return sender == own if sender and own else flag(message.get("is_sender"))


def _sender(message: Payload, receipt: Receipt, named: str) -> Subject:
    url = first_text(message, "sender.attendee_profile_url", "sender_linkedin_url", "sender.profile_url")
    first_name, last_name = split_name(first_text(message, "sender.attendee_name", "sender_name", "sender.name"))
    return Subject(
        receipt=receipt,
        provider=NAME,
        provider_event=named,
        identities=identities(identity("linkedin_id", _sender_id(message)), linkedin(url)),
        person=Person(
            first_name=first_name,
            last_name=last_name,
            linkedin_url=profile_url(url),
            company_linkedin_url=company_url(url),
        ),
    )


def _connected(payload: Payload, receipt: Receipt, named: str) -> Normalised:
    relation = _relation(payload)
    url = first_text(relation, "user_profile_url", "linkedin_url", "user.profile_url", "profile_url")
    slug = first_text(relation, "user_public_identifier", "user.public_identifier", "public_identifier")
    split = split_name(first_text(relation, "user_full_name", "name", "user.full_name", "full_name"))
    profile = linkedin(url) or (Identity(kind="linkedin_slug", value=slug.lower()) if slug else None)
    subject = Subject(
        receipt=receipt,
        provider=NAME,
        provider_event=named,
        identities=identities(identity("linkedin_id", _person_id(relation)), profile),
        person=Person(
            first_name=first_text(relation, "first_name") or split[0],
            last_name=first_text(relation, "last_name") or split[1],
            linkedin_url=profile_url(url),
        ),
    )
    if not subject.identities:
        return malformed(named, "no LinkedIn id or profile URL")
    return fresh(named, [subject.signal("connection_accepted", _time(payload, relation, receipt))])


def _time(payload: Payload, inner: Payload, receipt: Receipt) -> datetime:
    fields = (inner.get("timestamp"), inner.get("created_at"), payload.get("timestamp"), payload.get("created_at"))
    times = (read_time(field, receipt.received_at) for field in fields)
    return next((time for time in times if time), receipt.received_at)


def _attachment_count(attachments: object) -> int:
    """The documentation shows one object where the API sends a list."""
    return len(attachments) if isinstance(attachments, list) else int(bool(mapping(attachments)))


ADAPTER = Adapter(
    name=NAME,
    origin_path="/api/webhooks/linkedin",
    account_fields=("account_id",),
    # Each customer of Unipile has an address of their own.
    api=ApiForm(
        secrets=("api_key",), settings=("base_url",), enough=(("api_key", "base_url"),), accounts=("account_id",)
    ),
    proofs=Proofs(presented=_presented),
    workspace_hints=_workspace_hints,
    deliver=_deliver,
    normalise=_normalise,
    retry_window=_retry_window,
)
