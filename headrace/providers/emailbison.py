"""EmailBison (Inboxxia): an `event` envelope around `data` with campaign, lead, reply, scheduled e-mail and mailbox."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from headrace.events.inbox import Address, Campaign, InboxFact, Person
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
from headrace.providers.bounces import failed_recipient, is_daemon
from headrace.providers.email_message import Email, reply_context
from headrace.providers.fields import (
    event_name,
    fingerprint,
    first_content,
    first_id,
    first_text,
    flag,
    items,
    mapping,
)
from headrace.providers.html_text import html_to_text
from headrace.providers.identities import address, addresses, full_name, identities, identity, split_name
from headrace.providers.outcomes import EventKey, Subject, fresh, ignored, label_fact, malformed, unhandled
from headrace.providers.raw_mail import read_raw_mail, says_automatic
from headrace.providers.timestamps import first_time

NAME = "emailbison"
REPLIED = "LEAD_REPLIED"
UNTRACKED = "UNTRACKED_REPLY_RECEIVED"
INTERESTED = "LEAD_INTERESTED"
SENT = "EMAIL_SENT"
MANUALLY_SENT = "MANUAL_EMAIL_SENT"
FIRST_CONTACTED = "LEAD_FIRST_CONTACTED"
OPENED = "EMAIL_OPENED"
BOUNCED = "EMAIL_BOUNCED"
UNSUBSCRIBED = "LEAD_UNSUBSCRIBED"
TAGGED = "TAG_ATTACHED"
#: The product's screens say contact where its webhooks say lead.
_SPELLINGS = {
    "CONTACT_REPLIED": REPLIED,
    "CONTACT_INTERESTED": INTERESTED,
    "CONTACT_UNSUBSCRIBED": UNSUBSCRIBED,
    "CONTACT_FIRST_EMAILED": FIRST_CONTACTED,
    "LEAD_FIRST_EMAILED": FIRST_CONTACTED,
    "UNTRACKED_REPLY": UNTRACKED,
}
_REPLIES = frozenset({REPLIED, UNTRACKED, INTERESTED})
_SENDS = frozenset({SENT, FIRST_CONTACTED, MANUALLY_SENT})
_BULK = _SENDS | {OPENED}
_HANDLED = _REPLIES | _SENDS | {BOUNCED, UNSUBSCRIBED, TAGGED}
#: At most five retries within a day.
_RETRY = timedelta(hours=24)


def _presented(request: Request) -> Presented:
    return (proofs.header(request, "x-headrace-secret"), *proofs.parameter(request, "secret"))


def _workspace_hints(payload: Payload) -> Sequence[WorkspaceHint]:
    """The name is lower-cased: EmailBison's workspaces are told apart without regard to case."""
    workspace_id = first_id(payload, "event.workspace_id", "workspace_id")
    name = first_id(payload, "event.workspace_name", "workspace_name")
    by_id = (WorkspaceHint("workspace_id", workspace_id),) if workspace_id else ()
    return (*by_id, WorkspaceHint("workspace_name", name.lower())) if name else by_id


def _event(payload: Payload) -> str:
    named = first_text(payload, "event.type", "event.name", "event_type", "type")
    return event_name(named or payload.get("event"))


def _kind(payload: Payload) -> str:
    """The type in capitals: its case varies."""
    named = _event(payload).upper().replace(" ", "_")
    return _SPELLINGS.get(named, named)


def _data(payload: Payload) -> Payload:
    return mapping(payload.get("data"))


def _reply_id(data: Payload) -> str | None:
    return first_id(data, "reply.id", "reply.uuid", "reply.raw_message_id")


def _scheduled_id(data: Payload) -> str | None:
    return first_id(data, "scheduled_email.id", "scheduled_email.raw_message_id")


def _campaign_event(data: Payload) -> str | None:
    return first_id(data, "campaign_event.id", "campaign_event.created_at")


def _key(payload: Payload) -> EventKey:
    kind, data = _kind(payload), _data(payload)
    found = None
    if kind in _REPLIES or kind == MANUALLY_SENT:
        found = _reply_id(data)
    elif kind in _SENDS:
        found = _scheduled_id(data)
    elif kind == BOUNCED:
        found = _scheduled_id(data) or _reply_id(data)
    elif kind in {OPENED, UNSUBSCRIBED}:
        occasion = _campaign_event(data)
        lead = first_id(data, "lead.id", "lead.email", "scheduled_email.id")
        found = fingerprint(occasion, lead, first_id(data, "campaign.id")) if occasion or lead else None
    if found:
        return EventKey(event=kind, identifier=found)
    return EventKey(event=kind, identifier=fingerprint(data), may_recur=_campaign_event(data) is None)


