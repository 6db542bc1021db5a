"""What is known of a lead: its newest messages, state, label, suppression. Folds of the log: values in, values out.

Folds don't depend on the order in which leads' facts arrive: messages sort by (sent_at, received_at, id), the newest
label and the first suppression count.
"""

from bisect import insort
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from events.conversations import KEPT_SIGNALS, MOVED_BYTES, ConversationMoved
from events.inbox import SuppressionReason
from events.messages import LeadChanged, LeadMerged, LeadSignalled, LeadSplit, LeadSuppressed, Message

#: Messages of a lead that are kept.
KEPT_MESSAGES = 80
#: Characters kept of what a provider said in its own words: all heads are written anew at each change.
DETAIL_LIMIT = 200
#: Characters kept of what the author wrote, and of the whole body with its quoted history.
TEXT_LIMIT = 16_000
BODY_LIMIT = 4_000

#: (sent_at, received_at) in microseconds since the epoch, and the message's id: the order of a conversation.
Ref = tuple[int, int, str]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Head(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A lead without the text of its messages."""

    lead: LeadChanged | None = None
    #: Oldest first.
    refs: tuple[Ref, ...] = ()
    #: Oldest first, each once.
    signals: tuple[LeadSignalled, ...] = ()
    suppressed_reason: SuppressionReason | None = None
    suppressed_at: datetime | None = None
    #: The newest label, and the sent_at of the message it came from.
    label: str | None = None
    label_at: datetime | None = None
    #: The lead it lives on as.
    merged_into: str | None = None
    #: Leads that were taken out of it, and when.
    splits: tuple[tuple[str, datetime], ...] = ()


def capped(message: Message) -> Message:
    """The message as it is kept: without HTML, and with its text capped."""
    return msgspec.structs.replace(message, html=None, text=message.text[:TEXT_LIMIT], body=message.body[:BODY_LIMIT])


def with_message(head: Head, message: Message) -> tuple[Head, tuple[str, ...]]:
    """The head with the message in its place, and the ids of messages that are now too old to be kept."""
    refs = [ref for ref in head.refs if ref[2] != message.message_id]
    insort(refs, (_microseconds(message.sent_at), _microseconds(message.received_at), message.message_id))
    dropped, kept = refs[:-KEPT_MESSAGES], refs[-KEPT_MESSAGES:]
    return msgspec.structs.replace(head, refs=tuple(kept)), tuple(ref[2] for ref in dropped)


def with_signal(head: Head, signal: LeadSignalled) -> Head:
    """The head after the provider said something about the lead. Hearing it twice is hearing it once."""
    detail = signal.detail and signal.detail[:DETAIL_LIMIT]
    kept = signal if detail == signal.detail else msgspec.structs.replace(signal, detail=detail)
    signals = sorted({*head.signals, kept}, key=lambda one: (one.occurred_at, one.received_at, one.receipt_id))
    return msgspec.structs.replace(head, signals=tuple(signals[-KEPT_SIGNALS:]))


def with_suppression(head: Head, reason: SuppressionReason, at: datetime) -> Head:
    """The head of a lead nobody may write to any more. The earliest reason stays."""
    if head.suppressed_at is not None and head.suppressed_at <= at:
        return head
    return msgspec.structs.replace(head, suppressed_reason=reason, suppressed_at=at)


def with_label(head: Head, label: str, at: datetime) -> Head:
    """The head after a message was labelled. `at` is the message's sent_at: a late older one changes nothing."""
    if head.label_at is not None and head.label_at > at:
        return head
    return msgspec.structs.replace(head, label=label, label_at=at)


def suppressed(head: Head, event: LeadSuppressed) -> Head:
    """The head after a suppression."""
    return with_suppression(head, event.reason, event.occurred_at)


def moved(merge: LeadMerged, head: Head, messages: Sequence[Message]) -> ConversationMoved:
    """What goes to the lead that lives on. `messages` oldest first."""
    return ConversationMoved(
        receipt_id=merge.receipt_id,
        workspace=merge.workspace,
        lead_id=merge.into_lead_id,
        from_lead_id=merge.lead_id,
        at=merge.merged_at,
        messages=tuple(_newest_within(messages, MOVED_BYTES)),
        signals=head.signals,
        suppressed_reason=head.suppressed_reason,
        suppressed_at=head.suppressed_at,
        label=head.label,
        label_at=head.label_at,
    )


def without_split(head: Head, event: LeadSplit) -> Head:
    """The head after somebody else's messages were taken out."""
    gone = set(event.message_ids)
    return msgspec.structs.replace(
        head,
        refs=tuple(ref for ref in head.refs if ref[2] not in gone),
        splits=(*(one for one in head.splits if one[0] != event.new_lead_id), (event.new_lead_id, event.split_at)),
    )


def is_split_off(head: Head, message_id: str) -> bool:
    """True for a known message that is not the lead's any more."""
    return bool(head.splits) and all(ref[2] != message_id for ref in head.refs)


def split_off(event: LeadSplit, messages: Sequence[Message]) -> ConversationMoved:
    """What goes to the lead that was taken out, `messages` oldest first. Label and signals stay: nobody knows whose."""
    gone = set(event.message_ids)
    return ConversationMoved(
        receipt_id=event.receipt_id,
        workspace=event.workspace,
        lead_id=event.new_lead_id,
        from_lead_id=event.lead_id,
        at=event.split_at,
        messages=tuple(_newest_within([m for m in messages if m.message_id in gone], MOVED_BYTES)),
    )


def also_suppressed(head: Head, event: LeadSuppressed) -> list[LeadSuppressed]:
    """The suppressions of leads taken out of this one, for what was said while they were one: it may be any of them."""
    return [
        msgspec.structs.replace(event, lead_id=lead_id)
        for lead_id, split_at in head.splits
        if event.occurred_at <= split_at
    ]


def inherited_suppression(head: Head, event: LeadSplit) -> LeadSuppressed | None:
    """The suppression that the lead that was taken out keeps: nobody knows which of the two it was meant for."""
    if head.suppressed_reason is None or head.suppressed_at is None:
        return None
    return LeadSuppressed(
        receipt_id=event.receipt_id,
        workspace=event.workspace,
        lead_id=event.new_lead_id,
        provider="headrace",
        reason=head.suppressed_reason,
        occurred_at=head.suppressed_at,
        received_at=event.split_at,
        provider_event="lead split",
        detail=f"inherited from {event.lead_id}",
    )


def with_moved(head: Head, event: ConversationMoved) -> Head:
    """The survivor's head with all but the other lead's messages, which go through `with_message`."""
    for signal in event.signals:
        head = with_signal(head, signal)
    if event.suppressed_reason is not None and event.suppressed_at is not None:
        head = with_suppression(head, event.suppressed_reason, event.suppressed_at)
    if event.label is not None and event.label_at is not None:
        head = with_label(head, event.label, event.label_at)
    return head


def _newest_within(messages: Sequence[Message], limit: int) -> Iterable[Message]:
    kept: list[Message] = []
    size = len("[]")
    for message in reversed(messages):
        size += len(msgspec.json.encode(message)) + len(",")
        if size > limit:
            break
        kept.append(message)
    return reversed(kept)


def _microseconds(time: datetime) -> int:
    elapsed = time - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
