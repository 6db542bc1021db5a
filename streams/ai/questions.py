"""What is asked of a model: for each task its facts, which are ours, and the words of others, which are data."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from headrace.events.inbox import Channel, Direction
from streams.ai.labels import Label


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """One earlier message of the conversation."""

    direction: Direction
    text: str


class Lead(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The lead and its words. Everything in here was written by others: also names and subjects can lie."""

    #: The message to judge or answer, reply text only.
    text: str
    subject: str | None = None
    #: Older messages, oldest first; never the message itself.
    history: tuple[Said, ...] = ()
    first_name: str | None = None
    company: str | None = None
    industry: str | None = None
    headcount: str | None = None


class Slot(msgspec.Struct, frozen=True):
    """A time the workspace offers. Aware; its offset is shown to the lead."""

    start: datetime


class Business(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a workspace lets be said on its behalf. Nothing outside it may appear in a draft as a fact."""

    company: str
    sender_name: str
    #: What is offered, as a clause: `recover unpaid claims without an upfront fee`.
    offer: str | None = None
    booking_link: str | None = None
    website: str | None = None
    #: Approved sentences by topic: `pricing`, `security`, `integrations` …
    answers: Mapping[str, str] = {}
    #: Whom the offer suits, for scoring.
    ideal_customer: str | None = None
    qualification_questions: tuple[str, ...] = ()


class ClassifyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts for classifying."""

    channel: Channel


class Classify(msgspec.Struct, frozen=True, kw_only=True):
    """Which label fits the lead's text?"""

    facts: ClassifyFacts
    lead: Lead


class DraftFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts for drafting."""

    channel: Channel
    label: Label
    business: Business
    #: IANA name the lead's times are in.
    timezone: str
    now: datetime
    slots: tuple[Slot, ...] = ()
    #: A number to call the lead at is on file.
    phone_on_file: bool = False
    #: Codes of the checks an earlier draft failed (`streams.ai.draft_checks`): avoid these.
    avoid: tuple[str, ...] = ()


class WriteDraft(msgspec.Struct, frozen=True, kw_only=True):
    """How should the lead be answered?"""

    facts: DraftFacts
    lead: Lead


class DecideFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts for deciding whether a draft may go out without a person."""

    channel: Channel
    label: Label
    #: Of the classification, 0 to 1.
    confidence: float
    business: Business
    timezone: str
    slots: tuple[Slot, ...] = ()
    needs_review: bool = False
    injection_suspected: bool = False
    is_automated: bool = False


class DecideReply(msgspec.Struct, frozen=True, kw_only=True):
    """May this draft be sent as it is?"""

    facts: DecideFacts
    lead: Lead
    draft: str


class TimingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts for reading when to come back."""

    channel: Channel
    label: Label
    #: When the lead wrote: `next week` counts from here.
    sent_at: datetime
    timezone: str


class ExtractTiming(msgspec.Struct, frozen=True, kw_only=True):
    """When does the lead want to hear from us again?"""

    facts: TimingFacts
    lead: Lead


class BookingFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts for reading which time the lead means."""

    channel: Channel
    label: Label
    sent_at: datetime
    timezone: str
    #: Offered in our newest message, in the order offered.
    slots: tuple[Slot, ...] = ()


class ExtractBooking(msgspec.Struct, frozen=True, kw_only=True):
    """Which time does the lead accept or propose?"""

    facts: BookingFacts
    lead: Lead


class ScoreFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts for scoring."""

    channel: Channel
    label: Label
    business: Business


class ScoreLead(msgspec.Struct, frozen=True, kw_only=True):
    """How well does the lead fit, and how much does it want?"""

    facts: ScoreFacts
    lead: Lead


Question = Classify | WriteDraft | DecideReply | ExtractTiming | ExtractBooking | ScoreLead
#: The kinds of question by the name the answer's schema has on the wire.
QUESTIONS: Mapping[str, type[Question]] = {
    "classify": Classify,
    "draft": WriteDraft,
    "decide_reply": DecideReply,
    "follow_up_timing": ExtractTiming,
    "booking": ExtractBooking,
    "score": ScoreLead,
}
QuestionName = Literal["classify", "draft", "decide_reply", "follow_up_timing", "booking", "score"]
