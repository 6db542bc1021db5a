"""Takes identities out of a lead that was merged wrongly, and gives them to a lead of their own for good."""

from typing import Any

import msgspec

from headrace.events.ids import lead_id
from headrace.events.inbox import Identity, InboxSplit
from headrace.events.messages import LeadChanged, LeadEvent, LeadSplit, MessageMoved
from streams.pipeline.lead_memory import Holder, Home, Leads
from streams.pipeline.resolve import is_hint


class NothingToSplit(ValueError):
    """The lead has no such identities, or no others."""


def split(order: InboxSplit, leads: Leads) -> list[LeadEvent]:
    """The events of a split, in order. Changes `leads`. Raises NothingToSplit, and KeyError for an unknown lead.

    Asked for twice, it is done once.
    """
    lead = leads.lead(leads.survivor(order.lead_id))
    if lead.workspace != order.workspace:
        raise NothingToSplit("the lead is another workspace's")
    new_id = split_lead_id(lead.workspace, lead.lead_id, order.identities)
    if new_id in lead.apart_from:
        return []
    going = identities_of(lead, order.identities)
    staying = tuple(i for i in lead.identities if i not in going)
    if not any(not is_hint(i) for i in going) or not any(not is_hint(i) for i in staying):
        raise NothingToSplit("a split needs an identity of its own on either side")
    for identity in going:
        leads.hold(identity, _hand_over(leads.holder(identity), lead.lead_id, new_id))
    kept = _without(lead, staying, new_id, order)
    new = _new_lead(lead, going, new_id, order)
    leads.put(kept)
    leads.put(new)
    moves = _moves(order, lead.lead_id, new_id, leads)
    event = LeadSplit(
        receipt_id=order.receipt_id,
        workspace=order.workspace,
        lead_id=lead.lead_id,
        new_lead_id=new_id,
        identities=going,
        message_ids=tuple(move.message_id for move in moves),
        split_at=order.received_at,
        by=order.by,
        reason=order.reason,
    )
    return [event, kept, new, *moves]


def split_lead_id(workspace: str, from_lead_id: str, identities: tuple[Identity, ...]) -> str:
    """The id of the lead that these identities get."""
    named = sorted(f"{i.kind}:{i.value}" for i in identities)
    return lead_id(workspace, f"split from {from_lead_id}", "\x1f".join(named))


def identities_of(lead: LeadChanged, wanted: tuple[Identity, ...]) -> tuple[Identity, ...]:
    """Those of the identities that the lead has, as it has them."""
    named = {(i.kind, i.value) for i in wanted}
    return tuple(i for i in lead.identities if (i.kind, i.value) in named)


def _hand_over(holder: Holder, from_id: str, to_id: str) -> Holder:
    return msgspec.structs.replace(
        holder,
        owner=to_id if holder.owner == from_id else holder.owner,
        claimants=tuple(to_id if id_ == from_id else id_ for id_ in holder.claimants),
    )


def _without(lead: LeadChanged, staying: tuple[Identity, ...], new_id: str, order: InboxSplit) -> LeadChanged:
    """What is known of the person stays: nobody recorded which identity it came with."""
    return msgspec.structs.replace(
        lead,
        changed_at=order.received_at,
        identities=staying,
        **_addresses(staying, lead.email, lead.phone),
        current_replier=None,
        current_replier_since=None,
        apart_from=(*lead.apart_from, new_id),
    )


def _new_lead(lead: LeadChanged, going: tuple[Identity, ...], new_id: str, order: InboxSplit) -> LeadChanged:
    return LeadChanged(
        # The webhook that last changed the old lead is where the new one comes from.
        receipt_id=lead.receipt_id,
        workspace=lead.workspace,
        lead_id=new_id,
        created_at=order.received_at,
        changed_at=order.received_at,
        identities=going,
        **_addresses(going, None, None),
        campaign=lead.campaign,
        account=lead.account,
        apart_from=(lead.lead_id,),
    )


def _addresses(identities: tuple[Identity, ...], email: str | None, phone: str | None) -> dict[str, Any]:
    """E-mail addresses and phone number of a lead with these identities. What it had first stays first."""
    emails = [i.value for i in identities if i.kind == "email"]
    own = [i.value for i in identities if i.kind == "email" and not i.alias]
    phones = [i.value for i in identities if i.kind == "phone"]
    first = email if email in own else next(iter(own), None)
    return {
        "email": first,
        "alternate_emails": tuple(e for e in emails if e != first),
        "phone": phone if phone in phones else next(iter(phones), None),
    }


def _moves(order: InboxSplit, from_id: str, new_id: str, leads: Leads) -> list[MessageMoved]:
    moves = []
    for message_id in dict.fromkeys(order.message_ids):
        home = leads.home(message_id) or Home(from_id)
        if leads.survivor(home.moved_to or home.lead_id) != from_id:
            continue
        leads.settle(message_id, Home(home.lead_id, new_id))
        moves.append(
            MessageMoved(
                receipt_id=order.receipt_id,
                workspace=order.workspace,
                lead_id=home.lead_id,
                message_id=message_id,
                into_lead_id=new_id,
                moved_at=order.received_at,
            )
        )
    return moves
