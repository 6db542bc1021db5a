"""What is known of a lead: its newest messages, state, label, suppression. Folds of the log: values in, values out.

Folds don't depend on the order in which leads' facts arrive: messages sort by (sent_at, received_at, id), the newest
label and the first suppression count.
"""

from bisect import insort
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from headrace.events.conversations import KEPT_SIGNALS, ConversationMoved
from headrace.events.inbox import SuppressionReason
from headrace.events.messages import LeadChanged, LeadSignalled, LeadSplit, LeadSuppressed, Message
from streams.jobs.promises import Promise

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
    #: The newest label, and the sent_at and id of the message it came from.
    label: str | None = None
    label_at: datetime | None = None
    label_message_id: str = ""
    #: The lead it lives on as.
    merged_into: str | None = None
    #: The leads that live on as this one.
    absorbed: tuple[str, ...] = ()
    #: Leads that were taken out of it or of one it lives on as, and when.
    splits: tuple[tuple[str, datetime], ...] = ()
    #: What its jobs concluded that is to happen, and has not yet.
    promises: tuple[Promise, ...] = ()


def capped(message: Message) -> Message:
    """The message as it is kept: without HTML, with its text capped, and of one type whatever its event was."""
    kept = {"html": None, "text": message.text[:TEXT_LIMIT], "body": message.body[:BODY_LIMIT]}
    return Message(**(msgspec.structs.asdict(message) | kept))


def ref_of(message: Message) -> Ref:
    """The place of a message in its conversation."""
    return _microseconds(message.sent_at), _microseconds(message.received_at), message.message_id


def with_message(head: Head, message: Message) -> tuple[Head, tuple[str, ...]]:
    """The head with the message in its place, and the ids of messages that are now too old to be kept."""
    refs = [ref for ref in head.refs if ref[2] != message.message_id]
    insort(refs, ref_of(message))
    dropped, kept = refs[:-KEPT_MESSAGES], refs[-KEPT_MESSAGES:]
    return msgspec.structs.replace(head, refs=tuple(kept)), tuple(ref[2] for ref in dropped)


def with_signals(head: Head, signals: Iterable[LeadSignalled]) -> Head:
    """The head after the provider said something about the lead. Hearing it twice is hearing it once."""
    kept = sorted({*head.signals, *map(_shortened, signals)}, key=_order_of_signal)
    return msgspec.structs.replace(head, signals=tuple(kept[-KEPT_SIGNALS:]))


def with_suppression(head: Head, reason: SuppressionReason, at: datetime) -> Head:
    """The head of a lead nobody may write to any more. The earliest reason stays."""
    known = head.suppressed_at
    if known is not None and (known, head.suppressed_reason or "") <= (at, reason):
        return head
    return msgspec.structs.replace(head, suppressed_reason=reason, suppressed_at=at)


def with_label(head: Head, label: str, at: datetime, message_id: str) -> Head:
    """The head after a message was labelled. `at` is the message's sent_at: a late older one changes nothing."""
    if head.label_at is not None and (head.label_at, head.label_message_id) > (at, message_id):
        return head
    return msgspec.structs.replace(head, label=label, label_at=at, label_message_id=message_id)


def suppressed_at(event: LeadSuppressed) -> datetime:
    """Since when nobody may write to the lead. A provider's clock that is ahead must not leave a gap."""
    return min(event.occurred_at, event.received_at)


def suppressed(head: Head, event: LeadSuppressed) -> Head:
    """The head after a suppression."""
    return with_suppression(head, event.reason, suppressed_at(event))


def without_split(head: Head, event: LeadSplit) -> Head:
    """The head after somebody else's messages were taken out. Label and signals stay: nobody knows whose they are."""
    gone = set(event.message_ids)
    others = {lead_id: at for lead_id, at in head.splits if lead_id != event.new_lead_id}
    return msgspec.structs.replace(
        head,
        refs=tuple(ref for ref in head.refs if ref[2] not in gone),
        splits=tuple(sorted((others | {event.new_lead_id: event.split_at}).items())),
    )


def with_told(head: Head, event: ConversationMoved) -> Head:
    """The head with all that is told but for messages and splits: both change what is kept beside it."""
    if event.signals:
        head = with_signals(head, event.signals)
    if event.suppressed_reason is not None and event.suppressed_at is not None:
        head = with_suppression(head, event.suppressed_reason, event.suppressed_at)
    if event.label is not None and event.label_at is not None:
        head = with_label(head, event.label, event.label_at, event.label_message_id)
    return head


def _shortened(signal: LeadSignalled) -> LeadSignalled:
    if signal.detail is None or len(signal.detail) <= DETAIL_LIMIT:
        return signal
    return msgspec.structs.replace(signal, detail=signal.detail[:DETAIL_LIMIT])


def _order_of_signal(signal: LeadSignalled) -> tuple[datetime, datetime, str, str, bytes]:
    """Total, so that two leads which know the same signals keep them in the same order."""
    return (
        signal.occurred_at,
        signal.received_at,
        signal.receipt_id,
        signal.signal,
        msgspec.json.encode((signal.lead_id, signal.provider, signal.provider_event, signal.message_id, signal.detail)),
    )


def _microseconds(time: datetime) -> int:
    elapsed = time - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
