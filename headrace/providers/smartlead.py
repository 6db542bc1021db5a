"""SmartLead: campaign e-mail events, in the documented shapes (flat and nested) and in the predecessor's."""

from datetime import datetime, timedelta

import msgspec

from headrace.events.inbox import Address, Campaign, InboxFact, Person, SignalKind
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
)
from headrace.providers.bounces import failed_recipient, is_daemon, is_final
from headrace.providers.email_message import Email, first_address, reply_context
from headrace.providers.fields import at, event_name, fingerprint, first_content, first_id, first_text, flag, text
from headrace.providers.html_text import html_to_text, looks_like_html
from headrace.providers.identities import address, addresses, identities, identity, linkedin, profile_url, split_name
from headrace.providers.outcomes import EventKey, Subject, fresh, ignored, label_fact, malformed, unhandled
from headrace.providers.timestamps import read_time

NAME = "smartlead"
REPLY = "EMAIL_REPLY"
UNTRACKED = "UNTRACKED_REPLIES"
SENT = "EMAIL_SENT"
FIRST_SENT = "FIRST_EMAIL_SENT"
OPENED = "EMAIL_OPEN"
CLICKED = "EMAIL_LINK_CLICK"
BOUNCED = "EMAIL_BOUNCE"
UNSUBSCRIBED = "LEAD_UNSUBSCRIBED"
CATEGORISED = "LEAD_CATEGORY_UPDATED"
#: SmartLead's pages spell its events in several ways; keys use one.
_SPELLINGS = {
    "EMAIL_REPLIED": REPLY,
    "UNTRACKED_REPLY": UNTRACKED,
    "EMAIL_OPENED": OPENED,
    "EMAIL_CLICKED": CLICKED,
    "EMAIL_LINK_CLICKED": CLICKED,
    "LINK_CLICKED": CLICKED,
    "EMAIL_BOUNCED": BOUNCED,
    "EMAIL_UNSUBSCRIBED": UNSUBSCRIBED,
    "EMAIL_UNSUBSCRIBE": UNSUBSCRIBED,
}
_BULK = frozenset({SENT, FIRST_SENT, OPENED, CLICKED})
_HANDLED = frozenset({REPLY, UNTRACKED, SENT, FIRST_SENT, CLICKED, BOUNCED, UNSUBSCRIBED, CATEGORISED})
#: Fields that only the documented shapes have. There `from_email` is always our mailbox, `to_email` the lead's.
_DOCUMENTED_FIELDS = (
    "reply_message", "sent_message", "bounce_message", "to_name", "stats_thread_id", "webhook_id", "app_url",
    "ui_master_inbox_link", "time_replied", "reply_body", "sl_email_lead_id", "sl_email_lead_map_id", "campaign_status",
)  # fmt: skip
#: What differs between the webhook's settings, not between events.
_SETTINGS_FIELDS = frozenset({"secret_key", "webhook_id", "webhook_name", "webhook_url", "metadata", "description"})
#: SmartLead's built-in categories, lower-cased; any other is the customer's own label.
_CATEGORIES: dict[str, SignalKind] = {
    "interested": "interested",
    "meeting request": "interested",
    "not interested": "not_interested",
    "out of office": "out_of_office",
    "wrong person": "wrong_person",
    "meeting booked": "meeting_booked",
    "booked": "meeting_booked",
    "meeting completed": "meeting_completed",
    "closed": "closed",
}
#: Up to three retries with exponential delays of unpublished length.
_RETRY_GAP = timedelta(hours=1)
_RETRY_SPAN = timedelta(hours=3)


def _presented(request: Request) -> Presented:
    return (proofs.bearer(request), proofs.header(request, "x-smartlead-secret"))


def _presented_in_body(payload: Payload) -> Presented:
    return (text(payload.get("secret_key")),)


def _event(payload: Payload) -> str:
    return event_name(payload.get("event_type") or payload.get("event"))


def _kind(payload: Payload) -> str:
    named = _event(payload).upper().replace(" ", "_")
    return _SPELLINGS.get(named, named)


def _time_text(payload: Payload) -> str | None:
    return first_text(
        payload, "event_timestamp", "timestamp", "reply_message.time", "bounce_message.time", "sent_message.time",
        "time_replied", "time_sent", "time_opened", "time_clicked", "created_at",
    )  # fmt: skip


def _reply_id(payload: Payload) -> str | None:
    return first_id(payload, "reply_message.message_id", "reply.message_id", "message_id")


def _sent_id(payload: Payload) -> str | None:
    return first_id(payload, "sent_message.message_id", "message_id", "email.message_id", "stats_id")


