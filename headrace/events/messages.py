"""What happened to a lead (topic `messages`, keyed by lead): the resolved form of inbox facts, and the lead itself."""

from datetime import datetime
from typing import Annotated

import msgspec

from headrace.events.caps import (
    Actor,
    Body,
    CutFields,
    ForeignId,
    Line,
    MailAddress,
    OwnWords,
    PersonalId,
    PhoneNumber,
    Ref,
    Word,
    entries,
)
from headrace.events.inbox import (
    LEAD_IDENTITIES,
    SPLIT_MESSAGES,
    Address,
    Addresses,
    Campaign,
    Channel,
    Direction,
    Identity,
    Person,
    ReplyContext,
    SignalKind,
    Source,
    SuppressionReason,
)


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The shared fields of MessageReceived and MessageSent; `headrace.events.inbox.InboxMessage` explains them."""

    receipt_id: Ref
    workspace: Ref
    provider: Word
    lead_id: Ref
    message_id: Ref
    conversation_id: Ref
    channel: Channel
    direction: Direction
    source: Source
    provider_event: Word
    provider_message_id: ForeignId | None
    sent_at: datetime
    received_at: datetime
    text: OwnWords
    body: Body
    html: Body | None = None
    subject: Line | None = None
    campaign: Campaign | None = None
    account: PersonalId | None = None
    from_address: Address | None = None
    to_addresses: Addresses = ()
    cc_addresses: Addresses = ()
    bcc_addresses: Addresses = ()
    attachment_count: int = 0
    is_automated: bool = False
    reply_context: ReplyContext = {}
    cut: CutFields = ()


class MessageReceived(Message, frozen=True, kw_only=True, omit_defaults=True):
    """The lead wrote to us. Exactly one per distinct message id matters; a repeat is the same message."""


class MessageSent(Message, frozen=True, kw_only=True, omit_defaults=True):
    """A message went to the lead."""


class LeadChanged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole state of a lead after a fact added to it: the newest one is the lead."""

    receipt_id: Ref
    workspace: Ref
    lead_id: Ref
    created_at: datetime
    changed_at: datetime
    identities: Annotated[tuple[Identity, ...], entries(LEAD_IDENTITIES)]
    person: Person = Person()
    email: MailAddress | None = None
    alternate_emails: Annotated[tuple[MailAddress, ...], entries(LEAD_IDENTITIES)] = ()
    phone: PhoneNumber | None = None
    campaign: Campaign | None = None
    account: PersonalId | None = None
    #: Somebody else answers for the lead from this address; None once the lead itself writes again.
    current_replier: Address | None = None
    current_replier_since: datetime | None = None
    #: Leads it was split from: whatever names both, they are not merged again.
    apart_from: Annotated[tuple[Ref, ...], entries(LEAD_IDENTITIES)] = ()
    cut: CutFields = ()


class LeadMerged(msgspec.Struct, frozen=True, kw_only=True):
    """Two leads turned out to be one: `lead_id` (the younger) lives on as `into_lead_id`."""

    receipt_id: Ref
    workspace: Ref
    lead_id: Ref
    into_lead_id: Ref
    merged_at: datetime


class LeadSplit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A lead turned out to be two people: some of its identities are those of `new_lead_id` from now on."""

    #: The run that asked for it, in the place of a webhook's receipt.
    receipt_id: Ref
    workspace: Ref
    lead_id: Ref
    new_lead_id: Ref
    identities: Annotated[tuple[Identity, ...], entries(LEAD_IDENTITIES)]
    #: Messages that go with them; each has a MessageMoved as well.
    message_ids: Annotated[tuple[Ref, ...], entries(SPLIT_MESSAGES)] = ()
    split_at: datetime
    by: Actor
    reason: Line = ""


class MessageMoved(msgspec.Struct, frozen=True, kw_only=True):
    """A message of `lead_id`, the lead it was first given to and whose key its records keep, belongs to another now."""

    receipt_id: Ref
    workspace: Ref
    lead_id: Ref
    message_id: Ref
    into_lead_id: Ref
    moved_at: datetime


class LeadSuppressed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Nobody may write to the lead any more."""

    receipt_id: Ref
    workspace: Ref
    lead_id: Ref
    provider: Word
    reason: SuppressionReason
    occurred_at: datetime
    received_at: datetime
    provider_event: Word
    detail: Line | None = None
    cut: CutFields = ()


class LeadSignalled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The provider said something about the lead: evidence for its state."""

    receipt_id: Ref
    workspace: Ref
    lead_id: Ref
    provider: Word
    signal: SignalKind
    occurred_at: datetime
    received_at: datetime
    provider_event: Word
    message_id: Ref | None = None
    detail: Line | None = None
    cut: CutFields = ()


LeadEvent = (
    MessageReceived | MessageSent | LeadChanged | LeadMerged | LeadSplit | MessageMoved | LeadSuppressed | LeadSignalled
)
