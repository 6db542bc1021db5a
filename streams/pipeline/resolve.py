"""Which lead is this about? Matches identities, creates, links and merges leads: pure, over a view of the table.

Facts of one workspace come one after the other, so two first messages at once can't make two leads.
"""

from typing import Protocol

import msgspec

from events.caps import capped
from events.ids import lead_id
from events.inbox import Address, Identity, InboxFact, InboxMessage, InboxSuppression, Person
from events.messages import (
    LEAD_IDENTITIES,
    LeadChanged,
    LeadEvent,
    LeadMerged,
    LeadSignalled,
    LeadSuppressed,
    MessageReceived,
    MessageSent,
)

#: The first kind that finds a lead wins (see `events.inbox.IdentityKind`).
MATCH_ORDER = ("ghl_contact_id", "emailbison_lead_id", "linkedin_id", "linkedin_slug", "email", "phone")


class Leads(Protocol):
    """The resolver's memory of one workspace: identities and leads."""

    def owner(self, identity: Identity) -> str | None:
        """The id of the lead that owns an identity."""

    def lead(self, id_: str) -> LeadChanged:
        """A lead's newest state. KeyError when there is none."""

    def put(self, lead: LeadChanged) -> None:
        """Store a lead, and its identities as its own."""

    def remove(self, id_: str) -> None:
        """Forget a lead that was merged away."""


class NoIdentity(ValueError):
    """The fact names nobody, so it belongs to no lead."""


def resolve(fact: InboxFact, leads: Leads) -> list[LeadEvent]:
    """The events of a lead that follow from a fact, in order. Changes `leads`. Raises NoIdentity."""
    own = sorted((i for i in fact.identities if not i.alias), key=lambda i: MATCH_ORDER.index(i.kind))
    aliases = [i for i in fact.identities if i.alias]
    found = _found(own or aliases, leads)
    merged: list[LeadEvent] = []
    separate: set[str] = set()
    if found:
        before, *others = sorted(found, key=lambda lead: (lead.created_at, lead.lead_id))
        after = before
        for other in others:
            if len(_union(after.identities, other.identities)) > LEAD_IDENTITIES:
                # No person is reached in so many ways. Each keeps what it owns, and what was said of it.
                separate.add(other.lead_id)
                continue
            after = _absorb(after, other)
            leads.remove(other.lead_id)
            merged.append(_merged(fact, other, after))
    else:
        before, after = None, _new_lead(fact, own or aliases)
    unowned = [i for i in aliases if leads.owner(i) is None]
    theirs = [i for i in own if leads.owner(i) not in separate]
    after = capped(_learn(after, fact, [*theirs, *unowned]))
    changes: list[LeadEvent] = []
    if before is None or before != after or merged:
        after = msgspec.structs.replace(after, receipt_id=fact.receipt_id, changed_at=fact.received_at)
        leads.put(after)
        changes.append(after)
    return [*merged, *changes, resolved(fact, after.lead_id)]


def _found(identities: list[Identity], leads: Leads) -> list[LeadChanged]:
    ids = dict.fromkeys(owner for identity in identities if (owner := leads.owner(identity)) is not None)
    return [leads.lead(id_) for id_ in ids]


def _new_lead(fact: InboxFact, identities: list[Identity]) -> LeadChanged:
    if not identities:
        raise NoIdentity(f"{fact.provider} {fact.provider_event} names nobody")
    first = identities[0]
    return LeadChanged(
        receipt_id=fact.receipt_id,
        workspace=fact.workspace,
        lead_id=lead_id(fact.workspace, first.kind, first.value),
        created_at=fact.received_at,
        changed_at=fact.received_at,
        identities=(),
    )


def _absorb(winner: LeadChanged, loser: LeadChanged) -> LeadChanged:
    emails = [*winner.alternate_emails, loser.email, *loser.alternate_emails]
    email = winner.email or loser.email
    return msgspec.structs.replace(
        winner,
        identities=_union(winner.identities, loser.identities),
        person=_filled(winner.person, loser.person),
        email=email,
        alternate_emails=tuple(dict.fromkeys(e for e in emails if e and e != email)),
        phone=winner.phone or loser.phone,
        campaign=winner.campaign or loser.campaign,
        account=winner.account or loser.account,
    )


def _learn(lead: LeadChanged, fact: InboxFact, identities: list[Identity]) -> LeadChanged:
    emails = [i for i in identities if i.kind == "email"]
    own_email = next((i.value for i in emails if not i.alias), None)
    email = lead.email or own_email
    known = [*lead.alternate_emails, *(i.value for i in emails)]
    learnt = msgspec.structs.replace(
        lead,
        identities=_union(lead.identities, identities),
        person=_filled(lead.person, fact.person),
        email=email,
        alternate_emails=tuple(dict.fromkeys(e for e in known if e != email)),
        phone=lead.phone or next((i.value for i in identities if i.kind == "phone"), None),
        campaign=lead.campaign or fact.campaign,
    )
    if isinstance(fact, InboxMessage):
        return _with_replier(msgspec.structs.replace(learnt, account=lead.account or fact.account), fact)
    return learnt


def _with_replier(lead: LeadChanged, fact: InboxMessage) -> LeadChanged:
    """Somebody else answers for the lead, or the lead does again. An older message changes nothing."""
    replier = fact.from_address
    if fact.direction != "inbound" or fact.source == "bounce" or replier is None or lead.email is None:
        return lead
    since = lead.current_replier_since
    if since is not None and fact.sent_at < since:
        return lead
    current: Address | None = None if replier.address == lead.email else replier
    if (current and current.address) == (lead.current_replier and lead.current_replier.address):
        return lead
    return msgspec.structs.replace(lead, current_replier=current, current_replier_since=fact.sent_at)


def _union(known: tuple[Identity, ...], more: tuple[Identity, ...] | list[Identity]) -> tuple[Identity, ...]:
    by_value = {(i.kind, i.value): i for i in (*more, *known)}
    order = dict.fromkeys((i.kind, i.value) for i in (*known, *more))
    return tuple(by_value[place] for place in order)


def _filled(known: Person, more: Person) -> Person:
    """Blanks filled, nothing overwritten."""
    blanks = {
        field: getattr(more, field)
        for field in Person.__struct_fields__
        if getattr(known, field) is None and getattr(more, field) is not None
    }
    return msgspec.structs.replace(known, **blanks) if blanks else known


def _merged(fact: InboxFact, loser: LeadChanged, winner: LeadChanged) -> LeadMerged:
    return LeadMerged(
        receipt_id=fact.receipt_id,
        workspace=fact.workspace,
        lead_id=loser.lead_id,
        into_lead_id=winner.lead_id,
        merged_at=fact.received_at,
    )


def resolved(fact: InboxFact, id_: str) -> LeadEvent:
    """The fact itself, now with its lead."""
    shared = msgspec.structs.asdict(fact) | {"lead_id": id_}
    for identifying in ("identities", "person"):
        del shared[identifying]
    if isinstance(fact, InboxMessage):
        return MessageReceived(**shared) if fact.direction == "inbound" else MessageSent(**shared)
    del shared["campaign"]
    if isinstance(fact, InboxSuppression):
        return LeadSuppressed(**shared)
    return LeadSignalled(**shared)
