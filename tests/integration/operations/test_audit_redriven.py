"""The audit and letters that were sent again: they account for nothing any more, and nothing they did counts twice."""

from typing import Any

import pytest

from headrace.events.dead_letters import DeadLetterFixed, DeadLetterRedriven
from headrace.events.topics import DEAD_LETTERS, INBOX, WEBHOOKS_QUARANTINE, Topic
from operations.audit.findings import AuditReport
from tests.integration.operations.installation import NOW, Installation, message_id, receipt_id
from tests.reply_topics import WEBHOOKS_GHL

pytestmark = pytest.mark.usefixtures("topics_created")

RUN = "5f0c54a3-4f0d-4c43-9d62-0d8a5f1f4a11"


def set_aside(installation: Installation, origin: Topic = WEBHOOKS_GHL, stage: str = "dedupe") -> str:
    """Webhook 0 was set aside at offset 0. Returns its letter."""
    installation.webhook(0)
    installation.dead_letter(origin, 0, 0, stage)
    return f"{installation.settings.topic(origin)}:0:0:{stage}"


def about(installation: Installation, letter: str, offset: int, topic: Topic = WEBHOOKS_GHL) -> dict[str, Any]:
    return {
        "letter_id": letter,
        "generation": 1,
        "receipt_id": receipt_id(0),
        "workspace": "acme",
        "at": NOW,
        "topic": installation.settings.topic(topic),
        "partition": 0,
        "offset": offset,
    }


def sent_again(installation: Installation, letter: str, offset: int) -> None:
    """Webhook 0 stands there, too, and is noted."""
    installation.webhook(0)
    note = DeadLetterRedriven(**about(installation, letter, offset), by="ann", run_id=RUN)
    installation.event(DEAD_LETTERS, note, 0)


def fixed(
    installation: Installation, letter: str, offset: int, topic: Topic = WEBHOOKS_GHL, stage: str = "dedupe"
) -> None:
    """A worker has processed the record at this place."""
    installation.event(DEAD_LETTERS, DeadLetterFixed(**about(installation, letter, offset, topic), stage=stage), 0)


def audited(installation: Installation) -> tuple[AuditReport, tuple[int, int, int]]:
    """The report, and how many webhooks are proven, dead-lettered, missing."""
    installation.judge_and_resolve()
    installation.project()
    report = installation.audit()
    (ghl,) = (one for one in report.topics if one.topic == installation.settings.topic(WEBHOOKS_GHL))
    return report, (ghl.proven, ghl.dead_lettered, ghl.missing)


def test_a_letter_that_was_fixed_leaves_its_first_record_accounted_for(installation: Installation) -> None:
    letter = set_aside(installation)
    sent_again(installation, letter, 1)
    installation.verdict(0, 1)
    installation.message(0)
    fixed(installation, letter, 1)
    report, counts = audited(installation)
    assert (report.outcome, counts) == ("complete", (1, 1, 0))
    assert installation.audit(full=True).missing == ()


def test_a_fixed_letter_excuses_no_missing_message(installation: Installation) -> None:
    letter = set_aside(installation)
    sent_again(installation, letter, 1)
    installation.verdict(0, 1)
    fixed(installation, letter, 1)
    report, counts = audited(installation)
    assert counts == (0, 1, 1)
    assert [(one.kind, one.offset) for one in report.missing] == [("message", 1)]


def test_a_record_that_was_sent_again_and_is_not_judged_is_missing(installation: Installation) -> None:
    sent_again(installation, set_aside(installation), 1)
    report, counts = audited(installation)
    assert counts == (0, 1, 1)
    assert [(one.kind, one.offset) for one in report.missing] == [("verdict", 1)]


def test_a_letter_sent_twice_in_one_generation_has_one_verdict_and_both_are_accounted_for(
    installation: Installation,
) -> None:
    letter = set_aside(installation)
    for offset in (1, 2):
        sent_again(installation, letter, offset)
        fixed(installation, letter, offset)
    installation.verdict(0, 1)
    installation.message(0)
    report, counts = audited(installation)
    assert (report.outcome, counts) == ("complete", (1, 2, 0))


def test_a_fact_that_failed_accounts_for_its_message_until_it_is_sent_again(installation: Installation) -> None:
    letter = set_aside(installation, INBOX, "resolve")
    installation.verdict(0, 0, message_ids=(message_id(0),))
    assert audited(installation)[1] == (0, 1, 0)
    fixed(installation, letter, 1, INBOX)
    installation.project()
    report = installation.audit(full=True)
    assert [(one.kind, one.offset) for one in report.missing] == [("message", 0)]


def test_what_left_quarantine_has_one_verdict_and_its_place_there_is_accounted_for(installation: Installation) -> None:
    installation.webhook(0, WEBHOOKS_QUARANTINE)
    installation.verdict(0, 0, WEBHOOKS_QUARANTINE, verdict="quarantined", message_ids=(), fact_count=0)
    letter = f"{installation.settings.topic(WEBHOOKS_QUARANTINE)}:0:0:quarantine"
    sent_again(installation, letter, 0)
    installation.verdict(0, 0)
    installation.message(0)
    fixed(installation, letter, 0)
    installation.commit("pipeline", WEBHOOKS_QUARANTINE)
    report, counts = audited(installation)
    assert (report.outcome, counts) == ("complete", (1, 0, 0))
    (quarantine,) = (one for one in report.topics if "quarantine" in one.topic)
    assert (quarantine.records, quarantine.dead_lettered, quarantine.missing) == (1, 1, 0)
