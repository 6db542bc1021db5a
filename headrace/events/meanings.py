"""What each value of a closed list means, for people who read rows: `analytics.value_meanings` is made of it.

The lists themselves are declared where they belong. Tests hold the two together: a value without a meaning fails, and
so does a meaning without a value.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from headrace.events.job_plan import SCORING
from headrace.events.needs_person import TODO
from headrace.events.providers import PROVIDERS

Meanings = Mapping[str, str]


class Column(NamedTuple):
    """A column of the analysts' views that has one of few values."""

    #: The views that have it, by that name.
    views: tuple[str, ...]
    name: str
    meanings: Meanings


class Value(NamedTuple):
    """One value of one column, and what it means."""

    view: str
    column: str
    value: str
    meaning: str


#: Headrace itself is named where nobody else said so, as for the half of a split.
_HEADRACE = {"headrace": "Headrace: what a lead passed on to the one it was split from"}
CHANNELS: Meanings = {"sms": "text message", "linkedin": "LinkedIn message", "email": "e-mail"}
DIRECTIONS: Meanings = {"inbound": "the lead wrote to us", "outbound": "a message went to the lead"}
SOURCES: Meanings = {
    "direct": "a person wrote it",
    "campaign": "a campaign sent it",
    "bounce": "a mail system's notice that a mail could not be delivered",
}
LABELS: Meanings = {
    "Blacklist": "the lead wants no contact, complains, or can't be reached there: nobody may write to it",
    "Automated Reply": "a machine's answer, such as a receipt or a ticket number",
    "Out of Office": "an absence notice",
    "Meeting Booked": "a meeting is booked, proven by the provider or the calendar",
    "Meeting Requested": "the lead wants to meet or says it has booked, without proof",
    "Call Requested": "the lead wants to be called",
    "Information Requested": "the lead asks something about the offer",
    "Follow Up": "the lead wants to hear from us later",
    "Not Interested": "the lead declines",
    "Objection": "the lead has doubts, and did not decline",
    "Interested": "the lead wants to go on",
    "Neutral": "none of the others: an acknowledgement, or something unclear",
}
LEAD_STATES: Meanings = {
    "new": "nothing follows from what it wrote yet",
    "qualified": "it is interested or asks for information",
    "meeting-requested": "it wants a meeting or a call",
    "meeting-booked": "a meeting is booked",
    "not-interested": "it declined",
    "blacklisted": "nobody may write to it",
}
REASONS_OF_SUPPRESSION: Meanings = {
    "unsubscribed": "the lead asked to end contact",
    "bounced": "its mailbox does not exist or refuses mail for good",
    "blacklisted": "it was put on a block list, or answered with abuse",
    "wrong_person": "somebody else is reached there",
}
SIGNALS: Meanings = {
    "interested": "the provider, or its user, calls the lead interested",
    "not_interested": "calls it not interested",
    "out_of_office": "calls a message an absence notice",
    "automated_reply": "calls a message a machine's",
    "wrong_person": "calls it the wrong person",
    "meeting_booked": "reports a booked meeting",
    "meeting_completed": "reports that a meeting took place",
    "closed": "reports a closed deal",
    "connection_accepted": "the lead accepted a LinkedIn invitation",
    "campaign_completed": "the campaign has sent the lead all its steps",
    "link_clicked": "the lead clicked a link",
    "custom_label": "a label that the provider's users made; its name is in detail",
    "answered_by_other": "a message of this lead's was first known as another's, and stays there",
}
IDENTITY_KINDS: Meanings = {
    **{one.person_id: f"id of the person at {one.says}" for one in PROVIDERS.values() if one.person_id and one.says},
    "linkedin_id": "LinkedIn's id of the person",
    "linkedin_slug": "the last part of the address of a LinkedIn profile",
    "email": "e-mail address, lower case",
    "phone": "phone number, E.164",
}
VERDICTS: Meanings = {
    "fresh": "new, and processed",
    "duplicate": "the provider repeated itself",
    "ignored": "there is nothing to do for it",
    "malformed": "its content could not be read",
    "quarantined": "nobody knows whose it is",
}
JOB_TYPES: Meanings = {
    **{one.job: f"looks after a message that came in through {one.says}" for one in PROVIDERS.values() if one.says},
    SCORING: "scores the lead once its message has been looked after",
}
STEPS: Meanings = {
    "opt_out_and_bounce": "hears opt-outs, bounces and abuse by rules",
    "classify": "gives the message its label",
    "lead_state": "says what the message makes of its lead",
    "follow_up_timing": "finds out when to write again",
    "booking_decision": "decides whether a slot may be booked without a person",
    "draft": "writes an answer, and checks it",
    "decide_reply": "decides whether the answer may go out by itself",
    "score": "scores the lead",
}
JOB_STATES: Meanings = {
    "waiting": "for its time, its turn or a retry",
    "running": "a worker is at it",
    "paused": "a person holds it",
    "succeeded": "all its steps are done or skipped",
    "died": "no attempt is left, or none would help: it is a dead letter",
    "cancelled": "it is not wanted any more",
}
ATTEMPT_OUTCOMES: Meanings = {
    "running": "a worker is at it",
    "succeeded": "it finished the job",
    "failed": "it is tried again",
    "died": "it was the last one",
    "cut off": "its worker was lost, or the job was cancelled or asked for anew",
}
ERROR_CLASSES: Meanings = {
    "transient": "it may pass: tried again soon",
    "permanent": "trying again would not help",
    "rate_limited": "a service wants us to slow down: tried again when it says so",
    "over_budget": "the workspace's AI budget is spent: waits until there is one again",
    "dependency_down": "a service does not answer: waits until it does",
}
LETTER_STATES: Meanings = {
    "open": "nobody has done anything about it",
    "redriven": "sent again, outcome unknown yet",
    "fixed": "sent again, and processed",
    "failed again": "sent again, and set aside again",
    "discarded": "a person gave it up",
}
DRAFT_STATES: Meanings = {
    "open": "it stands",
    "superseded": "the lead wrote again",
    "cancelled": "nobody may write to the lead",
    "rejected": "it did not pass the checks, and nobody sees it",
}
FOLLOW_UP_STATES: Meanings = {
    "open": "it stands",
    "paused": "the lead wrote again",
    "cancelled": "nobody may write to the lead",
}
DECISIONS: Meanings = {
    "send_at": "it may go out by itself, at the time in send_at",
    "needs_review": "a person decides",
    "blocked": "nobody may send it: decision_reasons says why",
}
RESPONSE_MODES: Meanings = {
    "AI_AUTO_SEND": "drafts that pass every check go out by themselves",
    "SETTER_MANAGED": "a person sends each one",
}
FOLLOW_UP_KINDS: Meanings = {
    "recontact": "the lead named a time",
    "clarify": "it named none, and is asked once more",
}
ZONE_EVIDENCE: Meanings = {
    "text": "words of the message",
    "phone": "the lead's phone number",
    "country": "the country of its address",
    "workspace": "nothing: the workspace's own zone",
}
BOOKING_PROCESSES: Meanings = {
    "link_and_qualification": "with a calendar link and questions",
    "offered_slots": "with times to choose from",
    "lead_proposes_time": "the lead named a time",
    "callback": "by a call",
    "lead_calendar": "by the lead's own calendar, which is for people only",
    "none": "no meeting is arranged",
}
FEATURES: Meanings = {
    "sentiment.classify": "which label a message has",
    "draft.generate": "an answer to it",
    "auto_send.evaluate": "whether the answer is safe to send",
    "followup.extract_timing": "when the lead wants to hear from us",
    "meeting.extract": "what the lead wants of our calendar",
    "lead_scoring.score": "how well the lead fits and how much it wants",
}
USAGE_SOURCES: Meanings = {
    "reported": "the provider counted the tokens",
    "estimated": "Headrace estimated them",
    "none": "nobody counted",
}
BILLING: Meanings = {
    "metered": "the cost follows from what the provider counted",
    "estimated": "the cost follows from what Headrace estimated",
    "none": "nothing was billed",
    "unknown": "it broke off, and may be billed all the same",
}
CALL_STATUS: Meanings = {"ok": "answered", "error": "failed", "cancelled": "given up by us"}

