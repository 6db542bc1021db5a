"""The matrix: five scenarios for each of the five providers, each with a lead and a payload of its own."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from headrace.events.topics import BODY_LIMIT

Scenario = Literal["interested", "thanks", "remove me", "twice", "bad key", "largest"]

TEXTS: dict[Scenario, str] = {
    "interested": "I'm interested in a call. Can you send me some times for next week?",
    "thanks": "Thanks",
    "remove me": "Please remove me from your list and don't contact me again.",
    "twice": "I'm interested, tell me more about it please.",
    "bad key": "Could you send me your pricing?",
    # What JSON and HTML have to escape, and what takes several bytes, as far as a body may be long.
    "largest": 'I am interested, "tell" me more.\n' + 'Is <b>"this"</b> \\ \u00e9\u4e2d\U0001f600?\n' * 21_350,
}
PROVIDERS = ("ghl", "unipile", "smartlead", "instantly", "emailbison")


@dataclass(frozen=True)
class Case:
    """One cell of the matrix."""

    provider: str
    scenario: Scenario
    #: Tells cases apart that are not cells of the matrix.
    number: int = 0

    @property
    def name(self) -> str:
        """Readable, and unique."""
        return f"{self.provider} {self.scenario}"

    @property
    def person(self) -> str:
        """Unique within the matrix, fit for ids and addresses."""
        return self.name.replace(" ", "-") + (f"-{self.number}" if self.number else "")

    @property
    def path(self) -> str:
        """Where it is posted."""
        named = {"smartlead", "instantly"}
        return f"/webhooks/{self.provider}{'?workspace=acme' if self.provider in named else ''}"

    @property
    def headers(self) -> dict[str, str]:
        """The proof."""
        names = {"unipile": "x-unipile-secret", "smartlead": "x-smartlead-secret", "instantly": "x-instantly-secret"}
        return {names.get(self.provider, "x-headrace-secret"): f"{self.provider}-secret"}

    @property
    def body(self) -> dict[str, Any]:
        """The webhook, in the provider's shape."""
        return self.saying(TEXTS[self.scenario])

    def saying(self, text: str) -> dict[str, Any]:
        """The same with another text."""
        return _BODIES[self.provider](self.person, text)

    @property
    def content(self) -> bytes:
        """The webhook as posted; the largest scenario is filled up to one byte under the limit."""
        content = json.dumps(self.body).encode()
        return content.ljust(BODY_LIMIT - 1) if self.scenario == "largest" else content


def _ghl(person: str, text: str) -> dict[str, Any]:
    return {
        "contact_id": person,
        "first_name": "Mara",
        "location": {"id": "loc_77Qa"},
        "message": {"type": 2, "body": text},
        "customData": {"Date": "03/02/2026", "Time": "9:04 AM"},
    }


def _unipile(person: str, text: str) -> dict[str, Any]:
    message = {
        "id": f"m-{person}",
        "chat_id": f"c-{person}",
        "text": text,
        "sender_id": person,
        "sender_name": "Ivo Lund",
        "timestamp": "2026-03-02T10:22:05Z",
    }
    return {"event": "message.received", "account_id": "acc_5f", "message": message}


def _smartlead(person: str, text: str) -> dict[str, Any]:
    return {
        "event_type": "EMAIL_REPLY",
        "campaign_id": 4410,
        "stats_id": f"st-{person}",
        "message_id": f"<{person}@mx.example>",
        "sl_lead_email": f"{person}@orbit.example",
        "sl_lead_name": "Dana Roe",
        "from_email": f"{person}@orbit.example",
        "to_email": "kim@sender.example",
        "subject": "Re: costs",
        "preview_text": text,
        "event_timestamp": "2026-03-02T12:00:00Z",
    }


def _instantly(person: str, text: str) -> dict[str, Any]:
    return {
        "type": "reply_received",
        "timestamp": 1772450000,
        "campaign_id": "c-12",
        "contact_email": f"{person}@fjord.example",
        "contact_name": "Lee Dahl",
        "email_id": f"e-{person}",
        "email_account": "sam@sender.example",
        "reply_subject": "Re: intro",
        "reply_text": text,
    }


def _emailbison(person: str, text: str) -> dict[str, Any]:
    return {
        "event": {"type": "LEAD_REPLIED", "workspace_id": 12, "workspace_name": "Acme"},
        "data": {
            "campaign": {"id": 88, "name": "Founders"},
            "lead": {"id": f"l-{person}", "email": f"{person}@zen.example", "first_name": "Pat"},
            "reply": {
                "id": f"r-{person}",
                "email_subject": "Re: idea",
                "from_email_address": f"{person}@zen.example",
                "text_body": text,
                "date_received": "2026-03-02T08:30:00Z",
            },
            "sender_email": {"id": 7, "email": "jo@sender.example"},
        },
    }


_BODIES = {
    "ghl": _ghl,
    "unipile": _unipile,
    "smartlead": _smartlead,
    "instantly": _instantly,
    "emailbison": _emailbison,
}
