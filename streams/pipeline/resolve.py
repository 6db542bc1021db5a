"""Which lead is this about? Matches identities, creates, links and merges leads, over a memory that it changes.

Who is who must not depend on the order in which facts arrive. An own identity makes one person of all that have it,
which no order can change. Phone numbers and aliases are shared by colleagues, so they are hints: they belong to nobody,
merge nobody that has an identity of its own, and find a lead only for a fact that brings nothing better, and only
while one lead alone is named with them.
"""

from typing import NamedTuple

import msgspec

from headrace.events.caps import capped
from headrace.events.ids import lead_id
from headrace.events.inbox import (
    MATCH_ORDER,
    Address,
    Identity,
    InboxFact,
    InboxMessage,
    InboxSignal,
    InboxSuppression,
    Person,
)
from headrace.events.messages import (
    LeadChanged,
    LeadEvent,
    LeadMerged,
    LeadSignalled,
    LeadSuppressed,
    MessageReceived,
    MessageSent,
)
from streams.pipeline.lead_memory import MOST_CLAIMANTS, Holder, Home, Leads


class NoIdentity(ValueError):
    """The fact names nobody, so it belongs to no lead."""


class Match(NamedTuple):
    """Whom the identities of a fact name."""

    own: list[Identity]
    hints: list[Identity]
    #: All one person, oldest first; empty for somebody new.
    leads: list[LeadChanged]
    #: Named as well, but split from that person: never merged again.
    apart: list[LeadChanged]


def resolve(fact: InboxFact, leads: Leads) -> list[LeadEvent]:
    """The events of a lead that follow from a fact, in order. Changes `leads`. Raises NoIdentity."""
    match = _match(fact, leads)
    before = match.leads[0] if match.leads else None
    merged: list[LeadEvent] = []
    after = before or _new_lead(fact, match, leads)
    for other in match.leads[1:]:
        after = absorb(after, other)
        leads.merge(other.lead_id, after.lead_id)
        merged.append(_merge_event(fact, other, after))
    after = capped(_learn(after, fact, _own_of_lead(match, leads)))
    _hold(match, after.lead_id, leads)
    changes: list[LeadEvent] = []
    if before is None or before != after or merged:
        after = msgspec.structs.replace(after, receipt_id=fact.receipt_id, changed_at=fact.received_at)
        leads.put(after)
        changes.append(after)
    return [*merged, *changes, *_fact_events(fact, match, after.lead_id, leads)]


def is_hint(identity: Identity) -> bool:
    """True for what colleagues share: it doesn't make one person of those that have it."""
    return identity.alias or identity.kind == "phone"


def _match(fact: InboxFact, leads: Leads) -> Match:
    # Of leads that may not be merged, the first kind that names one decides.
    ordered = sorted(fact.identities, key=lambda i: (i.alias, MATCH_ORDER.index(i.kind)))
    own, hints = [i for i in ordered if not is_hint(i)], [i for i in ordered if is_hint(i)]
    if not ordered:
        raise NoIdentity(f"{fact.provider} {fact.provider_event} names nobody")
    if own:
        return Match(own, hints, *_one_person(own, hints, leads))
    answering = _answering(leads.holder(hints[0]))
    return Match([], hints[:1], [leads.lead(answering)] if answering else [], [])


def _one_person(
    own: list[Identity], hints: list[Identity], leads: Leads
) -> tuple[list[LeadChanged], list[LeadChanged]]:
    owners = [leads.holder(identity).owner for identity in own]
    # Facts that named only a phone number belong to the first lead that has it, whichever came first.
    waiting = [h.alone for h in map(leads.holder, (*own, *hints)) if not h.claimants and not h.owner]
    joined: list[LeadChanged] = []
    apart: list[LeadChanged] = []
    for id_ in dict.fromkeys(filter(None, (*owners, *waiting))):
        lead = leads.lead(id_)
        is_apart = any(_are_apart(lead, other, leads) for other in joined)
        (apart if is_apart else joined).append(lead)
    return sorted(joined, key=lambda lead: (lead.created_at, lead.lead_id)), apart


def _are_apart(lead: LeadChanged, other: LeadChanged, leads: Leads) -> bool:
    return other.lead_id in map(leads.survivor, lead.apart_from) or lead.lead_id in map(
        leads.survivor, other.apart_from
    )


