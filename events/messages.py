"""What happened to a lead (topic `messages`, keyed by lead): the resolved form of inbox facts, and the lead itself."""

from datetime import datetime
from typing import Annotated

import msgspec

from events.caps import Body, CutFields, ForeignId, Line, MailAddress, OwnWords, Ref, Word, entries
from events.inbox import (
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

#: Ways to recognise one person. Whoever is reached in more is no person but a switchboard, or an attack.
LEAD_IDENTITIES = 50


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The shared fields of MessageReceived and MessageSent; see `events.inbox.InboxMessage` for their meaning."""

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
    account: ForeignId | None = None
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
    phone: Word | None = None
    campaign: Campaign | None = None
    account: ForeignId | None = None
    #: Somebody else answers for the lead from this address; None once the lead itself writes again.
    current_replier: Address | None = None
    current_replier_since: datetime | None = None
    cut: CutFields = ()


class LeadMerged(msgspec.Struct, frozen=True, kw_only=True):
    """Two leads turned out to be one: `lead_id` (the younger) lives on as `into_lead_id`."""

    receipt_id: Ref
    workspace: Ref
    lead_id: Ref
    into_lead_id: Ref
    merged_at: datetime


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


LeadEvent = MessageReceived | MessageSent | LeadChanged | LeadMerged | LeadSuppressed | LeadSignalled
