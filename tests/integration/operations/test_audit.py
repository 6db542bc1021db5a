"""The audit on a real log and read model: complete, under way, and each way in which something can be missing."""

import threading

import pytest

from headrace.events.topics import INBOX, INBOX_BULK, WEBHOOKS_BULK
from headrace.kafka.log_offsets import LogRange
from headrace.kafka.log_records import read_ranges
from operations.audit.audit import AuditImpossible
from operations.audit.findings import AuditReport
from operations.audit.webhooks import NAMED
from operations.versions.status import projection_status
from tests.integration.operations.installation import Installation, receipt_id
from tests.reply_topics import WEBHOOKS_GHL

pytestmark = pytest.mark.usefixtures("topics_created")


def kinds(report: AuditReport) -> list[tuple[str, int]]:
    return [(missing.kind, missing.offset) for missing in report.missing]


def totals(report: AuditReport) -> tuple[int, int, int, int]:
    return (
        sum(t.proven for t in report.topics),
        sum(t.in_flight for t in report.topics),
        sum(t.dead_lettered for t in report.topics),
        sum(t.missing for t in report.topics),
    )


@pytest.mark.parametrize("full", [False, True])
def test_a_finished_log_is_complete(finished: Installation, full: bool) -> None:
    finished.project()
    report = finished.audit(full=full)
    assert report.outcome == "complete"
    assert report.missing == ()
    assert totals(report) == (6 if full else 3, 0, 0, 0)


def test_what_the_projections_have_not_reached_is_in_flight(finished: Installation) -> None:
    report = finished.audit()
    assert (report.outcome, totals(report)) == ("in flight", (0, 3, 0, 0))
    finished.project()
    assert finished.audit().outcome == "complete"


def test_what_the_pipeline_has_not_judged_is_in_flight(finished: Installation) -> None:
    finished.webhook(3)
    finished.project()
    report = finished.audit()
    assert (report.outcome, totals(report)) == ("in flight", (3, 1, 0, 0))


def test_an_audit_waits_for_offsets_that_are_committed_a_moment_later(finished: Installation) -> None:
    finished.webhook(3)
    finished.verdict(3, 3)
    finished.message(3)
    finished.project()
    late = threading.Timer(1.0, finished.judge_and_resolve)
    late.start()
    report = finished.audit(wait_seconds=20.0)
    late.join()
    assert (report.outcome, totals(report)) == ("complete", (4, 0, 0, 0))


def test_what_the_resolver_has_not_reached_is_in_flight(installation: Installation) -> None:
    installation.webhook(0)
    installation.commit("pipeline", WEBHOOKS_GHL)
    installation.verdict(0, 0)
    installation.send(INBOX, 0, b"{}", [])
    installation.project()
    assert installation.audit().outcome == "in flight"
    installation.commit("pipeline", INBOX, INBOX_BULK)
    report = installation.audit()
    assert (report.outcome, kinds(report)) == ("missing", [("message", 0)])


def test_a_flood_in_the_bulk_lane_does_not_hide_a_loss_among_replies(installation: Installation) -> None:
    for number, topic in enumerate((WEBHOOKS_GHL, WEBHOOKS_BULK)):
        installation.webhook(number, topic)
        installation.verdict(number, 0, topic)
    installation.judge_and_resolve()
    installation.send(INBOX_BULK, 0, b"{}", [])
    installation.project()
    report = installation.audit()
    assert [(m.kind, m.receipt_id) for m in report.missing] == [("message", receipt_id(0))]
    assert totals(report)[1] == 1


def test_a_record_without_verdict_is_named_with_its_receipt(finished: Installation) -> None:
    finished.webhook(3)
    finished.webhook(4)
    finished.verdict(4, 4)
    finished.message(4)
    finished.judge_and_resolve()
    finished.project()
    report = finished.audit()
    assert report.outcome == "missing"
    (missing,) = report.missing
    assert (missing.kind, missing.partition, missing.offset) == ("verdict", 0, 3)
    assert missing.receipt_id == receipt_id(3)
    assert missing.topic == finished.settings.topic(WEBHOOKS_GHL)
    assert kinds(finished.audit()) == [("verdict", 3)], "what is missing stays missing until it is mended"
    finished.verdict(3, 3)
    finished.message(3)
    finished.judge_and_resolve()
    finished.execute("TRUNCATE ctl.projection_offsets")
    finished.project()
    assert finished.audit().outcome == "complete"


@pytest.mark.parametrize("verdict", ["fresh", "duplicate"])
def test_a_receipt_that_kafka_appended_again_is_a_repeat_and_one_webhook(finished: Installation, verdict: str) -> None:
    """As after acknowledgements that came too late: dedupe judges a fresh one once, another one each time."""
    finished.webhook(0)
    finished.webhook(0)
    if verdict == "duplicate":
        finished.webhook(3)
        finished.webhook(3)
        for offset in (5, 6):
            finished.verdict(
                3, offset, verdict="duplicate", first_receipt_id=receipt_id(0), message_ids=(), fact_count=0
            )
    finished.judge_and_resolve()
    finished.project()

    report = finished.audit()

    assert (report.outcome, report.missing) == ("complete", ())
    repeats = [(repeat.offset, repeat.receipt_id, repeat.judged_offset) for repeat in report.repeats]
    expected = [(3, receipt_id(0), 0), (4, receipt_id(0), 0)]
    assert repeats == (expected if verdict == "fresh" else [*expected, (5, receipt_id(3), 6)])
    assert sum(topic.repeats for topic in report.topics) == len(repeats)
    assert totals(report)[0] == (3 if verdict == "fresh" else 4)
    assert finished.audit(full=True).outcome == "complete"