def _bounce_id(payload: Payload) -> str | None:
    return first_id(payload, "bounce_message.message_id", "bounce_reply_message_id")


def _key(payload: Payload) -> EventKey:
    kind = _kind(payload)
    found = None
    if kind in {REPLY, UNTRACKED}:
        found = _reply_id(payload)
    elif kind in {SENT, FIRST_SENT}:
        found = _sent_id(payload)
    elif kind == BOUNCED:
        found = _bounce_id(payload) or _sent_id(payload)
    if found:
        return EventKey(event=kind, identifier=found)
    content = fingerprint({name: value for name, value in payload.items() if name not in _SETTINGS_FIELDS})
    return EventKey(event=kind, identifier=content, may_recur=_time_text(payload) is None)


def _deliver(workspace: str, payload: Payload) -> Delivery:
    return _key(payload).delivery(workspace, NAME, "bulk" if _kind(payload) in _BULK else "replies", _event(payload))


def _retry_window(payload: Payload) -> RetryWindow | None:
    return _key(payload).retry_window(_RETRY_GAP, _RETRY_SPAN)


def _normalise(payload: Payload, receipt: Receipt) -> Normalised:
    event, kind = _event(payload), _kind(payload)
    if not kind:
        return malformed(event, "no event_type")
    if kind not in _HANDLED:
        return ignored(event, "opened notice") if kind == OPENED else unhandled(event)
    sides = _sides(payload, kind)
    if sides.lead is None:
        return malformed(event, "no lead email")
    subject = _subject(payload, receipt, sides, sides.lead)
    if kind in {REPLY, UNTRACKED}:
        return _reply(payload, subject, sides, sides.lead)
    if kind in {SENT, FIRST_SENT}:
        return fresh(event, [_sent(payload, subject, sides, sides.lead).message(subject)])
    facts = _facts_without_message(payload, subject, sides, kind)
    return fresh(event, facts) if facts else ignored(event, "soft bounce without a report")


def _facts_without_message(payload: Payload, subject: Subject, sides: "_Sides", kind: str) -> list[InboxFact]:
    at_time = _time(payload, subject.receipt)
    if kind == UNSUBSCRIBED:
        return [subject.suppression("unsubscribed", at_time)]
    if kind == CLICKED:
        return [subject.signal("link_clicked", at_time, detail=_clicked_link(payload))]
    if kind == CATEGORISED:
        return _category_facts(payload, subject, at_time)
    return _bounce_facts(payload, subject, sides, at_time)


def _category_facts(payload: Payload, subject: Subject, at_time: datetime) -> list[InboxFact]:
    category = first_text(payload, "lead_category.new_name", "category", "lead_category.name") or "unnamed"
    known = _CATEGORIES.get(category.lower())
    if known is None:
        return [label_fact(subject, at_time, category)]
    signal = subject.signal(known, at_time, detail=category)
    if signal.signal == "wrong_person":
        return [signal, subject.suppression("wrong_person", at_time, category)]
    return [signal]


def _clicked_link(payload: Payload) -> str | None:
    clicked = payload.get("link_clicked")
    first = clicked[0] if isinstance(clicked, list) and clicked else clicked
    return text(first) or text(at(first, "url")) or first_text(payload, "link.url", "link_details.url")


class _Sides(msgspec.Struct, frozen=True, kw_only=True):
    """Who is who in an e-mail between a lead and us."""

    #: The address the campaign writes to.
    lead: Address | None
    #: Who wrote this reply: the lead, or somebody for it.
    replier: Address | None
    mailbox: Address | None


def _sides(payload: Payload, kind: str) -> _Sides:
    """Tells lead, replier and our mailbox apart.

    The documented shapes put our mailbox into `from_email` of every event, replies included; the
    predecessor's put the lead there for replies. What names the lead outright decides; else the
    fields that only the documented shapes have; and where nothing decides, nobody is called the
    replier, for taking our own mailbox for a lead would write to ourselves.
    """
    if kind == UNTRACKED:
        sender = address(payload.get("sender_detail")) or address(payload.get("from_email"))
        ours = next(iter(addresses(payload.get("recipient_detail") or payload.get("to_email"))), None)
        return _Sides(lead=sender, replier=sender, mailbox=ours)
    target = first_address(
        payload, "leadCorrespondence.targetLeadEmail", "lead_correspondence.targetLeadEmail", "sl_lead_email",
        "lead.email", "lead_email", "lead_data.email",
    )  # fmt: skip
    answered = first_address(
        payload, "leadCorrespondence.replyReceivedFrom", "lead_correspondence.replyReceivedFrom", "reply.from_email"
    )
    theirs, mailbox = _their_side(payload, kind, target, answered)
    # The name stands with the address it belongs to: a colleague's is not the lead's.
    known_as = {a.address: a for a in (target, answered, theirs) if a and a.name}
    lead, replier = target or theirs, answered or theirs or target
    return _Sides(
        lead=known_as.get(lead.address, lead) if lead else None,
        replier=known_as.get(replier.address, replier) if replier else None,
        mailbox=mailbox,
    )


