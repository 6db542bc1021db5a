"""A log that lost what earlier audits had proven: it is noticed, however far the log has grown since."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from headrace.events.topics import JOBS, MESSAGES, WEBHOOKS_GHL, Topic
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from operations.audit.audit import AuditImpossible
from operations.audit.findings import AuditReport
from tests.integration.operations.installation import NOW, Installation, receipt_id
from tests.log_cutter import Broker, cut_logs
from tests.services import temporary_home

#: More bytes than any log of these tests has.
ALL = 1_000_000


@pytest.fixture
def broker() -> Iterator[Broker]:
    with temporary_home() as home:
        yield Broker(home)


@pytest.fixture
def installation(broker: Broker, settings: Settings) -> Installation:
    return Installation(settings.model_copy(update={"kafka_bootstrap": broker.bootstrap, "partitions": 1}))


def cut(broker: Broker, installation: Installation, topic: Topic) -> None:
    cut_logs(broker.data, ALL, lambda name: name == installation.settings.topic(topic))


def judge(installation: Installation, numbers: range) -> None:
    """Webhooks from offset 0 on, with all that follows from them."""
    for offset, number in enumerate(numbers):
        installation.verdict(number, offset, stored_at=NOW + timedelta(seconds=number))
        installation.message(number)
    installation.judge_and_resolve()
    installation.project()


def prove(installation: Installation, count: int) -> None:
    create_topics(installation.settings)
    for number in range(count):
        installation.webhook(number)
    judge(installation, range(count))
    assert installation.audit().outcome == "complete"


def lost(report: AuditReport) -> list[tuple[int, int, int]]:
    return [(one.lost_from, one.proven_to, one.end) for one in report.lost_ends]


@pytest.mark.parametrize("count", [1, 5], ids=["shorter than before", "longer than before"])
def test_new_webhooks_at_proven_offsets_are_not_taken_for_proven(
    broker: Broker, installation: Installation, count: int
) -> None:
    with broker.running():
        prove(installation, 3)
    cut(broker, installation, WEBHOOKS_GHL)
    with broker.running():
        for number in range(10, 10 + count):
            installation.webhook(number)
        installation.judge_and_resolve()
        with pytest.raises(AuditImpossible, match=r"proven up to 3, but what it had from 0 on is gone.*audit --full"):
            installation.audit()

        report = installation.audit(full=True)
        assert lost(report) == [(0, 3, count)]
        assert [(one.kind, one.receipt_id) for one in report.missing] == [
            ("verdict", receipt_id(number)) for number in sorted(range(10, 10 + count), key=lambda n: (n < 13, n))
        ]

        # Set back to the cut, the pipeline judges them: the verdicts on what is gone stay beside theirs.
        judge(installation, range(10, 10 + count))
        again = installation.audit(full=True)
        assert (again.outcome, again.missing, again.lost_ends) == ("complete", (), ())
        assert installation.audit().outcome == "complete"


@pytest.mark.parametrize("topic", [MESSAGES, JOBS])
def test_a_cut_log_of_messages_or_jobs_is_noticed(broker: Broker, installation: Installation, topic: Topic) -> None:
    with broker.running():
        prove(installation, 2)
    cut(broker, installation, topic)
    with broker.running():
        for number in range(10, 15):
            installation.message(number)
        with pytest.raises(AuditImpossible, match=rf"{topic.name}\[0\] .*had from 0 on is gone"):
            installation.audit()
        assert [one.lost_from for one in installation.audit(full=True).lost_ends] == [0]


def test_a_log_that_lost_nothing_proven_is_audited_on(broker: Broker, installation: Installation) -> None:
    with broker.running():
        prove(installation, 2)
    cut_logs(broker.data, 0)
    with broker.running():
        installation.webhook(2)
        installation.judge_and_resolve()
        report = installation.audit()
        assert (report.lost_ends, [one.offset for one in report.missing]) == ((), [2])
