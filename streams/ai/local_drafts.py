"""Writes drafts offline: templates filled with the workspace's facts, in English only, and nothing when in doubt."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from streams.ai.answers import Draft
from streams.ai.labels import DRAFTED
from streams.ai.language import language_of
from streams.ai.questions import DraftFacts, WriteDraft
from streams.ai.templates import filled_draft

#: What a first name may look like; anything else is greeted without one.
_NAME = re.compile(r"[^\W\d_][^\W\d_'\u2019-]{0,19}(?:[-'\u2019][^\W\d_]{1,19})?")
#: Words that ask for one of the workspace's approved answers, by topic.
_TOPIC_WORDS = {
    "pricing": (
        "price",
        "pricing",
        "cost",
        "costs",
        "much",
        "rate",
        "rates",
        "fee",
        "fees",
        "charge",
        "percentage",
        "quote",
    ),
    "security": ("security", "soc", "iso", "gdpr", "hipaa", "baa", "secure", "compliant", "dpa"),
    "integrations": ("integrate", "integration", "integrations", "work", "connect", "api", "erp", "erps", "pos"),
    "case_studies": ("case", "references", "reference", "examples", "customers", "clients", "sample", "benchmark"),
    "contract": ("contract", "term", "commitment", "cancel", "agreement"),
    "website": ("website", "site", "homepage", "url"),
    "coverage": ("areas", "area", "cover", "where", "location", "countries", "region"),
}
_WORD = re.compile(r"[^\W\d_]+")
#: A date further ahead than that could be taken for one of the year before.
_NEEDS_NO_YEAR = timedelta(days=300)


def write_draft(question: WriteDraft, message_id: str) -> Draft:
    """A template with its facts; or why there is none."""
    facts, text = question.facts, question.lead.text
    if facts.label not in DRAFTED or (facts.label == "Call Requested" and not facts.phone_on_file):
        return Draft(outcome="no_reply_needed", body=None)
    if language_of(text) not in (None, "en"):
        return Draft(outcome="other_language", body=None)
    sentences = filled_draft(facts.label, facts.channel, _known(question), _seed(message_id, facts))
    if sentences is None:
        return Draft(outcome="facts_missing", body=None)
    return Draft(outcome="drafted", body=_framed(sentences, question))


def _seed(message_id: str, facts: DraftFacts) -> str:
    """Another variant after a draft that was refused."""
    return f"{message_id}:{','.join(facts.avoid)}" if facts.avoid else message_id


def _known(question: WriteDraft) -> dict[str, str]:
    """The facts a template may use. None is guessed: what is missing takes its templates with it."""
    business = question.facts.business
    slots = _slots(question.facts)
    found = {
        "sender_name": business.sender_name,
        "booking_link": business.booking_link,
        "slots": slots,
        "answer": _answer(question),
        "company": question.lead.company if _is_plain(question.lead.company) else None,
    }
    return {name: value for name, value in found.items() if value}


def _is_plain(name: str | None) -> bool:
    """A company's name that can stand in a sentence; a lead may have put anything there."""
    return bool(name) and re.fullmatch(r"[A-Z][\w&' -]{1,40}", name or "") is not None


def _answer(question: WriteDraft) -> str | None:
    words = {word.lower() for word in _WORD.findall(question.lead.text)}
    for topic, sentence in question.facts.business.answers.items():
        if words & set(_TOPIC_WORDS.get(topic, (topic.lower(),))):
            return sentence
    return None


def _slots(facts: DraftFacts) -> str | None:
    """The two next slots in the lead's zone: `Tue 10 March at 2:00 PM CET and …`."""
    if len(facts.slots) < 2:
        return None
    zone = ZoneInfo(facts.timezone)
    soonest = sorted(slot.start.astimezone(zone) for slot in facts.slots)[:2]
    return " and ".join(_time(start, facts.now) for start in soonest)


def _time(start: datetime, now: datetime) -> str:
    hour = start.hour % 12 or 12
    zone = start.strftime("%Z")
    # Zones without letters of their own are written as an offset.
    named = zone if zone.isalpha() else f"UTC{start.strftime('%z')[:3]}:{start.strftime('%z')[3:5]}"
    half = "AM" if start.hour < 12 else "PM"
    year = f" {start.year}" if start - now > _NEEDS_NO_YEAR else ""
    return f"{start:%A} {start.day} {start:%B}{year} at {hour}:{start:%M} {half} {named}"


def _framed(sentences: str, question: WriteDraft) -> str:
    """Greeting and name where the channel has them."""
    name = (question.lead.first_name or "").strip()
    greeted = name if _NAME.fullmatch(name) else ""
    if question.facts.channel == "email":
        return f"Hi{f' {greeted}' if greeted else ''},\n\n{sentences}\n\nBest,\n{question.facts.business.sender_name}"
    if question.facts.channel == "linkedin" and greeted:
        return f"Hi {greeted}, {sentences[0].lower() if not sentences.startswith('I') else sentences[0]}{sentences[1:]}"
    return sentences