def _deliver(workspace: str, payload: Payload) -> Delivery:
    return _key(payload).delivery(workspace, NAME, "bulk" if _kind(payload) in _BULK else "replies", _event(payload))


def _retry_window(payload: Payload) -> RetryWindow | None:
    return _key(payload).retry_window(_RETRY, _RETRY)


def _normalise(payload: Payload, receipt: Receipt) -> Normalised:
    event, kind, data = _event(payload), _kind(payload), _data(payload)
    if not kind:
        return malformed(event, "no event.type")
    if kind not in _HANDLED:
        return ignored(event, "opened notice") if kind == OPENED else unhandled(event)
    if not data:
        return malformed(event, "no data")
    if kind in _REPLIES:
        return _replied(payload, receipt)
    if kind in _SENDS:
        return _sent(payload, receipt)
    return _about_lead(payload, receipt)


def _about_lead(payload: Payload, receipt: Receipt) -> Normalised:
    event, kind, data = _event(payload), _kind(payload), _data(payload)
    subject = _subject(payload, receipt)
    at = first_time(
        data, receipt.received_at, "campaign_event.created_at", "reply.date_received", "scheduled_email.sent_at"
    )
    if kind == BOUNCED:
        return _bounced(payload, subject, at)
    if kind == TAGGED:
        tag = first_text(data, "tag_name", "tag.name")
        return fresh(event, [label_fact(subject, at, tag)]) if subject.identities and tag else unhandled(event)
    if not subject.identities:
        return malformed(event, "no lead id or email")
    return fresh(event, [subject.suppression("unsubscribed", at)])


def _replied(payload: Payload, receipt: Receipt) -> Normalised:
    event, kind, data = _event(payload), _kind(payload), _data(payload)
    subject = _subject(payload, receipt)
    has_reply = bool(mapping(data.get("reply")))
    sender = _sender(data)
    if not has_reply and kind == INTERESTED and subject.identities:
        at = first_time(data, receipt.received_at, "campaign_event.created_at")
        return fresh(event, [subject.signal("interested", at)])
    if not has_reply:
        return malformed(event, "no data.reply")
    if sender is None:
        return malformed(event, "no reply.from_email_address")
    if _is_own(data, sender):
        return ignored(event, "own message")
    reply = _reply_email(payload, subject, sender)
    if is_daemon(sender) or "bounce" in _reply_type(data):
        return _daemon_reply(data, subject, reply)
    return fresh(event, _reply_facts(data, kind, subject, reply))


def _reply_facts(data: Payload, kind: str, subject: Subject, reply: Email) -> list[InboxFact]:
    message = reply.message(subject)
    facts: list[InboxFact] = [message]
    if kind == INTERESTED or flag(mapping(data.get("reply")).get("interested")):
        facts.append(subject.signal("interested", message.sent_at, message.message_id))
    if reply.is_automated:
        facts.append(subject.signal("automated_reply", message.sent_at, message.message_id))
    return facts


def _sender(data: Payload) -> Address | None:
    """Who wrote the reply; the lead where EmailBison leaves it open."""
    reply = mapping(data.get("reply"))
    written_by = address(reply.get("from_email_address"), reply.get("from_name"))
    return written_by or address(mapping(data.get("lead")).get("email"))


def _mailbox(data: Payload) -> Address | None:
    return address(mapping(data.get("sender_email")))


def _reply_type(data: Payload) -> str:
    reply = mapping(data.get("reply"))
    return " ".join(filter(None, (first_text(reply, "type", "reply_type"), first_text(reply, "folder")))).lower()


def _is_own(data: Payload, sender: Address) -> bool:
    mailbox = _mailbox(data)
    kind = _reply_type(data)
    return (mailbox is not None and mailbox.address == sender.address) or "outgoing" in kind or "sent" in kind.split()


