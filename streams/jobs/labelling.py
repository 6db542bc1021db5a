"""What an event of `enrichments` says about a lead's label: apart from the agent, so that replays can fold, too."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from streams.jobs.conversation import Head, with_label


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """A message got a label."""

    receipt_id: str
    workspace: str
    lead_id: str
    label: str
    #: The sent_at of the message: the label of an older message changes nothing.
    label_at: datetime


#: What an event of `enrichments` says about a lead's label; None when it says nothing.
LabelOf = Callable[[Any], Labelled | None]


def fold_enrichment(head: Head, labelled: Labelled) -> Head:
    """The lead after one of its messages was labelled."""
    return with_label(head, labelled.label, labelled.label_at)
