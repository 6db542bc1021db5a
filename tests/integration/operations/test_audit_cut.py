"""A log that lost what earlier audits had proven: it is noticed, however far the log has grown since."""

from datetime import timedelta

import pytest
from confluent_kafka.admin import AdminClient
from tenacity import Retrying, stop_after_delay, wait_fixed

from headrace.events.topics import JOBS, MESSAGES, Topic
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from operations.audit.audit import AuditImpossible
from operations.audit.findings import AuditReport
from tests.integration.operations.installation import NOW, Installation, receipt_id
from tests.log_cutter import Broker, cut_logs
from tests.reply_topics import WEBHOOKS_GHL
from tests.services import temporary_home

pytestmark = pytest.mark.usefixtures("topics_created")


def make_anew(installation: Installation, *topics: Topic) -> None:
    """The topics lose all they have; to an audit that is a cut at the beginning."""
    admin = AdminClient({"bootstrap.servers": installation.settings.kafka_bootstrap, "log_level": 0})
    names = [installation.settings.topic(topic) for topic in topics]
    for deleted in admin.delete_topics(names).values():
        deleted.result()
    # The names are free once the broker has done with the old topics.
    for attempt in Retrying(stop=stop_after_delay(30), wait=wait_fixed(0.2), reraise=True):
        with attempt:
            create_topics(installation.settings)
            ranges = LogOffsets(installation.settings).ranges(names)
            assert all(one.end == 0 for one in ranges.values())


def judge(installation: Installation, numbers: range) -> None:
    """Webhooks from offset 0 on, with all that follows from them."""
    for offset, number in enumerate(numbers):
        installation.verdict(number, offset, stored_at=NOW + timedelta(seconds=number))
        installation.message(number)
    installation.judge_and_resolve()
    installation.project()


def prove(installation: Installation, count: int) -> None:
    for number in range(count):
        installation.webhook(number)
    judge(installation, range(count))
    assert installation.audit().outcome == "complete"


def lost(report: AuditReport) -> list[tuple[int, int, int]]:
    return [(one.lost_from, one.proven_to, one.end) for one in report.lost_ends]


@pytest.mark.parametrize("count", [1, 5], ids=["shorter than before", "longer than before"])
def test_new_webhooks_at_proven_offsets_are_not_taken_for_proven(installation: Installation, count: int) -> None:
    prove(installation, 3)
    make_anew(installation, WEBHOOKS_GHL)
    for number in range(10, 10 + count):
        installation.webhook(number)
    installation.judge_and_resolve()
    with pytest.raises(AuditImpossible, match=r"proven up to 3, but what it had from 0 on is gone.*audit --full"):
        installation.audit()

    report = installation.audit(full=True)
    assert lost(report) == [(0, 3, count)]
    assert {(one.kind, one.receipt_id) for one in report.missing} == {
        ("verdict", receipt_id(number)) for number in range(10, 10 + count)
    }

    # Set back to the cut, the pipeline judges them: the verdicts on what is gone stay beside theirs.
    judge(installation, range(10, 10 + count))
    again = installation.audit(full=True)
    assert (again.outcome, again.missing, again.lost_ends) == ("complete", (), ())
    assert installation.audit().outcome == "complete"


def test_cut_logs_of_messages_and_jobs_are_noticed(installation: Installation) -> None:
    prove(installation, 2)
    make_anew(installation, MESSAGES, JOBS)
    for number in range(10, 15):
        installation.message(number)
    with pytest.raises(AuditImpossible, match=r"jobs\[0\] .*from 0 on is gone; .*messages\[0\] .*from 0 on is gone"):
        installation.audit()
    assert [one.lost_from for one in installation.audit(full=True).lost_ends] == [0, 0]


def test_only_what_a_broker_lost_is_called_lost(settings: Settings) -> None:
    with temporary_home() as home:
        broker = Broker(home)
        installation = Installation(settings.model_copy(update={"kafka_bootstrap": broker.bootstrap, "partitions": 1}))
        with broker.running():
            create_topics(installation.settings)
            prove(installation, 3)
        # The last record is one batch.
        cut_logs(broker.data, 1, lambda name: name == installation.settings.topic(WEBHOOKS_GHL))
        with broker.running():
            for number in (10, 11):
                installation.webhook(number)
            installation.judge_and_resolve()
            assert lost(installation.audit(full=True)) == [(2, 3, 4)]
