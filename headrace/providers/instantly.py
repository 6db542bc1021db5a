"""Instantly: campaign e-mail events, in the documented shape and in the predecessor's."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from headrace.events.inbox import Campaign, InboxFact, Person, SignalKind
from headrace.events.receipts import Lane
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
from headrace.providers.email_message import Email, reply_context
from headrace.providers.fields import event_name, fingerprint, first_content, first_id, first_text
from headrace.providers.identities import (
    address,
    addresses,
    email,
    full_name,
    identities,
    identity,
    linkedin,
    profile_url,
    split_name,
)
from headrace.providers.outcomes import EventKey, Subject, fresh, ignored, label_fact, malformed, unhandled
from headrace.providers.timestamps import read_time

NAME = "instantly"
_REPLIES = frozenset({"reply_received", "auto_reply_received"})
_UNSUBSCRIBES = frozenset({"lead_unsubscribed", "unsubscribed"})
_CLICKS = frozenset({"link_clicked", "email_link_clicked"})
#: Events that concern a sending account, a campaign or a search: no lead's state changes.
_NOT_ABOUT_A_LEAD = frozenset({"account_error", "supersearch_enrichment_completed"})
_BULK = frozenset({"email_sent", "email_opened", "campaign_completed"}) | _CLICKS
#: Instantly's own labels. Any other name on a lead's event is a label the customer invented.
_SIGNALS: dict[str, SignalKind] = {
    "lead_interested": "interested",
    "lead_not_interested": "not_interested",
    "lead_out_of_office": "out_of_office",
    "lead_wrong_person": "wrong_person",
    "lead_meeting_booked": "meeting_booked",
    "lead_meeting_completed": "meeting_completed",
    "lead_closed": "closed",
    "campaign_completed": "campaign_completed",
    "link_clicked": "link_clicked",
    "email_link_clicked": "link_clicked",
}
#: Three retries within half a minute are reported; the delivery log also shows later ones.
_RETRY_GAP = timedelta(minutes=30)
_RETRY_SPAN = timedelta(hours=2)


def _presented(request: Request) -> Presented:
    return (proofs.bearer(request), proofs.header(request, "x-instantly-secret"))


def _workspace_hints(payload: Payload) -> Sequence[WorkspaceHint]:
    workspace = first_id(payload, "workspace", "workspace_id")
    return (WorkspaceHint("workspace_id", workspace),) if workspace else ()


def _event(payload: Payload) -> str:
    return event_name(payload.get("event_type") or payload.get("type"))


def _kind(payload: Payload) -> str:
    """The event under the documented name, so that both shapes of one event have one key."""
    named = _event(payload).lower()
    return "lead_unsubscribed" if named in _UNSUBSCRIBES else named


def _lead_email(payload: Payload) -> str | None:
    return email(payload.get("lead_email")) or email(payload.get("contact_email"))


def _reply_fingerprint(payload: Payload) -> str:
    """A reply: `email_id` alone may name the mail that was answered, which can be answered twice."""
    return fingerprint(
        first_text(payload, "email_id"),
        _lead_email(payload),
        first_content(payload, "reply_text", "reply_html", "reply_text_snippet"),
    )


def _key(payload: Payload) -> EventKey:
    """Made without `timestamp`, which has been seen to change from one try of a delivery to the next."""
    kind = _kind(payload)
    email_id = first_id(payload, "email_id")
    if kind in _REPLIES:
        return EventKey(event=kind, identifier=_reply_fingerprint(payload), may_recur=email_id is None)
    if kind == "email_sent" and email_id:
        return EventKey(event=kind, identifier=email_id)
    if kind == "lead_unsubscribed" and (lead := _lead_email(payload)):
        return EventKey(event=kind, identifier=fingerprint(lead, first_id(payload, "campaign_id")), may_recur=True)
    return EventKey(event=kind, identifier=fingerprint(_meaning(payload)), may_recur=True)


def _meaning(payload: Payload) -> Payload:
    return {name: value for name, value in payload.items() if name not in {"secret", "secret_key", "timestamp"}}


def _deliver(workspace: str, payload: Payload) -> Delivery:
    lane: Lane = "bulk" if _kind(payload) in _BULK else "replies"
    return _key(payload).delivery(workspace, NAME, lane, _event(payload))


def _retry_window(payload: Payload) -> RetryWindow | None:
    return _key(payload).retry_window(_RETRY_GAP, _RETRY_SPAN)


def _normalise(payload: Payload, receipt: Receipt) -> Normalised:
    event, kind = _event(payload), _kind(payload)
    lead = _lead_email(payload)
    if not kind:
        return malformed(event, "no event_type")
    if kind in _NOT_ABOUT_A_LEAD or (lead is None and kind == "campaign_completed"):
        return unhandled(event)
    if kind == "email_opened":
        return ignored(event, "opened notice")
    if lead is None:
        known = kind in _REPLIES | _SIGNALS.keys() | {"email_sent", "email_bounced", "lead_unsubscribed"}
        return malformed(event, "no lead_email") if known else unhandled(event)
    return _about_lead(payload, _subject(payload, receipt, lead), kind, lead)


def _about_lead(payload: Payload, subject: Subject, kind: str, lead: str) -> Normalised:
    event, at = subject.provider_event, _time(payload, subject.receipt)
    if kind in _REPLIES:
        return _reply(payload, subject, kind, lead)
    if kind == "email_sent":
        return fresh(event, [_sent(payload, subject, lead).message(subject)])
    if kind == "lead_unsubscribed":
        return fresh(event, [subject.suppression("unsubscribed", at)])
    if kind == "email_bounced":
        return fresh(event, [subject.suppression("bounced", at, first_text(payload, "bounce_reason", "reason"))])
    if kind == "lead_wrong_person":
        return fresh(event, [subject.signal("wrong_person", at), subject.suppression("wrong_person", at)])
    return fresh(event, [_signal(payload, subject, kind, at)])


def _signal(payload: Payload, subject: Subject, kind: str, at: datetime) -> InboxFact:
    if (known := _SIGNALS.get(kind)) is None:
        return label_fact(subject, at, subject.provider_event)
    return subject.signal(known, at, detail=first_text(payload, "link", "link_url", "clicked_url"))


def _reply(payload: Payload, subject: Subject, kind: str, lead: str) -> Normalised:
    email_id = first_id(payload, "email_id")
    mailbox = address(payload.get("email_account"))
    automated = kind == "auto_reply_received"
    html = first_content(payload, "reply_html")
    sender = address(lead, _lead_name(payload))
    reply = Email(
        direction="inbound",
        source="direct",
        key=_key(payload).message_key(subject.receipt.received_at),
        provider_message_id=email_id,
        thread=_thread(payload, lead),
        sent_at=_time(payload, subject.receipt),
        plain=first_content(payload, "reply_text") or ("" if html else first_content(payload, "reply_text_snippet")),
        html=html,
        subject=first_text(payload, "reply_subject", "email_subject", "subject"),
        account=mailbox.address if mailbox else None,
        from_address=sender,
        to_addresses=(mailbox,) if mailbox else (),
        cc_addresses=addresses(payload.get("cc")),
        is_automated=automated,
        reply_context=reply_context(reply_to_uuid=email_id, eaccount=mailbox.address if mailbox else None),
    )
    message = reply.message(subject)
    if not automated:
        return fresh(subject.provider_event, [message])
    signal = subject.signal("automated_reply", message.sent_at, message.message_id)
    return fresh(subject.provider_event, [message, signal])


def _sent(payload: Payload, subject: Subject, lead: str) -> Email:
    email_id = first_id(payload, "email_id")
    mailbox = address(payload.get("email_account"))
    recipient = address(lead, _lead_name(payload))
    return Email(
        direction="outbound",
        source="campaign",
        key=email_id or _key(payload).message_key(subject.receipt.received_at),
        provider_message_id=email_id,
        thread=_thread(payload, lead),
        sent_at=_time(payload, subject.receipt),
        plain=first_content(payload, "email_text"),
        html=first_content(payload, "email_html"),
        subject=first_text(payload, "email_subject", "subject"),
        account=mailbox.address if mailbox else None,
        from_address=mailbox,
        to_addresses=(recipient,) if recipient else (),
        reply_context=reply_context(reply_to_uuid=email_id, eaccount=mailbox.address if mailbox else None),
    )


def _subject(payload: Payload, receipt: Receipt, lead: str) -> Subject:
    first_name, last_name = split_name(_lead_name(payload))
    url = first_text(payload, "linkedin", "linkedIn", "linkedin_url", "linkedinUrl", "LinkedIn")
    campaign_id = first_id(payload, "campaign_id", "campaign_name")
    return Subject(
        receipt=receipt,
        provider=NAME,
        provider_event=_event(payload),
        identities=identities(
            linkedin(url),
            identity("email", lead),
            identity("phone", first_text(payload, "phone", "phone_number", "phoneNumber")),
        ),
        # The documentation promises the lead's own fields beside the event's; their names are the customer's.
        person=Person(
            first_name=first_text(payload, "first_name", "firstName", "First Name") or first_name,
            last_name=first_text(payload, "last_name", "lastName", "Last Name") or last_name,
            company=first_text(payload, "company_name", "companyName", "company", "Company"),
            title=first_text(payload, "job_title", "jobTitle", "title"),
            linkedin_url=profile_url(url),
        ),
        campaign=Campaign(id=campaign_id, name=first_text(payload, "campaign_name")) if campaign_id else None,
    )


def _lead_name(payload: Payload) -> str | None:
    parts = (first_text(payload, "first_name", "firstName"), first_text(payload, "last_name", "lastName"))
    return first_text(payload, "contact_name", "lead_name", "full_name") or full_name(*parts)


def _thread(payload: Payload, lead: str) -> str:
    return f"{first_id(payload, 'campaign_id') or ''}:{lead}"


def _time(payload: Payload, receipt: Receipt) -> datetime:
    return read_time(payload.get("timestamp"), receipt.received_at) or receipt.received_at


ADAPTER = Adapter(
    name=NAME,
    origin_path="/api/webhooks/instantly",
    account_fields=("workspace_id",),
    api=ApiForm(secrets=("api_key",), settings=("base_url", "as_workspace"), enough=(("api_key",),)),
    proofs=Proofs(presented=_presented),
    workspace_hints=_workspace_hints,
    # Every official payload names Instantly's workspace, which the workspace file need not.
    query_overrides_unknown_workspace=True,
    deliver=_deliver,
    normalise=_normalise,
    retry_window=_retry_window,
)