COLUMNS: tuple[Column, ...] = (
    Column(
        ("messages", "webhook_receipts", "drafts_to_review", "suppressions", "signals"),
        "provider",
        {name: one.says for name, one in PROVIDERS.items()} | _HEADRACE,
    ),
    Column(("messages", "conversations", "drafts_to_review", "needs_person", "sentiment_daily"), "channel", CHANNELS),
    Column(("messages", "conversations"), "direction", DIRECTIONS),
    Column(("messages",), "source", SOURCES),
    Column(("conversations", "drafts_to_review", "needs_person", "lead_states", "sentiment_daily"), "label", LABELS),
    Column(
        ("leads",),
        "status",
        {
            "suppressed": "nobody may write to it",
            "replied": "it wrote to us",
            "contacted": "we wrote to it",
            "new": "neither wrote",
        },
    ),
    Column(("leads",), "last_message_direction", DIRECTIONS),
    Column(("leads",), "suppression_reason", REASONS_OF_SUPPRESSION),
    Column(("lead_identities",), "kind", IDENTITY_KINDS),
    Column(("lead_states",), "status", LEAD_STATES),
    Column(("suppressions",), "reason", REASONS_OF_SUPPRESSION),
    Column(
        ("suppressions",),
        "cause",
        {
            "message": "the lead wrote it",
            "provider": "a provider's webhook says so",
            "split": "taken over from the lead it was split from",
        },
    ),
    Column(("signals",), "signal", SIGNALS),
    Column(("webhook_receipts",), "verdict", VERDICTS),
    Column(("dead_letters",), "state", LETTER_STATES),
    Column(("jobs", "job_attempts", "job_outcomes_daily"), "type", JOB_TYPES),
    Column(("enrichments",), "job_type", JOB_TYPES),
    Column(("jobs",), "state", JOB_STATES),
    Column(("job_attempts",), "outcome", ATTEMPT_OUTCOMES),
    Column(("jobs", "job_attempts", "ai_interactions"), "error_class", ERROR_CLASSES),
    Column(("jobs", "job_attempts", "job_steps", "enrichments", "ai_interactions"), "step", STEPS),
    Column(
        ("enrichments",), "outcome", {"done": "the step was done", "skipped": "there was nothing to do: skip_reason"}
    ),
    Column(("conversations",), "draft_state", DRAFT_STATES),
    Column(("conversations",), "follow_up_state", FOLLOW_UP_STATES),
    Column(("conversations",), "decision", DECISIONS),
    Column(("conversations",), "follow_up_kind", FOLLOW_UP_KINDS),
    Column(("conversations",), "follow_up_timezone_evidence", ZONE_EVIDENCE),
    Column(("conversations",), "booking_process", BOOKING_PROCESSES),
    Column(("drafts_to_review",), "response_mode", RESPONSE_MODES),
    Column(("needs_person",), "reason", TODO),
    Column(("ai_interactions", "ai_cost_daily"), "feature", FEATURES),
    Column(("ai_interactions",), "usage_source", USAGE_SOURCES),
    Column(("ai_interactions",), "billing", BILLING),
    Column(("ai_interactions",), "status", CALL_STATUS),
)


def all_values() -> Iterator[Value]:
    """Every value of every column, in the order of COLUMNS."""
    for column in COLUMNS:
        for view in column.views:
            for value, meaning in column.meanings.items():
                yield Value(view, column.name, value, meaning)
