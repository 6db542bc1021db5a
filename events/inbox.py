"""Facts an adapter reads out of a webhook before anybody knows which lead they concern (`inbox`, `inbox.bulk`)."""

from datetime import datetime
from typing import Literal

import msgspec

Channel = Literal["sms", "linkedin", "email"]
Direction = Literal["inbound", "outbound"]
#: Where a message came from: a person's reply, a campaign's send, a bounce daemon.
Source = Literal["direct", "campaign", "bounce"]
#: In match order: the first kind that finds a lead wins.
IdentityKind = Literal["ghl_contact_id", "emailbison_lead_id", "linkedin_id", "linkedin_slug", "email", "phone"]
SuppressionReason = Literal["unsubscribed", "bounced", "blacklisted", "wrong_person"]
SignalKind = Literal[
    "interested",
    "not_interested",
    "out_of_office",
    "automated_reply",
    "wrong_person",
    "meeting_booked",
    "meeting_completed",
    "closed",
    "connection_accepted",
    "campaign_completed",
    "link_clicked",
    "custom_label",
    #: A message of this lead's came in before under whoever wrote it, and stays there.
    "answered_by_other",
]


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One normalised way to recognise a person: lower-cased e-mail, E.164 phone, LinkedIn id or slug, provider id.

    An `alias` (somebody answered from another address) and a phone number (a switchboard's) are shared by colleagues:
    they never make two people one, and find a lead only for a fact that brings nothing better.
    """

    kind: IdentityKind
    value: str
    alias: bool = False


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the webhook says about the lead; blanks are None. Fills a lead's blanks and overwrites nothing."""

    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    title: str | None = None
    linkedin_url: str | None = None
    company_linkedin_url: str | None = None


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """The provider's campaign. The first one a lead is seen in stays its own."""

    id: str
    name: str | None = None


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An e-mail address (lower-cased) with its display name."""

    address: str
    name: str | None = None


class InboxMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message in either direction. `body` is whole; `text` is only what its author wrote now."""

    receipt_id: str
    workspace: str
    provider: str
    message_id: str
    conversation_id: str
    channel: Channel
    direction: Direction
    source: Source
    identities: tuple[Identity, ...]
    #: The provider's own event name, upper or lower case as the adapter reads it.
    provider_event: str
    #: The provider's id of the message; None where it has none and the id is derived from content.
    provider_message_id: str | None
    sent_at: datetime
    received_at: datetime
    text: str
    body: str
    html: str | None = None
    subject: str | None = None
    person: Person = Person()
    campaign: Campaign | None = None
    #: Our side: mailbox, phone number or account the message went through.
    account: str | None = None
    from_address: Address | None = None
    to_addresses: tuple[Address, ...] = ()
    cc_addresses: tuple[Address, ...] = ()
    bcc_addresses: tuple[Address, ...] = ()
    attachment_count: int = 0
    #: The provider says a machine wrote it.
    is_automated: bool = False
    #: What a reply through the provider's API needs, by the provider's own field names.
    reply_context: dict[str, str] = {}


class InboxSuppression(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The provider tells us to stop writing to this person."""

    receipt_id: str
    workspace: str
    provider: str
    provider_event: str
    identities: tuple[Identity, ...]
    reason: SuppressionReason
    occurred_at: datetime
    received_at: datetime
    person: Person = Person()
    campaign: Campaign | None = None
    detail: str | None = None


class InboxSignal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Evidence from the provider about a lead, other than a message: its own label, an accepted connection."""

    receipt_id: str
    workspace: str
    provider: str
    provider_event: str
    identities: tuple[Identity, ...]
    signal: SignalKind
    occurred_at: datetime
    received_at: datetime
    person: Person = Person()
    campaign: Campaign | None = None
    #: The message the signal is about, where the provider names one.
    message_id: str | None = None
    detail: str | None = None


class InboxSplit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person says: these identities of a lead are somebody else's. What they name may not be merged again."""

    #: The run that asks for it, in the place of a webhook's receipt.
    receipt_id: str
    workspace: str
    lead_id: str
    identities: tuple[Identity, ...]
    #: Messages that go with them.
    message_ids: tuple[str, ...] = ()
    received_at: datetime
    by: str
    reason: str = ""


InboxFact = InboxMessage | InboxSuppression | InboxSignal