def _answering(holder: Holder) -> str:
    """The lead that a hint by itself means; empty when it means none yet."""
    if holder.owner or len(holder.claimants) == 1:
        return holder.owner or holder.claimants[0]
    return holder.alone


def _new_lead(fact: InboxFact, match: Match, leads: Leads) -> LeadChanged:
    first = (match.own or match.hints)[0]
    is_shared = not match.own and bool(leads.holder(first).claimants)
    # A lead's id is never used again, not after it was merged away: what makes it another lead is part of its id.
    kind = " ".join(filter(None, ("shared" if is_shared else "", "alias" if first.alias else "", first.kind)))
    return LeadChanged(
        receipt_id=fact.receipt_id,
        workspace=fact.workspace,
        lead_id=lead_id(fact.workspace, kind, first.value),
        created_at=fact.received_at,
        changed_at=fact.received_at,
        identities=(),
    )


def absorb(winner: LeadChanged, loser: LeadChanged) -> LeadChanged:
    """The older lead with everything known of the younger one."""
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
        apart_from=tuple(dict.fromkeys((*winner.apart_from, *loser.apart_from))),
    )


def _own_of_lead(match: Match, leads: Leads) -> list[Identity]:
    """The identities that are the lead's: all but those of people it was split from."""
    others = {lead.lead_id for lead in match.apart}
    return [*(i for i in match.own if leads.holder(i).owner not in others), *match.hints]


def _hold(match: Match, id_: str, leads: Leads) -> None:
    others = {lead.lead_id for lead in match.apart}
    for identity in (*match.own, *match.hints):
        before = leads.holder(identity)
        alone = before.alone if before.claimants else ""
        if not is_hint(identity):
            after = before if before.owner in others else Holder(id_, before.claimants, alone)
        elif match.own:
            after = Holder(before.owner, _with_claimant(before, id_), alone)
        else:
            after = before if _answering(before) else Holder(before.owner, before.claimants, id_)
        if after != before:
            leads.hold(identity, after)


def _with_claimant(holder: Holder, id_: str) -> tuple[str, ...]:
    if id_ == holder.owner or len(holder.claimants) >= MOST_CLAIMANTS:
        return holder.claimants
    return tuple(dict.fromkeys((*holder.claimants, id_)))


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
    """Each once, in the order they became known. What is the lead's own is no alias of it."""
    by_value = {(i.kind, i.value): i for i in sorted((*more, *known), key=lambda i: not i.alias)}
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


def _merge_event(fact: InboxFact, loser: LeadChanged, winner: LeadChanged) -> LeadMerged:
    return LeadMerged(
        receipt_id=fact.receipt_id,
        workspace=fact.workspace,
        lead_id=loser.lead_id,
        into_lead_id=winner.lead_id,
        merged_at=fact.received_at,
    )


def _fact_events(fact: InboxFact, match: Match, id_: str, leads: Leads) -> list[LeadEvent]:
    """The fact itself, for the lead or leads it concerns."""
    if isinstance(fact, InboxMessage):
        return _message_events(fact, id_, leads)
    if isinstance(fact, InboxSignal):
        home = leads.home(fact.message_id) if fact.message_id else None
        return [resolved(fact, id_ if home is None else _lives_at(home, leads))]
    # Nobody may write to whom it may mean: people that were split, and all that share the only thing it names.
    sharing = () if match.own else leads.holder(match.hints[0]).claimants
    concerned = dict.fromkeys((id_, *(lead.lead_id for lead in match.apart), *sharing))
    return [resolved(fact, one) for one in concerned]


def _message_events(fact: InboxMessage, id_: str, leads: Leads) -> list[LeadEvent]:
    """The message of the lead that first had it, whomever a later webhook names; to whom that is told as a signal."""
    home = leads.home(fact.message_id)
    if home is None:
        leads.settle(fact.message_id, Home(id_))
        return [resolved(fact, id_)]
    message = resolved(fact, home.lead_id)
    if fact.direction != "inbound" or _lives_at(home, leads) == id_:
        return [message]
    signal = LeadSignalled(
        receipt_id=fact.receipt_id,
        workspace=fact.workspace,
        lead_id=id_,
        provider=fact.provider,
        signal="answered_by_other",
        occurred_at=fact.sent_at,
        received_at=fact.received_at,
        provider_event=fact.provider_event,
        message_id=fact.message_id,
    )
    return [message, signal]


def _lives_at(home: Home, leads: Leads) -> str:
    return leads.survivor(home.moved_to or home.lead_id)


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
