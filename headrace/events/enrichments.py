"""What was concluded about a message (topic `enrichments`, keyed by lead): one event for each step of a job, skips too.

A step that did its work says what came of it, a step that had nothing to do says why: nothing is left out in silence.
Done again by a person's request, the newer event of the same job and step replaces the older one.
"""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from headrace.events.caps import CutFields, DraftText, Line, PhoneNumber, PlainName, Ref, Word, entries
from headrace.events.inbox import Channel
from headrace.events.visibility import MASKED
from headrace.events.workspaces import ResponseMode

#: What a reply can be. The states New and Snoozed are no labels: events and people set them, never a model.
MessageLabel = Literal[
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
LeadStatus = Literal["new", "qualified", "meeting-requested", "meeting-booked", "not-interested", "blacklisted"]
#: What becomes of the lead's open drafts, follow-ups and sequences: a machine's message leaves them as they are, a
#: person's pauses them, for it may change everything, and a suppression ends them.
OpenWork = Literal["keep", "pause", "cancel"]
Decision = Literal["send_at", "needs_review", "blocked"]
#: How a wish to meet is answered. `lead_calendar` is for people only.
BookingProcess = Literal[
    "link_and_qualification", "offered_slots", "lead_proposes_time", "callback", "lead_calendar", "none"
]
Grade = Literal[1, 2, 3, 4]

Codes = Annotated[tuple[Word, ...], entries(64)]


class AiUse(msgspec.Struct, frozen=True, kw_only=True):
    """Who answered, and what it was asked. The calls themselves are in `ai-interactions`, under job and step."""

    provider: Word
    model: PlainName
    prompt_key: Word
    prompt_version: int
    #: Of the prompt's text with its shared part, before facts: hex.
    prompt_sha256: Word


class TimeZone(msgspec.Struct, frozen=True, kw_only=True):
    """The zone the lead's times are read in."""

    #: IANA name.
    name: PlainName
    #: What it was read from: words of the message, the phone number, the country of the address, or nothing.
    evidence: Literal["text", "phone", "country", "workspace"]


class Enrichment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every conclusion says: whose, about which message, by which step of which job."""

    workspace: Ref
    lead_id: Ref
    message_id: Ref
    job_id: Ref
    job_type: Word
    step: Word
    #: The webhook that caused it.
    receipt_id: Ref
    #: When the step concluded it.
    at: datetime
    #: When the message was written and received: with its id the order of a conversation, however it arrived.
    sent_at: datetime
    received_at: datetime
    #: None where no model was asked.
    ai: AiUse | None = None
    cut: CutFields = ()
    #: It takes back what the step had concluded: nobody may write to the lead any more.
    withdrawn: bool = False


class StepSkipped(Enrichment, frozen=True, kw_only=True, omit_defaults=True):
    """There was nothing to do for a step."""

    #: A word of a fixed list, such as `label_gets_no_draft`.
    reason: Word


class MessageScreened(Enrichment, frozen=True, kw_only=True, omit_defaults=True):
    """The deterministic rules heard no opt-out, bounce or abuse."""

    #: The text tries to steer a model; what does was taken out before anybody read it.
    injection_suspected: bool = False


class MessageClassified(Enrichment, frozen=True, kw_only=True, omit_defaults=True):
    """The label of one message. It says nothing of later messages, and the lead's label follows from all of them."""

    label: MessageLabel
    #: 0 to 1; 1 for a rule.
    confidence: float
    #: The person asks to end contact.
    opt_out: bool = False
    bounce: bool = False
    #: E.164; the first number in the message, signature included.
    contains_phone: PhoneNumber | None = None
    #: A day, date or clock time for a meeting or call is named.
    proposed_time: bool = False
    #: A machine wrote it.
    is_automated: bool = False
    #: The deterministic rule that decided; empty when a model did.
    rule: Word = ""
    #: What the provider said or did that proves a booked meeting; empty without.
    evidence: Annotated[Word, MASKED] = ""
    #: The label before the rules for evidence and opt-out were applied; None when they changed nothing.
    answered_label: MessageLabel | None = None
    #: A person should look: too unsure, or the text tries to steer a model.
    needs_review: bool = False
    injection_suspected: bool = False


class LeadStateChanged(Enrichment, frozen=True, kw_only=True, omit_defaults=True):
    """What a message makes of its lead, if no message later than (sent_at, received_at, message_id) says otherwise.

    A machine's message (`is_automated`) counts only while no person of the lead has written.
    """

    status: LeadStatus
    label: MessageLabel
    #: The lead's label until then, as known to the job.
    previous_label: Word | None = None
    is_automated: bool = False
    open_work: OpenWork


class FollowUpScheduled(Enrichment, frozen=True, kw_only=True, omit_defaults=True):
    """Write again at that moment."""

    #: recontact: the lead named a time. clarify: it named none; asked again once, unless it writes before.
    kind: Literal["recontact", "clarify"]
    due_at: datetime
    timezone: TimeZone
    #: The first day the lead wants to hear from us; None for `clarify`.
    day: date | None = None
    #: How exact the lead was: time, day, week, month, quarter, vague, none.
    precision: Word = "none"
    confidence: float
    #: 1 is the answer to the message itself, 2 the second try at an answer.
    attempt: int = 1


class DraftCreated(Enrichment, frozen=True, kw_only=True, omit_defaults=True):
    """A reply that passed all automatic checks. One for each message and channel: the id is derived from both."""

    draft_id: Ref
    channel: Channel
    body: DraftText
    #: How often it was written: 2 when the first one failed the checks.
    attempts: int = 1


class DraftRejected(Enrichment, frozen=True, kw_only=True, omit_defaults=True):
    """No draft passed the checks. The text isn't kept: a person must not send what the checks refused by mistake."""

    draft_id: Ref
    channel: Channel
    #: Codes of the failed checks.
    failed_checks: Codes
    attempts: int


class ReplyDecided(Enrichment, frozen=True, kw_only=True, omit_defaults=True):
    """Whether the draft may go out by itself, with every reason against it. Nothing is sent here."""

    draft_id: Ref
    channel: Channel
    decision: Decision
    #: The moment to send, only with the decision `send_at`. To be checked again then.
    send_at: datetime | None = None
    #: Codes; empty only for `send_at`.
    reasons: Codes = ()
    #: Of the evaluator, 0 to 1; None when it was not asked.
    confidence: float | None = None
    threshold: float
    response_mode: ResponseMode


class PersonNeeded(Enrichment, frozen=True, kw_only=True, omit_defaults=True):
    """The reply waits for a person: there is no draft that anybody could look at, and a machine won't answer."""

    #: A reason of `headrace.events.needs_person` that a step tells.
    reason: Word
    #: Names of fields of ours that a model's answer had wrong.
    fields: Codes = ()


class BookingProposed(Enrichment, frozen=True, kw_only=True, omit_defaults=True):
    """All conditions hold: this slot may be booked for the lead. Nothing is booked here."""

    start_at: datetime
    timezone: TimeZone
    process: BookingProcess
    confidence: float
    #: How much later than the time the lead named, minutes.
    minutes_later: int = 0


class BookingDeclined(Enrichment, frozen=True, kw_only=True, omit_defaults=True):
    """Nothing is booked without a person; the reply may still offer something."""

    #: A word of a fixed list, such as `auto_booking_off`.
    reason: Word
    process: BookingProcess


class LeadScored(Enrichment, frozen=True, kw_only=True, omit_defaults=True):
    """How well the lead fits and how much it wants, 1 to 4, as of this message."""

    fit: Grade
    intent: Grade
    overall: Grade
    reasoning: Line


AnyEnrichment = (
    StepSkipped
    | MessageScreened
    | MessageClassified
    | LeadStateChanged
    | FollowUpScheduled
    | DraftCreated
    | DraftRejected
    | ReplyDecided
    | PersonNeeded
    | BookingProposed
    | BookingDeclined
    | LeadScored
)
