"""How a try's decisions compare with the recorded ones."""

from typing import Any

from operations.replay.trying.tried import Tried, report, word


def label(name: str, confidence: float = 0.9) -> dict[str, Any]:
    return {"type": "message.classified.v1", "label": name, "confidence": confidence}


def tried(number: int, before: str, after: str | None, *, confidence: float = 0.9, is_asked: bool = True) -> Tried:
    return Tried(
        message_id=f"m{number}",
        job_id=f"j{number}",
        workspace_id="acme",
        is_asked=is_asked,
        before=label(before),
        after=None if after is None else label(after, confidence),
        failure="timeout" if after is None else "",
    )


def test_agreement_is_of_those_a_model_was_asked_about() -> None:
    found = [
        tried(1, "Neutral", "Neutral"),
        tried(2, "Neutral", "Interested", confidence=0.5),
        tried(3, "Neutral", "Interested", confidence=0.99),
        tried(4, "Objection", "Neutral", confidence=0.7),
        tried(5, "Blacklist", "Blacklist", is_asked=False),
        tried(6, "Neutral", None),
    ]
    compared = report(found, 5, 1234, 2)
    assert (compared.compared, compared.asked, compared.agreed, compared.agreement) == (6, 4, 1, 0.25)
    assert list(compared.changed.items()) == [("Neutral → Interested", 2), ("Objection → Neutral", 1)]
    assert compared.failures == {"timeout": 1}
    assert [change.message_id for change in compared.changes] == ["m3", "m4"], "the surest first"
    assert (compared.calls, compared.cost_micro_usd) == (5, 1234)


def test_nothing_asked_is_no_agreement() -> None:
    assert report([], 0, 0, 5).agreement is None


def test_every_decision_has_a_word() -> None:
    assert word({"type": "reply.decided.v1", "decision": "send_at"}) == "send_at"
    assert word({"type": "draft.created.v1", "body": "secret"}) == "draft.created"
    assert word({"type": "followup.scheduled.v1", "kind": "recontact", "day": "2026-03-15"}) == "recontact 2026-03-15"
    assert word({"type": "step.skipped.v1", "reason": "no_draft"}) == "skipped, no_draft"
    assert word({}) == ""
