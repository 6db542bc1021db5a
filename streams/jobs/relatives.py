"""Leads that are one person tell each other what they learn, so that all of them know the same.

A lead that is merged into another tells it everything, and is told everything in turn. From then on each of them tells
its relatives (the lead it lives on as, and those that live on as it) whatever changes what it knows, but never the one
that told it. Merges make a tree, all that is told is folded without regard to order, and what changes nothing is not
told on: so everything reaches everybody, in whatever order it arrives, and then there is silence.

Why jobs don't move instead: the rows of a job are versioned by its lead's partition, its finished steps are paid for,
and it may be running. A lead that was merged away keeps its open jobs, and because it knows what its person's other
leads know, they see a suppression, a newer message or a label no matter which of the leads it was addressed to.

A split is told like all else, and remembered. A message that was taken out goes to the lead that was split, wherever it
comes up later, and from there alone to the lead that was taken out: so its versions arrive in their order. That lead is
another person: it is told, but tells nothing in turn.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec
from msgspec.structs import replace

from headrace.events.conversations import MOVED_BYTES, ConversationMoved
from headrace.events.messages import LeadMerged, LeadSplit, Message
from streams.jobs.conversation import Head, capped, ref_of, with_told, without_split


class Leads(Protocol):
    """The leads of one partition; see `streams.jobs.conversations.PartitionConversations`."""

    def head(self, lead_id: str) -> Head: ...
    def put_head(self, lead_id: str, head: Head) -> None: ...
    def message(self, lead_id: str, message_id: str) -> Message | None: ...
    def messages(self, lead_id: str, head: Head) -> list[Message]: ...
    def add(self, lead_id: str, head: Head, message: Message) -> Head: ...
    def set_aside(self, lead_id: str, message: Message) -> None: ...
    def split(self, lead_id: str, new_lead_id: str) -> LeadSplit | None: ...
    def put_split(self, lead_id: str, split: LeadSplit) -> None: ...


def merge(leads: Leads, event: LeadMerged) -> list[ConversationMoved]:
    """The lead lives on as another one, and tells it everything."""
    head = leads.head(event.lead_id)
    if event.into_lead_id in (head.merged_into, event.lead_id):
        return []
    absorbed = tuple(lead_id for lead_id in head.absorbed if lead_id != event.into_lead_id)
    leads.put_head(event.lead_id, replace(head, merged_into=event.into_lead_id, absorbed=absorbed))
    if event.into_lead_id in head.absorbed:
        # Told before, but not remembered: the other one answered, and was told everything in turn. Told once more, it
        # would take back what it has learnt since.
        return []
    empty = ConversationMoved(
        receipt_id=event.receipt_id,
        workspace=event.workspace,
        lead_id=event.into_lead_id,
        from_lead_id=event.lead_id,
        at=event.merged_at,
    )
    return list(_everything(leads, head, empty))


def learn(leads: Leads, told: ConversationMoved) -> list[ConversationMoved]:
    """Take in what a lead is told, by its own part of the log (then it tells itself) or by another lead.

    Returns what is to be told on.
    """
    own, teller = told.lead_id, told.from_lead_id
    before = head = leads.head(own)
    answers: list[ConversationMoved] = []
    if not told.parted and teller not in (own, *relatives(head)):
        answers = [*_everything(leads, head, replace(_empty(told), lead_id=teller, from_lead_id=own))]
        head = replace(head, absorbed=tuple(sorted((*head.absorbed, teller))))
    known, taken_out = _after_split(leads, own, with_told(head, told), told.split)
    news, known, stray = _with_messages(leads, own, known, told.messages)
    if known != before or news:
        leads.put_head(own, known)
    answers += _told_apart(told, [*taken_out, *stray])
    if known == head and not news:
        return answers
    told_on = replace(told, messages=news, from_lead_id=own, parted=False)
    others = (relative for relative in relatives(known) if relative != teller)
    return [*answers, *(replace(told_on, lead_id=relative) for relative in others)]


def relatives(head: Head) -> tuple[str, ...]:
    """The leads of the same person that are one merge away."""
    return head.absorbed if head.merged_into is None else (head.merged_into, *head.absorbed)


#: A message, and the lead that was taken out with it.
_Stray = tuple[str, Message]


def _after_split(leads: Leads, own: str, head: Head, split: LeadSplit | None) -> tuple[Head, list[_Stray]]:
    """The head without what a split takes out, if it was not known yet; and what is to be told to the other lead."""
    if split is None or leads.split(own, split.new_lead_id) is not None:
        return head, []
    leads.put_split(own, split)
    gone = set(split.message_ids)
    taken_out = [message for message in leads.messages(own, head) if message.message_id in gone]
    for message in taken_out:
        leads.set_aside(own, message)
    stray = taken_out if split.lead_id == own else []
    return without_split(head, split), [(split.new_lead_id, message) for message in stray]


def _with_messages(
    leads: Leads, own: str, head: Head, messages: Sequence[Message]
) -> tuple[tuple[Message, ...], Head, list[_Stray]]:
    """What is to be told of them on, the head with them, and those to be told to leads that were taken out of this one.

    Known messages and those too old to be kept are not told on: relatives know at least as much, or will.
    """
    added: list[Message] = []
    passed: list[Message] = []
    stray: list[_Stray] = []
    splits = _splits_by_message(leads, own, head) if messages else {}
    for message in map(capped, messages):
        split = splits.get(message.message_id)
        if split is not None:
            leads.set_aside(own, message)
            if split.lead_id == own:
                stray.append((split.new_lead_id, message))
            else:
                passed.append(message)
        elif leads.message(own, message.message_id) != message or ref_of(message) not in head.refs:
            head = leads.add(own, head, message)
            added.append(message)
    kept = set(head.refs)
    return (*(message for message in added if ref_of(message) in kept), *passed), head, stray


def _splits_by_message(leads: Leads, own: str, head: Head) -> dict[str, LeadSplit]:
    splits = (leads.split(own, new_lead_id) for new_lead_id, _ in head.splits)
    return {id_: split for split in splits if split is not None for id_ in split.message_ids}


def _told_apart(told: ConversationMoved, stray: Sequence[_Stray]) -> Iterator[ConversationMoved]:
    """The messages on their way to the leads that were taken out with them."""
    for new_lead_id in dict.fromkeys(lead_id for lead_id, _ in stray):
        empty = replace(_empty(told), lead_id=new_lead_id, from_lead_id=told.lead_id, parted=True)
        for piece in _pieces([message for lead_id, message in stray if lead_id == new_lead_id]):
            yield replace(empty, messages=piece)


def _everything(leads: Leads, head: Head, empty: ConversationMoved) -> Iterator[ConversationMoved]:
    """All that is known, in pieces; the first one has all but messages, and comes even if there is nothing to tell."""
    first = replace(
        empty,
        signals=head.signals,
        suppressed_reason=head.suppressed_reason,
        suppressed_at=head.suppressed_at,
        label=head.label,
        label_at=head.label_at,
        label_message_id=head.label_message_id,
    )
    pieces = list(_pieces(leads.messages(empty.from_lead_id, head)))
    yield replace(first, messages=pieces[0] if pieces else ())
    for piece in pieces[1:]:
        yield replace(empty, messages=piece)
    for new_lead_id, _ in head.splits:
        yield replace(empty, split=leads.split(empty.from_lead_id, new_lead_id))


def _pieces(messages: Sequence[Message]) -> Iterator[tuple[Message, ...]]:
    piece: list[Message] = []
    size = len("[]")
    for message in messages:
        bytes_ = len(msgspec.json.encode(message)) + len(",")
        if piece and size + bytes_ > MOVED_BYTES:
            yield tuple(piece)
            piece, size = [], len("[]")
        piece.append(message)
        size += bytes_
    if piece:
        yield tuple(piece)


def _empty(told: ConversationMoved) -> ConversationMoved:
    """The same cause, with nothing in it."""
    return ConversationMoved(
        receipt_id=told.receipt_id,
        workspace=told.workspace,
        lead_id=told.lead_id,
        from_lead_id=told.from_lead_id,
        at=told.at,
    )
