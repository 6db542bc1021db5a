"""The labels of a reply and what follows from each, once for rules, models, drafts and scores."""

from collections.abc import Mapping
from typing import Literal, get_args

#: What a reply can be. New and Snoozed are states of a lead that only events and people set: no model may say them.
Label = Literal[
    "Blacklist",
    "Automated Reply",
    "Out of Office",
    "Meeting Booked",
    "Meeting Requested",
    "Call Requested",
    "Information Requested",
    "Follow Up",
    "Not Interested",
    "Objection",
    "Interested",
    "Neutral",
]
#: When several fit, the first of these wins.
PRIORITY: tuple[Label, ...] = get_args(Label)
Polarity = Literal["positive", "negative", "open"]

POSITIVE: frozenset[Label] = frozenset(
    {"Meeting Booked", "Meeting Requested", "Call Requested", "Information Requested", "Interested"}
)
NEGATIVE: frozenset[Label] = frozenset({"Blacklist", "Not Interested"})
#: The labels a reply is drafted for. Call Requested also needs a number on file.
DRAFTED: frozenset[Label] = POSITIVE | {"Follow Up"}


def polarity(label: Label) -> Polarity:
    """Whether the label says yes, no, or neither."""
    if label in POSITIVE:
        return "positive"
    return "negative" if label in NEGATIVE else "open"


def polarities_agree(one: Label, other: Label) -> bool:
    """Two classifiers read the same wish: what is sent without a person needs that."""
    return polarity(one) == polarity(other)


#: What a label says about how much the lead wants, 1 (nothing) to 4 (ready to book).
INTENT: Mapping[Label, Literal[1, 2, 3, 4]] = {
    "Blacklist": 1,
    "Not Interested": 1,
    "Automated Reply": 2,
    "Out of Office": 2,
    "Neutral": 2,
    "Objection": 2,
    "Follow Up": 2,
    "Information Requested": 3,
    "Interested": 3,
    "Call Requested": 4,
    "Meeting Requested": 4,
    "Meeting Booked": 4,
}
