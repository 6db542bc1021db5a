"""What one lead knows, told to another lead of the same person (topic `jobs`, keyed by the lead that is told)."""

from datetime import datetime
from typing import Annotated

import msgspec

from headrace.events.caps import CutFields, Ref, Word, entries, json_bytes
from headrace.events.inbox import SuppressionReason
from headrace.events.messages import LeadSignalled, LeadSplit, Message

#: Bytes of the messages in one event; more of them are told in several.
MOVED_BYTES = 512 * 1024
#: What the provider said about a lead, of which so much is kept.
KEPT_SIGNALS = 50


class ConversationMoved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two leads turned out to be one person, and what the jobs app learns about either belongs to both.

    The lead that was merged away tells the one it lives on as, and is told in turn: its open jobs stay where they are.
    The two may live in different partitions, so it travels as an event. Taking it in twice changes nothing.
    """

    receipt_id: Ref
    workspace: Ref
    #: The lead that is told.
    lead_id: Ref
    #: The lead that tells: one merge away from it, or itself.
    from_lead_id: Ref
    #: The two are two people: they were split, and nothing is told in turn.
    parted: bool = False
    at: datetime
    #: Messages, without HTML and with their text capped.
    messages: Annotated[tuple[Message, ...], json_bytes(MOVED_BYTES)] = ()
    #: What the provider said about the lead, oldest first.
    signals: Annotated[tuple[LeadSignalled, ...], entries(KEPT_SIGNALS)] = ()
    suppressed_reason: SuppressionReason | None = None
    suppressed_at: datetime | None = None
    #: The newest label, and the sent_at and id of the message it came from.
    label: Word | None = None
    label_at: datetime | None = None
    label_message_id: Ref = ""
    #: Some of what they knew is another person's now.
    split: LeadSplit | None = None
    cut: CutFields = ()