def _their_side(
    payload: Payload, kind: str, target: Address | None, answered: Address | None
) -> tuple[Address | None, Address | None]:
    """Their address and ours, out of `from_email` and `to_email`; None for both when nothing tells."""
    sender = first_address(payload, "from_email", "from")
    recipient = address(payload.get("to_email"), payload.get("to_name")) or first_address(payload, "to")
    if target and not _same(sender, recipient) and (_same(target, sender) or _same(target, recipient)):
        return (recipient, sender) if _same(target, recipient) else (sender, recipient)
    if kind != REPLY or any(field in payload for field in _DOCUMENTED_FIELDS) or _same(answered, recipient):
        return recipient, sender
    if "sl_lead_name" in payload or recipient is None or _same(answered, sender):
        return sender, recipient
    return (None, None) if target or answered else (recipient, sender)


def _same(one: Address | None, other: Address | None) -> bool:
    return one is not None and other is not None and one.address == other.address


def _subject(payload: Payload, receipt: Receipt, sides: _Sides, lead: Address) -> Subject:
    first_name, last_name = split_name(first_text(payload, "sl_lead_name", "lead_name") or lead.name)
    replier = sides.replier.address if sides.replier else None
    url = first_text(payload, "lead_data.linkedin_profile", "lead.linkedin_profile")
    campaign_id = first_id(payload, "campaign_id")
    campaign_name = first_text(payload, "campaign_name") or f"Campaign {campaign_id}"
    return Subject(
        receipt=receipt,
        provider=NAME,
        provider_event=_event(payload),
        identities=identities(
            linkedin(url),
            identity("email", lead.address),
            identity("email", replier, alias=True) if replier != lead.address else None,
            identity("phone", first_text(payload, "lead_data.phone_number", "lead.phone_number")),
        ),
        person=Person(
            first_name=first_text(payload, "lead_data.first_name", "lead.first_name") or first_name,
            last_name=first_text(payload, "lead_data.last_name", "lead.last_name") or last_name,
            company=first_text(payload, "lead_data.company_name", "lead.company_name"),
            title=first_text(payload, "lead_data.custom_fields.job_title", "lead.custom_fields.job_title"),
            linkedin_url=profile_url(url),
        ),
        campaign=Campaign(id=campaign_id, name=campaign_name) if campaign_id else None,
    )


def _reply(payload: Payload, subject: Subject, sides: _Sides, lead: Address) -> Normalised:
    if sides.replier and sides.mailbox and sides.replier.address == sides.mailbox.address:
        return ignored(subject.provider_event, "own message")
    reply = _reply_email(payload, subject, sides, lead)
    if is_daemon(sides.replier):
        return _daemon_reply(subject, reply, sides, lead)
    return fresh(subject.provider_event, [reply.message(subject)])


def _reply_email(payload: Payload, subject: Subject, sides: _Sides, lead: Address) -> Email:
    found = _reply_id(payload)
    plain, html = _bodies(
        payload,
        ("reply_message.text", "reply.text", "preview_text", "visible_text"),
        ("reply_message.html", "reply.html", "reply_body", "reply.body"),
    )
    return Email(
        direction="inbound",
        source="direct",
        key=found or _key(payload).message_key(subject.receipt.received_at),
        provider_message_id=found,
        thread=_thread(payload, lead),
        sent_at=_time(payload, subject.receipt),
        plain=plain,
        html=html,
        subject=first_text(payload, "reply.subject", "subject", "email.subject"),
        account=sides.mailbox.address if sides.mailbox else None,
        from_address=sides.replier,
        to_addresses=(sides.mailbox,) if sides.mailbox else (),
        cc_addresses=addresses(payload.get("cc_emails") or payload.get("cc")),
        bcc_addresses=addresses(payload.get("bcc")),
        attachment_count=int(flag(payload.get("has_attachment"))),
        reply_context=_reply_context(payload, found),
    )


