"""What happened to a lead (topic `messages`, keyed by lead): the resolved form of inbox facts, and the lead itself."""

from datetime import datetime

import msgspec

from events.inbox import (
    Address,
    Campaign,
    Channel,
    Direction,
    Identity,
    Person,
    SignalKind,
    Source,
    SuppressionReason,
)


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The shared fields of MessageReceived and MessageSent; see `events.inbox.InboxMessage` for their meaning."""

    receipt_id: str
    workspace: str
    provider: str
    lead_id: str
    message_id: str
    conversation_id: str
    channel: Channel
    direction: Direction
    source: Source
    provider_event: str
    provider_message_id: str | None
    sent_at: datetime
    received_at: datetime
    text: str
    body: str
    html: str | None = None
    subject: str | None = None
    campaign: Campaign | None = None
    account: str | None = None
    from_address: Address | None = None
    to_addresses: tuple[Address, ...] = ()
    cc_addresses: tuple[Address, ...] = ()
    bcc_addresses: tuple[Address, ...] = ()
    attachment_count: int = 0
    is_automated: bool = False
    reply_context: dict[str, str] = {}


class MessageReceived(Message, frozen=True, kw_only=True, omit_defaults=True):
    """The lead wrote to us. Exactly one per distinct message id matters; a repeat is the same message."""


class MessageSent(Message, frozen=True, kw_only=True, omit_defaults=True):
    """A message went to the lead."""


class LeadChanged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole state of a lead after a fact added to it: the newest one is the lead."""

    receipt_id: str
    workspace: str
    lead_id: str
    created_at: datetime
    changed_at: datetime
    identities: tuple[Identity, ...]
    person: Person = Person()
    email: str | None = None
    alternate_emails: tuple[str, ...] = ()
    phone: str | None = None
    campaign: Campaign | None = None
    account: str | None = None
    #: Somebody else answers for the lead from this address; None once the lead itself writes again.
    current_replier: Address | None = None
    current_replier_since: datetime | None = None
    #: Leads it was split from: whatever names both, they are not merged again.
    apart_from: tuple[str, ...] = ()


class LeadMerged(msgspec.Struct, frozen=True, kw_only=True):
    """Two leads turned out to be one: `lead_id` (the younger) lives on as `into_lead_id`."""

    receipt_id: str
    workspace: str
    lead_id: str
    into_lead_id: str
    merged_at: datetime


class LeadSplit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A lead turned out to be two people: some of its identities are those of `new_lead_id` from now on."""

    #: The run that asked for it, in the place of a webhook's receipt.
    receipt_id: str
    workspace: str
    lead_id: str
    new_lead_id: str
    identities: tuple[Identity, ...]
    #: Messages that go with them; each has a MessageMoved as well.
    message_ids: tuple[str, ...] = ()
    split_at: datetime
    by: str
    reason: str = ""


class MessageMoved(msgspec.Struct, frozen=True, kw_only=True):
    """A message of `lead_id`, the lead it was first given to and whose key its records keep, belongs to another now."""

    receipt_id: str
    workspace: str
    lead_id: str
    message_id: str
    into_lead_id: str
    moved_at: datetime


class LeadSuppressed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Nobody may write to the lead any more."""

    receipt_id: str
    workspace: str
    lead_id: str
    provider: str
    reason: SuppressionReason
    occurred_at: datetime
    received_at: datetime
    provider_event: str
    detail: str | None = None


class LeadSignalled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The provider said something about the lead: evidence for its state."""

    receipt_id: str
    workspace: str
    lead_id: str
    provider: str
    signal: SignalKind
    occurred_at: datetime
    received_at: datetime
    provider_event: str
    message_id: str | None = None
    detail: str | None = None


LeadEvent = (
    MessageReceived | MessageSent | LeadChanged | LeadMerged | LeadSplit | MessageMoved | LeadSuppressed | LeadSignalled
)
