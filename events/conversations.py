"""A conversation on its way to another lead (topic `jobs`, keyed by the lead that lives on)."""

from datetime import datetime

import msgspec

from events.inbox import SuppressionReason
from events.messages import LeadSignalled, Message


class ConversationMoved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two leads turned out to be one, and what the jobs app knows of the younger one belongs to the older one now.

    The two may live in different partitions, so it travels as an event. Taking it in twice changes nothing.
    """

    receipt_id: str
    workspace: str
    #: The lead that lives on.
    lead_id: str
    from_lead_id: str
    at: datetime
    #: The newest messages, without HTML and with their text capped.
    messages: tuple[Message, ...] = ()
    #: What the provider said about the lead, oldest first.
    signals: tuple[LeadSignalled, ...] = ()
    suppressed_reason: SuppressionReason | None = None
    suppressed_at: datetime | None = None
    #: The newest label, and the sent_at of the message it came from.
    label: str | None = None
    label_at: datetime | None = None