def _reply_context(payload: Payload, message: str | None) -> dict[str, str]:
    return reply_context(
        campaign_id=first_id(payload, "campaign_id"),
        stats_id=first_id(payload, "stats_id"),
        message_id=message,
        sl_email_lead_id=first_id(payload, "sl_email_lead_id", "lead_id"),
        sl_email_lead_map_id=first_id(payload, "sl_email_lead_map_id"),
    )


def _daemon_reply(subject: Subject, reply: Email, sides: _Sides, lead: Address) -> Normalised:
    """A mail server answered: a bounce of the lead it was written to, or of the recipient the report names."""
    report = reply.plain or html_to_text(reply.html)
    own = frozenset({sides.mailbox.address} if sides.mailbox else ())
    failed = lead.address if not is_daemon(lead) else failed_recipient(report, own)
    if failed is None:
        return ignored(subject.provider_event, "bounce without recipient")
    concerned = msgspec.structs.replace(subject, identities=identities(identity("email", failed)), person=Person())
    return fresh(subject.provider_event, reply.bounced(concerned, report))


def _bounce_facts(payload: Payload, subject: Subject, sides: _Sides, at_time: datetime) -> list[InboxFact]:
    """The report as a message where there is one; the suppression unless the report says delivery only failed now."""
    plain, html = _bodies(
        payload, ("bounce_message.text", "bounce_reply_email_preview"), ("bounce_message.html", "bounce_reply_email")
    )
    report = plain or html_to_text(html)
    suppression = subject.suppression("bounced", at_time, first_text(payload, "bounce_reason", "bounce_type"))
    is_soft = _is_soft_bounce(payload)
    if not report:
        return [] if is_soft else [suppression]
    found = _bounce_id(payload)
    bounce = Email(
        direction="inbound",
        source="bounce",
        key=found or f"bounce:{_key(payload).message_key(subject.receipt.received_at)}",
        provider_message_id=found,
        thread=_thread(payload, Address(address=subject.identities[0].value)),
        sent_at=at_time,
        plain=plain,
        html=html,
        subject=first_text(payload, "subject", "custom_subject"),
        account=sides.mailbox.address if sides.mailbox else None,
        to_addresses=(sides.mailbox,) if sides.mailbox else (),
        is_automated=True,
        reply_context=_reply_context(payload, found),
    ).message(subject)
    return [bounce, suppression] if is_final(report) and not is_soft else [bounce]


def _is_soft_bounce(payload: Payload) -> bool:
    """SmartLead itself says that the address may work another time."""
    kinds = (
        first_text(payload, name) or "" for name in ("bounce_type", "bounce_message.bounce_type", "bounce_category")
    )
    return any(kind.lower().startswith(("soft", "transient", "temporary")) for kind in kinds)


def _sent(payload: Payload, subject: Subject, sides: _Sides, lead: Address) -> Email:
    found = _sent_id(payload)
    plain, html = _bodies(
        payload,
        ("sent_message.text",),
        ("sent_message.html", "sent_message_body", "custom_email_message", "email.body"),
    )
    return Email(
        direction="outbound",
        source="campaign",
        key=found or _key(payload).message_key(subject.receipt.received_at),
        provider_message_id=found,
        thread=_thread(payload, lead),
        sent_at=_time(payload, subject.receipt),
        plain=plain,
        html=html,
        subject=first_text(payload, "subject", "custom_subject", "email.subject"),
        account=sides.mailbox.address if sides.mailbox else None,
        from_address=sides.mailbox,
        to_addresses=(lead,),
        cc_addresses=addresses(payload.get("cc_emails")),
        reply_context=_reply_context(payload, found),
    )


def _bodies(payload: Payload, plain_paths: tuple[str, ...], html_paths: tuple[str, ...]) -> tuple[str, str]:
    """Plain text and HTML. Fields that hold "HTML if there is any" are read for what they hold."""
    plain, marked_up = first_content(payload, *plain_paths), first_content(payload, *html_paths)
    if looks_like_html(marked_up):
        return plain, marked_up
    return plain or marked_up, ""


def _thread(payload: Payload, lead: Address) -> str:
    return f"{first_id(payload, 'campaign_id') or ''}:{lead.address}"


def _time(payload: Payload, receipt: Receipt) -> datetime:
    return read_time(_time_text(payload), receipt.received_at) or receipt.received_at


ADAPTER = Adapter(
    name=NAME,
    origin_path="/api/webhooks/smartlead",
    api=ApiForm(secrets=("api_key",), settings=("base_url", "client_id"), enough=(("api_key",),)),
    proofs=Proofs(presented=_presented, presented_in_body=_presented_in_body, hmac_header="x-smartlead-signature"),
    deliver=_deliver,
    normalise=_normalise,
    retry_window=_retry_window,
)
