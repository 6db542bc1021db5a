"""What one lead knows, told to another lead of the same person (topic `jobs`, keyed by the lead that is told)."""

from datetime import datetime

import msgspec

from events.inbox import SuppressionReason
from events.messages import LeadSignalled, Message


class ConversationMoved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two leads turned out to be one person, and what the jobs app learns about either belongs to both.

    The lead that was merged away tells the one it lives on as, and is told in turn: its open jobs stay where they are.
    The two may live in different partitions, so it travels as an event. Taking it in twice changes nothing.
    """

    receipt_id: str
    workspace: str
    #: The lead that is told.
    lead_id: str
    #: The lead that tells: one merge away from it.
    from_lead_id: str
    at: datetime
    #: The newest messages, without HTML and with their text capped.
    messages: tuple[Message, ...] = ()
    #: What the provider said about the lead, oldest first.
    signals: tuple[LeadSignalled, ...] = ()
    suppressed_reason: SuppressionReason | None = None
    suppressed_at: datetime | None = None
    #: The newest label, and the sent_at and id of the message it came from.
    label: str | None = None
    label_at: datetime | None = None
    label_message_id: str = ""
