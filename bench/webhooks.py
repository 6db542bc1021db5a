"""Webhooks to measure with: numbered requests of every provider, made by one formatting call each.

A webhook's number stands in its ids and in its text, so that its row can be found again; ten webhooks in a row
come from one person, as a campaign's answers do.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from operations.dev.samples import WORKSPACE_FILE

#: The workspace that all webhooks belong to, and where its file is.
WORKSPACE = "acme"
FILE = WORKSPACE_FILE

Traffic = Literal["linkedin", "replies", "sent notices"]

_NUMBER, _PERSON = "(number)", "(person)"
_WEBHOOKS_PER_PERSON = 10


class Template(msgspec.Struct, frozen=True):
    """One provider's webhook with places for its number and its person; always of the same length."""

    provider: str
    head: bytes
    body_format: bytes

    def body(self, number: int) -> bytes:
        """The JSON body."""
        return self.body_format % {b"number": number, b"person": number // _WEBHOOKS_PER_PERSON}

    def request(self, number: int) -> bytes:
        """The whole HTTP request, keep-alive."""
        return self.head + self.body(number)


def templates(traffic: Traffic) -> tuple[Template, ...]:
    """The templates to take turns with."""
    return _TRAFFIC[traffic]


def _template(provider: str, proof: str, body: Mapping[str, Any], query: str = "") -> Template:
    text = msgspec.json.encode(body).decode().replace("%", "%%")
    body_format = text.replace(_NUMBER, "%(number)010d").replace(_PERSON, "%(person)09d").encode()
    length = len(body_format % {b"number": 0, b"person": 0})
    head = (
        f"POST /webhooks/{provider}{query} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"{proof}\r\ncontent-length: {length}\r\n\r\n"
    )
    return Template(provider, head.encode(), body_format)


_TEXT = "No. (number): happy to talk, could you send me your prices for the north and ping me on Friday?"
_TIME = "2026-03-02T12:00:00Z"
_EMAIL = "lead-(person)@orbit.example"

_LINKEDIN = _template(
    "unipile",
    "x-unipile-secret: sample-unipile",
    {
        "account_id": "acc_5f",
        "account_type": "LINKEDIN",
        "account_info": {"type": "LINKEDIN", "feature": "classic", "user_id": "ACoAAOwn"},
        "event": "message_received",
        "webhook_name": "headrace",
        "chat_id": "chat-(person)",
        "timestamp": _TIME,
        "message_id": "m-(number)",
        "message": _TEXT,
        "sender": {
            "attendee_name": "Ivo Lund",
            "attendee_provider_id": "ACoAA(person)",
            "attendee_profile_url": "https://www.linkedin.com/in/ivo-(person)/",
        },
    },
)
_SMS = _template(
    "ghl",
    "x-headrace-secret: sample-ghl-new",
    {
        "type": "InboundMessage",
        "locationId": "loc_77Qa",
        "contactId": "contact-(person)",
        "conversationId": "conversation-(person)",
        "messageId": "m-(number)",
        "messageType": "SMS",
        "direction": "inbound",
        "status": "delivered",
        "dateAdded": _TIME,
        "body": _TEXT,
    },
)
_SMARTLEAD = {
    "webhook_id": 31,
    "stats_id": "st-(number)",
    "event_timestamp": _TIME,
    "from_email": "kim@sender.example",
    "to_email": _EMAIL,
    "to_name": "Dana Roe",
    "sl_lead_email": _EMAIL,
    "subject": "Re: costs",
    "campaign_id": 4410,
    "campaign_name": "Q2 CFO",
    "campaign_status": "ACTIVE",
    "sequence_number": 1,
}
_MAIL = {
    "message_id": "<(number)@mx.example>",
    "html": f'<div dir="ltr">{_TEXT}</div><div class="gmail_quote"><blockquote>Hi Dana</blockquote></div>',
    "text": f"{_TEXT}\n\nOn Sun, Mar 1, 2026 at 9:00 AM Kim <kim@sender.example> wrote:\n> Hi Dana\n",
    "time": _TIME,
}
_SMARTLEAD_REPLY = _template(
    "smartlead",
    "authorization: Bearer sample-smartlead",
    {**_SMARTLEAD, "event_type": "EMAIL_REPLY", "reply_message": _MAIL},
    f"?workspace={WORKSPACE}",
)
_SENT_NOTICE = _template(
    "smartlead",
    "authorization: Bearer sample-smartlead",
    {**_SMARTLEAD, "event_type": "EMAIL_SENT", "sent_message": {**_MAIL, "html": f"<p>{_TEXT}</p>", "text": _TEXT}},
    f"?workspace={WORKSPACE}",
)
_INSTANTLY_REPLY = _template(
    "instantly",
    "authorization: Bearer sample-instantly",
    {
        "event_type": "reply_received",
        "timestamp": _TIME,
        "workspace": "6f1c9a52-0000-4000-8000-000000000012",
        "campaign_id": "c-12",
        "campaign_name": "Nordics",
        "lead_email": _EMAIL,
        "firstName": "Dana",
        "lastName": "Roe",
        "email_account": "sam@sender.example",
        "email_id": "m-(number)",
        "reply_subject": "Re: intro",
        "reply_text": f"{_TEXT}\n\nSent from my iPhone",
    },
    f"?workspace={WORKSPACE}",
)
_EMAILBISON_REPLY = _template(
    "emailbison",
    "x-headrace-secret: sample-emailbison",
    {
        "event": {"type": "LEAD_REPLIED", "name": "Lead Replied", "workspace_id": 12, "workspace_name": "Acme"},
        "data": {
            "campaign": {"id": 88, "name": "Founders"},
            "lead": {"id": "5(person)", "email": _EMAIL, "first_name": "Dana", "last_name": "Roe"},
            "reply": {
                "id": "9(number)",
                "uuid": "9b1d-(number)",
                "email_subject": "Re: idea",
                "from_email_address": _EMAIL,
                "from_name": "Dana Roe",
                "primary_to_email_address": "jo@sender.example",
                "date_received": _TIME,
                "automated_reply": False,
                "folder": "Inbox",
                "type": "Tracked Reply",
                "text_body": f"{_TEXT}\r\n\r\nFrom: Jo Sender <jo@sender.example>\r\nSent: Monday\r\n\r\nHi Dana",
            },
            "sender_email": {"id": 7, "email": "jo@sender.example", "name": "Jo Sender"},
        },
    },
)

_TRAFFIC: dict[Traffic, tuple[Template, ...]] = {
    "linkedin": (_LINKEDIN,),
    "replies": (_LINKEDIN, _SMS, _SMARTLEAD_REPLY, _INSTANTLY_REPLY, _EMAILBISON_REPLY),
    "sent notices": (_SENT_NOTICE,),
}