def _reply_email(payload: Payload, subject: Subject, sender: Address) -> Email:
    data = _data(payload)
    reply = mapping(data.get("reply"))
    mailbox = _mailbox(data)
    found, received_at = _reply_id(data), subject.receipt.received_at
    plain, html = first_content(reply, "text_body"), first_content(reply, "html_body")
    given = reply.get("headers")
    headers = given if given and isinstance(given, str | dict) else first_content(reply, "raw_headers", "raw_body")
    raw = read_raw_mail(first_content(reply, "raw_body")) if not plain and not html else None
    return Email(
        direction="inbound",
        source="direct",
        key=f"reply:{found}" if found else _key(payload).message_key(received_at),
        provider_message_id=found,
        thread=_thread(data, sender),
        sent_at=first_time(
            data, subject.receipt.received_at, "reply.date_received", "reply.created_at", "campaign_event.created_at"
        ),
        plain=raw.plain if raw else plain,
        html=raw.html if raw else html,
        subject=first_text(reply, "email_subject"),
        account=mailbox.address if mailbox else first_text(reply, "primary_to_email_address"),
        from_address=sender,
        to_addresses=addresses(reply.get("to")) or ((mailbox,) if mailbox else ()),
        cc_addresses=addresses(reply.get("cc")),
        bcc_addresses=addresses(reply.get("bcc")),
        attachment_count=len(items(reply.get("attachments"))),
        is_automated=flag(reply.get("automated_reply")) or says_automatic(headers),
        reply_context=reply_context(reply_id=found, sender_email_id=first_id(data, "sender_email.id")),
    )


def _daemon_reply(data: Payload, subject: Subject, reply: Email) -> Normalised:
    """A mail server wrote: a bounce of the campaign's lead, or of the recipient an untracked report names."""
    report = reply.plain or html_to_text(reply.html)
    concerned = subject if mapping(data.get("lead")) else None
    if concerned is None:
        mailbox = _mailbox(data)
        own = frozenset(a.address for a in (mailbox, *reply.to_addresses) if a)
        failed = identity("email", failed_recipient(report, own))
        if failed is None:
            return ignored(subject.provider_event, "bounce without recipient")
        concerned = msgspec.structs.replace(subject, identities=(failed,), person=Person())
    concerned = concerned.own()
    if not concerned.identities:
        return malformed(subject.provider_event, "no lead id or email")
    return fresh(subject.provider_event, reply.bounced(concerned, report))


def _bounced(payload: Payload, subject: Subject, at: datetime) -> Normalised:
    """A bounce is its own message beside the one that bounced, and a suppression unless it only failed for now."""
    data = _data(payload)
    plain, html = first_content(data, "reply.text_body"), first_content(data, "reply.html_body")
    report = plain or html_to_text(html)
    if not subject.identities:
        failed = identity("email", failed_recipient(report))
        if failed is None:
            return malformed(subject.provider_event, "no lead id or email")
        subject = msgspec.structs.replace(subject, identities=(failed,))
    subject = subject.own()
    bounce = _bounce_email(payload, subject, at, plain or ("" if html else _bounce_line(data)), html)
    return fresh(subject.provider_event, bounce.bounced(subject, report))


def _bounce_line(data: Payload) -> str:
    subject = first_text(data, "scheduled_email.email_subject")
    return f"[BOUNCED] {subject}" if subject else "[BOUNCED]"


def _bounce_email(payload: Payload, subject: Subject, at: datetime, plain: str, html: str) -> Email:
    data = _data(payload)
    mailbox = _mailbox(data)
    found = _reply_id(data)
    scheduled = _scheduled_id(data)
    fallback = f"bounce:{scheduled}" if scheduled else _key(payload).message_key(subject.receipt.received_at)
    return Email(
        direction="inbound",
        source="bounce",
        # A report that also comes as a reply is one message.
        key=f"reply:{found}" if found else fallback,
        provider_message_id=found or scheduled,
        thread=_thread(data, Address(address=subject.identities[0].value)),
        sent_at=at,
        plain=plain,
        html=html,
        subject=first_text(data, "reply.email_subject", "scheduled_email.email_subject"),
        account=mailbox.address if mailbox else None,
        from_address=address(mapping(data.get("reply")).get("from_email_address")),
        to_addresses=(mailbox,) if mailbox else (),
        is_automated=True,
    )


def _sent(payload: Payload, receipt: Receipt) -> Normalised:
    event, data = _event(payload), _data(payload)
    manual = _kind(payload) == MANUALLY_SENT
    subject = _subject(payload, receipt)
    recipients = _recipients(data, manual)
    if not subject.identities and recipients:
        subject = msgspec.structs.replace(subject, identities=identities(identity("email", recipients[0].address)))
    if not subject.identities:
        return malformed(event, "no lead id or email")
    email = _manual_email(payload, subject) if manual else _campaign_email(payload, subject)
    return fresh(event, [msgspec.structs.replace(email, to_addresses=recipients).message(subject)])


