"""What an event of `enrichments` says about a lead's label: apart from the agent, so that replays can read it, too."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """A message got a label."""

    receipt_id: str
    workspace: str
    lead_id: str
    label: str
    #: Id and sent_at of the message: the label of an older message changes nothing.
    message_id: str
    label_at: datetime


#: What an event of `enrichments` says about a lead's label; None when it says nothing.
LabelOf = Callable[[Any], Labelled | None]
