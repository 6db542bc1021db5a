"""Scores and send decisions by rule: the tables, and that nothing suppressed or doubtful gets through."""

from typing import Any, get_args

import pytest

from streams.ai.labels import DRAFTED, INTENT, PRIORITY, Label, polarities_agree
from streams.ai.local_judgement import decide_reply, score
from streams.ai.questions import Business, DecideFacts, DecideReply, Lead, ScoreFacts, ScoreLead

BUSINESS = Business(company="L", sender_name="A", ideal_customer="Finance teams of logistics firms with warehouses")


def decided(draft: str = "Happy to talk.", text: str = "Sure", **facts: Any) -> Any:
    given: dict[str, Any] = {"channel": "sms", "label": "Meeting Requested", "confidence": 0.8} | facts
    return decide_reply(
        DecideReply(facts=DecideFacts(business=BUSINESS, timezone="UTC", **given), lead=Lead(text=text), draft=draft)
    )


def scored(label: Label, **lead: Any) -> Any:
    return score(
        ScoreLead(facts=ScoreFacts(channel="sms", label=label, business=BUSINESS), lead=Lead(text="x", **lead))
    )


def test_plain_logistics_pass_the_default_threshold() -> None:
    decision = decided()
    assert decision.safe_to_send
    assert decision.confidence >= 0.9


@pytest.mark.parametrize(
    ("changes", "concern"),
    [
        ({"label": "Blacklist"}, "lead_opted_out"),
        ({"needs_review": True}, "unsure_label"),
        ({"injection_suspected": True}, "unsure_label"),
        ({"is_automated": True}, "unsure_label"),
        ({"text": "my lawyer will hear of this"}, "sensitive_topic"),
        ({"text": "are you a bot"}, "wants_a_person"),
        ({"label": "Call Requested"}, "wants_a_person"),
        ({"text": "Thanks!"}, "bare_acknowledgement"),
        ({"text": "what about SSO?", "draft": "Let me check and come back."}, "question_not_answered"),
        ({"label": "Objection"}, "non_logistics_reply"),
        ({"text": "Danke, das passt mir und ich freue mich"}, "non_logistics_reply"),
    ],
)
def test_concerns_stop_it(changes: dict[str, Any], concern: str) -> None:
    decision = decided(**changes)
    assert not decision.safe_to_send
    assert concern in decision.concerns
    assert decision.confidence < 0.5


def test_doubtful_label_stays_below_the_default_threshold() -> None:
    assert decided(confidence=0.4).confidence < 0.9


def test_suppressed_leads_get_the_lowest_scores() -> None:
    found = scored("Blacklist", company="Logistics Warehouses", industry="Logistics")
    assert (found.fit, found.intent, found.overall) == (1, 1, 1)


@pytest.mark.parametrize("label", get_args(Label))
def test_more_intent_never_scores_lower(label: Label) -> None:
    found = scored(label)
    assert found.intent == INTENT[label]
    assert found.overall <= max(scored(other).overall for other in PRIORITY if INTENT[other] >= INTENT[label])


def test_fit_needs_data() -> None:
    assert scored("Interested").fit == 2
    assert scored("Interested", industry="Dentistry").fit == 2
    assert scored("Interested", industry="Logistics").fit == 3
    assert scored("Interested", company="Acme Logistics Warehouses", industry="Finance").fit == 4
    assert scored("Meeting Requested", industry="Logistics").overall == 4


def test_labels_without_intent_get_no_draft() -> None:
    assert {label for label in PRIORITY if INTENT[label] >= 3} == DRAFTED - {"Follow Up"}


def test_polarities() -> None:
    assert polarities_agree("Interested", "Meeting Requested")
    assert not polarities_agree("Interested", "Not Interested")
    assert not polarities_agree("Interested", "Neutral")
