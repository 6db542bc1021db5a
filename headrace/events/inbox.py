"""Facts an adapter reads out of a webhook before anybody knows which lead they concern (`inbox`, `inbox.bulk`)."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from headrace.events.caps import (
    Actor,
    Body,
    CutFields,
    ForeignId,
    Line,
    MailAddress,
    Name,
    OwnWords,
    PersonalId,
    Ref,
    Word,
    entries,
    keys,
)
from headrace.events.providers import PROVIDERS

#: Ways to recognise one person. Whoever is reached in more is no person but a switchboard, or an attack.
LEAD_IDENTITIES = 50
#: Messages that one split of a lead may give away: their ids are one record.
SPLIT_MESSAGES = 1_000

Channel = Literal["sms", "linkedin", "email"]
Direction = Literal["inbound", "outbound"]
#: Where a message came from: a person's reply, a campaign's send, a bounce daemon.
Source = Literal["direct", "campaign", "bounce"]
#: Kinds of identity in match order: the first kind that finds a lead wins.
MATCH_ORDER: tuple[str, ...] = (
    *(provider.person_id for provider in PROVIDERS.values() if provider.person_id is not None),
    "linkedin_id",
    "linkedin_slug",
    "email",
    "phone",
)
if TYPE_CHECKING:
    IdentityKind = str
else:
    # No other kind is decoded. A type checker wants literals spelled out, and these follow from the providers.
    IdentityKind = Literal[MATCH_ORDER]
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
    value: PersonalId
    alias: bool = False


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the webhook says about the lead; blanks are None. Fills a lead's blanks and overwrites nothing."""

    first_name: Name | None = None
    last_name: Name | None = None
    company: Name | None = None
    title: Name | None = None
    linkedin_url: Line | None = None
    company_linkedin_url: Line | None = None


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """The provider's campaign. The first one a lead is seen in stays its own."""

    id: ForeignId
    name: Name | None = None


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An e-mail address (lower-cased) with its display name."""

    address: MailAddress
    name: Name | None = None


#: All that one webhook says about who it is; adapters read at most one of a kind, and an alias.
Identities = Annotated[tuple[Identity, ...], entries(16)]
#: A mail to more people than these is a list's: the first ones are kept.
Addresses = Annotated[tuple[Address, ...], entries(50)]
ReplyContext = Annotated[dict[Word, PersonalId], keys(16)]


class InboxMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message in either direction. `body` is whole; `text` is only what its author wrote now."""

    receipt_id: Ref
    workspace: Ref
    provider: Word
    message_id: Ref
    conversation_id: Ref
    channel: Channel
    direction: Direction
    source: Source
    identities: Identities
    #: The provider's own event name, upper or lower case as the adapter reads it.
    provider_event: Word
    #: The provider's id of the message; None where it has none and the id is derived from content.
    provider_message_id: ForeignId | None
    sent_at: datetime
    received_at: datetime
    text: OwnWords
    body: Body
    html: Body | None = None
    subject: Line | None = None
    person: Person = Person()
    campaign: Campaign | None = None
    #: Our side: mailbox, phone number or account the message went through.
    account: PersonalId | None = None
    from_address: Address | None = None
    to_addresses: Addresses = ()
    cc_addresses: Addresses = ()
    bcc_addresses: Addresses = ()
    attachment_count: int = 0
    #: The provider says a machine wrote it.
    is_automated: bool = False
    #: What a reply through the provider's API needs, by the provider's own field names.
    reply_context: ReplyContext = {}
    #: What was longer than its cap; the webhook's body has the whole.
    cut: CutFields = ()


class InboxSuppression(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The provider tells us to stop writing to this person."""

    receipt_id: Ref
    workspace: Ref
    provider: Word
    provider_event: Word
    identities: Identities
    reason: SuppressionReason
    occurred_at: datetime
    received_at: datetime
    person: Person = Person()
    campaign: Campaign | None = None
    detail: Line | None = None
    cut: CutFields = ()


class InboxSignal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Evidence from the provider about a lead, other than a message: its own label, an accepted connection."""

    receipt_id: Ref
    workspace: Ref
    provider: Word
    provider_event: Word
    identities: Identities
    signal: SignalKind
    occurred_at: datetime
    received_at: datetime
    person: Person = Person()
    campaign: Campaign | None = None
    #: The message the signal is about, where the provider names one.
    message_id: Ref | None = None
    detail: Line | None = None
    cut: CutFields = ()


class InboxSplit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person says: these identities of a lead are somebody else's. What they name may not be merged again."""

    #: The run that asks for it, in the place of a webhook's receipt.
    receipt_id: Ref
    workspace: Ref
    lead_id: Ref
    identities: Annotated[tuple[Identity, ...], entries(LEAD_IDENTITIES)]
    #: Messages that go with them.
    message_ids: Annotated[tuple[Ref, ...], entries(SPLIT_MESSAGES)] = ()
    received_at: datetime
    by: Actor
    reason: Line = ""


InboxFact = InboxMessage | InboxSuppression | InboxSignal