def test_a_loss_among_many_repeats_is_named(finished: Installation) -> None:
    for _ in range(NAMED + 20):
        finished.webhook(0)
    finished.webhook(3)
    finished.judge_and_resolve()
    finished.project()

    report = finished.audit()

    assert (report.outcome, kinds(report)) == ("missing", [("verdict", 3 + NAMED + 20)])
    assert sum(topic.repeats for topic in report.topics) == NAMED + 20
    # What lies before the loss is proven, so the next audit finds the loss and looks at no repeat again.
    again = finished.audit()
    assert (kinds(again), sum(topic.repeats for topic in again.topics)) == (kinds(report), 0)


def test_a_verdict_that_points_to_another_webhook_makes_no_repeat(finished: Installation) -> None:
    finished.webhook(3)
    finished.verdict(3, 1)
    finished.judge_and_resolve()
    finished.project()
    assert ("verdict", 3) in kinds(finished.audit())


def test_two_verdicts_on_one_record_are_told(finished: Installation) -> None:
    finished.verdict(9, 1, verdict="ignored", message_ids=(), fact_count=0)
    finished.project()
    assert kinds(finished.audit()) == [("one verdict", 1)]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM proj_v1.messages", [("message", 0), ("message", 2)]),
        ("DELETE FROM proj_v1.lead_suppressions", [("fact", 2)]),
        ("DELETE FROM proj_v1.webhook_receipts WHERE source_offset = 0", [("verdict", 0), ("original", 1)]),
        ("UPDATE proj_v1.webhook_receipts SET first_receipt_id = message_id FROM proj_v1.messages", [("original", 1)]),
    ],
)
def test_a_lost_row_is_named(finished: Installation, statement: str, expected: list[tuple[str, int]]) -> None:
    finished.project()
    finished.execute(statement)
    assert kinds(finished.audit()) == expected


def test_a_dead_letter_accounts_for_what_it_stands_for(finished: Installation) -> None:
    finished.webhook(3)
    finished.webhook(4)
    finished.verdict(4, 4)
    finished.dead_letter(WEBHOOKS_GHL, 3, 3, "dedupe")
    finished.dead_letter(INBOX, 7, 4, "resolve")
    finished.judge_and_resolve()
    finished.project()
    report = finished.audit()
    assert (report.outcome, totals(report)) == ("complete", (3, 0, 2, 0))


def test_a_verdict_the_projection_refused_is_a_dead_letter(finished: Installation) -> None:
    finished.webhook(3)
    finished.verdict(3, 3, occurrence=2**40)
    finished.judge_and_resolve()
    finished.project()
    assert totals(finished.audit()) == (3, 0, 1, 0)


def test_a_second_audit_asks_only_for_what_is_new(finished: Installation) -> None:
    finished.project()
    assert finished.audit().outcome == "complete"
    finished.execute("DELETE FROM proj_v1.webhook_receipts WHERE source_offset = 0")
    assert finished.audit().outcome == "complete"
    report = finished.audit(full=True)
    assert kinds(report) == [("verdict", 0), ("original", 1)]


def test_full_compares_the_log_with_the_rows(finished: Installation) -> None:
    finished.project()
    finished.message(7)
    finished.judge_and_resolve()
    finished.project()
    finished.execute(
        "DELETE FROM proj_v1.messages WHERE provider_message_id = '7';"
        "UPDATE proj_v1.webhook_receipts SET receipt_id = gen_random_uuid() WHERE source_offset = 1"
    )
    assert finished.audit().outcome == "complete"
    report = finished.audit(full=True)
    assert [(m.kind, m.receipt_id) for m in report.missing] == [("verdict", receipt_id(1)), ("row", receipt_id(7))]
    assert sum(t.missing for t in report.topics) == 2


def test_a_topic_made_anew_is_noticed(finished: Installation) -> None:
    finished.project()
    finished.audit()
    finished.execute("UPDATE ctl.audit_positions SET verdicts_to = 99")
    with pytest.raises(AuditImpossible, match="audit --full"):
        finished.audit()
    assert finished.audit(full=True).outcome == "complete"
    assert finished.audit().outcome == "complete"


def test_ranges_are_read_to_their_end_and_not_beyond(finished: Installation) -> None:
    place = (finished.settings.topic(WEBHOOKS_GHL), 0)
    read = read_ranges(finished.settings, {place: LogRange(1, 2), (place[0], 1): LogRange(0, 0)})
    assert [record.offset for record in read] == [1]


def test_the_status_tells_lag_and_signs_of_life(finished: Installation) -> None:
    never = {one.projection: one for one in projection_status(finished.settings)}
    assert never["webhook_receipts"].lag == 3
    assert never["webhook_receipts"].heartbeat_age_seconds is None
    assert all(one.is_stale for one in never.values())
    finished.project()
    alive = projection_status(finished.settings)
    assert [(one.lag, one.is_stale) for one in alive] == [(0, False)] * len(never)
    finished.execute(
        "UPDATE ctl.broker_offsets SET observed_at = now() - interval '2 minutes' WHERE partition = 1;"
        "UPDATE ctl.projection_offsets SET heartbeat_at = now() - interval '2 minutes'"
    )
    assert all(one.is_stale for one in projection_status(finished.settings))
