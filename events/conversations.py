"""A conversation on its way to another lead (topic `jobs`, keyed by the lead that lives on)."""

from datetime import datetime
from typing import Annotated

import msgspec

from events.caps import CutFields, Ref, Word, entries, json_bytes
from events.inbox import SuppressionReason
from events.messages import LeadSignalled, Message

#: Bytes of the messages that move with a lead; the oldest are left behind beyond it.
MOVED_BYTES = 2 * 1024 * 1024
#: What the provider said about a lead, of which so much is kept.
KEPT_SIGNALS = 50


class ConversationMoved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two leads turned out to be one, and what the jobs app knows of the younger one belongs to the older one now.

    The two may live in different partitions, so it travels as an event. Taking it in twice changes nothing.
    """

    receipt_id: Ref
    workspace: Ref
    #: The lead that lives on.
    lead_id: Ref
    from_lead_id: Ref
    at: datetime
    #: The newest messages, without HTML and with their text capped.
    messages: Annotated[tuple[Message, ...], json_bytes(MOVED_BYTES)] = ()
    #: What the provider said about the lead, oldest first.
    signals: Annotated[tuple[LeadSignalled, ...], entries(KEPT_SIGNALS)] = ()
    suppressed_reason: SuppressionReason | None = None
    suppressed_at: datetime | None = None
    #: The newest label, and the sent_at of the message it came from.
    label: Word | None = None
    label_at: datetime | None = None
    cut: CutFields = ()