def _recipients(data: Payload, manual: bool) -> tuple[Address, ...]:
    lead = mapping(data.get("lead"))
    reply = mapping(data.get("reply")) if manual else {}
    to_lead = address(lead.get("email"), full_name(first_text(lead, "first_name"), first_text(lead, "last_name")))
    primary = address(reply.get("primary_to_email_address")) or to_lead
    return addresses(reply.get("to")) or ((primary,) if primary else ())


def _campaign_email(payload: Payload, subject: Subject) -> Email:
    data = _data(payload)
    mailbox = _mailbox(data)
    found = _scheduled_id(data)
    return Email(
        direction="outbound",
        source="campaign",
        key=f"scheduled:{found}" if found else _key(payload).message_key(subject.receipt.received_at),
        provider_message_id=found,
        thread=_thread(data, Address(address=subject.identities[0].value)),
        sent_at=first_time(data, subject.receipt.received_at, "scheduled_email.sent_at", "campaign_event.created_at"),
        html=first_content(data, "scheduled_email.email_body"),
        subject=first_text(data, "scheduled_email.email_subject"),
        account=mailbox.address if mailbox else None,
        from_address=mailbox,
        reply_context=reply_context(scheduled_email_id=found, sender_email_id=first_id(data, "sender_email.id")),
    )


def _manual_email(payload: Payload, subject: Subject) -> Email:
    """What somebody of us wrote stands in the fields of a reply."""
    data = _data(payload)
    reply = mapping(data.get("reply"))
    mailbox = _mailbox(data) or address(reply.get("from_email_address"), reply.get("from_name"))
    return msgspec.structs.replace(
        _reply_email(payload, subject, Address(address=subject.identities[0].value)),
        direction="outbound",
        sent_at=first_time(data, subject.receipt.received_at, "reply.date_received", "reply.created_at"),
        account=mailbox.address if mailbox else None,
        from_address=mailbox,
        is_automated=False,
    )


def _subject(payload: Payload, receipt: Receipt) -> Subject:
    """The campaign's lead; for an untracked reply its sender."""
    data = _data(payload)
    lead = mapping(data.get("lead"))
    sender = _sender(data) if _kind(payload) in _REPLIES else None
    lead_email = identity("email", lead.get("email"))
    has_lead = lead_email is not None or first_id(lead, "id") is not None
    is_stranger = sender is not None and (lead_email is None or sender.address != lead_email.value)
    first_name, last_name = split_name(None if has_lead else sender.name if sender else None)
    campaign_id = first_id(data, "campaign.id")
    return Subject(
        receipt=receipt,
        provider=NAME,
        provider_event=_event(payload),
        identities=identities(
            identity("emailbison_lead_id", lead.get("id")),
            lead_email,
            identity("email", sender.address, alias=has_lead) if sender and is_stranger else None,
        ),
        person=Person(
            first_name=first_text(lead, "first_name") or first_name,
            last_name=first_text(lead, "last_name") or last_name,
            company=first_text(lead, "company"),
            title=first_text(lead, "title"),
        ),
        campaign=Campaign(id=campaign_id, name=first_text(data, "campaign.name")) if campaign_id else None,
    )


def _thread(data: Payload, fallback: Address) -> str:
    """Campaign and lead; the other side's address for mail outside campaigns."""
    return f"{first_id(data, 'campaign.id') or ''}:{first_id(data, 'lead.id', 'lead.email') or fallback.address}"


ADAPTER = Adapter(
    name=NAME,
    origin_path="/api/webhooks/email",
    account_fields=("workspace_id", "workspace_name"),
    secret_query_parameters=("secret",),
    # The customer's own instance, `https://<instance>/api`.
    api=ApiForm(secrets=("api_key",), settings=("base_url",), enough=(("api_key", "base_url"),)),
    proofs=Proofs(presented=_presented),
    workspace_hints=_workspace_hints,
    # Every payload names EmailBison's workspace, which the workspace file need not.
    query_overrides_unknown_workspace=True,
    deliver=_deliver,
    normalise=_normalise,
    retry_window=_retry_window,
)
