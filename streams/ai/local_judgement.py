"""Scores and send decisions without a model: a few documented rules, the same for every lead (docs/ai-provider.md)."""

import re

from streams.ai.answers import Concern, Grade, ReplyDecision, Score
from streams.ai.labels import INTENT, Label
from streams.ai.language import language_of
from streams.ai.questions import DecideReply, ScoreLead

#: How often a template is the right answer to a reply of this label.
_FIT_OF_TEMPLATE: dict[Label, float] = {
    "Meeting Requested": 0.93,
    "Meeting Booked": 0.95,
    "Interested": 0.92,
    "Follow Up": 0.93,
    "Information Requested": 0.7,
    "Call Requested": 0.5,
}
_SENSITIVE = re.compile(
    r"\b(?:lawyer|attorney|legal|sue|lawsuit|gdpr|complain\w*|refund|scam|fraud|died|passed away|funeral|cancer"
    r"|hospital|sick|anwalt|datenschutz"
    r"|avocat|abogado)\b",
    re.IGNORECASE,
)
_WANTS_PERSON = re.compile(
    r"\b(?:real person|human|are you a bot|is this a bot|automated|who am i talking to|manager)\b", re.IGNORECASE
)
_BARE = re.compile(
    r"\W*(?:thanks?|thank you|thx|ok(?:ay)?|k|got it|cool|noted|great|danke|merci|gracias|👍|🙏)\W*", re.IGNORECASE
)
_NO_ANSWER_YET = re.compile(r"let me (?:check|get you)", re.IGNORECASE)


def is_bare_acknowledgement(text: str) -> bool:
    """True for a mere thanks or OK, which nobody answers."""
    return _BARE.fullmatch(text) is not None


def decide_reply(question: DecideReply) -> ReplyDecision:
    """Safe without concerns; as confident as the weaker of the label and the template."""
    concerns = tuple(_concerns(question))
    fit = _FIT_OF_TEMPLATE.get(question.facts.label, 0.3)
    # The classifier's confidence is a probability among twelve labels: .6 is already right nine times in ten.
    sureness = min(1.0, question.facts.confidence + 0.35)
    confidence = round(min(fit, sureness) if not concerns else min(fit, sureness, 0.45), 3)
    return ReplyDecision(safe_to_send=not concerns, confidence=confidence, concerns=concerns)


def _concerns(question: DecideReply) -> list[Concern]:
    facts, text = question.facts, question.lead.text
    found: dict[Concern, bool] = {
        "lead_opted_out": facts.label == "Blacklist",
        "unsure_label": facts.needs_review or facts.injection_suspected or facts.is_automated,
        "sensitive_topic": _SENSITIVE.search(text) is not None,
        "wants_a_person": facts.label == "Call Requested" or _WANTS_PERSON.search(text) is not None,
        "bare_acknowledgement": is_bare_acknowledgement(text),
        "question_not_answered": "?" in text and _NO_ANSWER_YET.search(question.draft) is not None,
        "non_logistics_reply": facts.label not in _FIT_OF_TEMPLATE or language_of(text) not in (None, "en"),
    }
    return [concern for concern, holds in found.items() if holds]


#: (fit, intent) → overall: the better of the two can't lift the worse by more than one.
_OVERALL: dict[tuple[int, int], Grade] = {
    (1, 1): 1, (1, 2): 1, (1, 3): 2, (1, 4): 2,
    (2, 1): 1, (2, 2): 2, (2, 3): 2, (2, 4): 3,
    (3, 1): 1, (3, 2): 2, (3, 3): 3, (3, 4): 4,
    (4, 1): 1, (4, 2): 2, (4, 3): 3, (4, 4): 4,
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]{4,}")
_FILLER = frozenset(
    {"with", "that", "this", "from", "have", "their", "them", "they", "more", "than", "over", "about", "into", "your"}
    | {"companies", "company", "business", "businesses"}
)


def score(question: ScoreLead) -> Score:
    """Intent by label; fit by the words company and industry share with the ideal customer. Little data: 2."""
    intent = INTENT[question.facts.label]
    fit = _fit(question)
    overall: Grade = 1 if question.facts.label == "Blacklist" else _OVERALL[fit, intent]
    basis = f"Intent from the label {question.facts.label}; fit from {_basis(question)}."
    return Score(fit=fit, intent=intent, overall=overall, reasoning=basis)


def _fit(question: ScoreLead) -> Grade:
    if question.facts.label == "Blacklist":
        return 1
    ideal = _words(question.facts.business.ideal_customer)
    known = _words(" ".join(filter(None, (question.lead.company, question.lead.industry))))
    if not ideal or not known:
        return 2
    shared = len(ideal & known)
    return 4 if shared >= 2 else 3 if shared == 1 else 2


def _basis(question: ScoreLead) -> str:
    if not question.facts.business.ideal_customer:
        return "nothing, for the workspace describes no ideal customer"
    known = [name for name in ("company", "industry") if getattr(question.lead, name)]
    return " and ".join(known) if known else "nothing, for neither company nor industry is known"


def _words(text: str | None) -> set[str]:
    return {word.lower().rstrip("s") for word in _WORD.findall(text or "")} - _FILLER
