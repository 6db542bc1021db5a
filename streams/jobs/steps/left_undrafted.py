"""What becomes of a reply that nobody drafted: a person answers it, or nobody need, for one reason either way. Pure."""

from typing import NamedTuple

from headrace.events.enrichments import MessageLabel
from headrace.events.needs_person import NothingReason, StepReason
from streams.ai.english import is_surely_english
from streams.ai.local_judgement import is_bare_acknowledgement
from streams.jobs.steps.verdict import UNREADABLE_RULE, Verdict

#: Why there is no draft → why a person is needed, whatever the label.
_FOR_PERSONS: dict[str, StepReason] = {
    "draft_rejected": "draft_rejected",
    "no_phone_on_file": "no_phone_on_file",
    "booking_proposed": "booking_proposed",
    "other_language": "other_language",
    "facts_missing": "facts_missing",
    UNREADABLE_RULE: "unreadable",
}
#: The labels that leave nothing to say once the model found so: an appointment or a deferral is understood.
_MAY_STAY_UNANSWERED: frozenset[MessageLabel] = frozenset({"Follow Up", "Meeting Booked"})


class Left(NamedTuple):
    """Why a person is needed, unless there is nothing to do."""

    person: StepReason = "not_drafted"
    nothing: NothingReason | None = None


def why_left(no_draft: str, verdict: Verdict, text: str, names: tuple[str, ...]) -> Left:
    """`no_draft`: why there is no draft. `text`, `names`: the lead's."""
    if no_draft in _FOR_PERSONS:
        return Left(person=_FOR_PERSONS[no_draft])
    match no_draft:
        case "suppressed" | "automated":
            return Left(nothing=no_draft)
        case "already_booked":
            return Left(nothing=no_draft) if verdict.label == "Meeting Booked" else Left(person="already_booked")
        case "no_reply_needed":
            is_said = verdict.label in _MAY_STAY_UNANSWERED
            return Left(nothing=no_draft) if is_said else Left(person="no_reply_written")
        case "label_gets_no_draft":
            return _by_label(verdict, text, names)
    return Left()


def _by_label(verdict: Verdict, text: str, names: tuple[str, ...]) -> Left:
    """A label without a draft is taken at its word only where somebody sure gave it, over words that are understood."""
    doubts: dict[StepReason, bool] = {
        "unreadable": verdict.rule == UNREADABLE_RULE,
        "injection_suspected": verdict.injection_suspected,
        "label_unsure": verdict.needs_review,
    }
    if doubt := next((reason for reason, holds in doubts.items() if holds), None):
        return Left(person=doubt)
    if verdict.label == "Neutral" and is_bare_acknowledgement(text):
        return Left(nothing="acknowledgement")
    if not verdict.rule and not is_surely_english(text, names):
        return Left(person="other_language")
    unanswered: dict[MessageLabel, StepReason] = {"Objection": "objection", "Neutral": "ambiguous"}
    if reason := unanswered.get(verdict.label):
        return Left(person=reason)
    return Left(nothing="label_gets_no_draft")
