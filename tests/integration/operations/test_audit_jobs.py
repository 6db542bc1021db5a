"""The audit of jobs: what a message leads to, what is open or stuck, and each way in which something can be missing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headrace.events.job_plan import SCORING, STEPS, job_id
from headrace.events.jobs import (
    JobCancelled,
    JobDied,
    JobPaused,
    JobRequested,
    JobRetryScheduled,
    JobStarted,
    JobStepFinished,
    JobSucceeded,
)
from headrace.events.topics import JOBS, MESSAGES
from operations.audit.audit import AuditImpossible
from operations.audit.findings import AuditReport, Missing
from tests.integration.operations.installation import POST_PROCESS, Installation, about_job, message_id, receipt_id

pytestmark = pytest.mark.usefixtures("topics_created")

LONG = timedelta(hours=2)
JUST = timedelta(seconds=5)
HOUR = timedelta(hours=1)


def ago(span: timedelta) -> datetime:
    """Seen from the test that asks: what "just now" means must not grow old while other tests run."""
    return datetime.now(UTC) - span


def caught_up(installation: Installation) -> AuditReport:
    """Everybody has read everything."""
    installation.judge_and_resolve()
    installation.project()
    return installation.audit()


def names(report: AuditReport) -> list[tuple[str, str | None, str | None, str | None]]:
    return [(found.kind, found.job_id, found.message_id, found.step) for found in report.missing]


def job_of(number: int, type_: str = POST_PROCESS) -> str:
    return job_id(message_id(number), type_)


def test_finished_jobs_are_counted_once(installation: Installation) -> None:
    installation.message(0)
    installation.message(1)
    report = caught_up(installation)
    assert (report.outcome, report.jobs.messages, report.jobs.ended, report.jobs.open) == ("complete", 2, 4, 0)
    again = installation.audit()
    assert (again.outcome, again.jobs.messages, again.jobs.ended) == ("complete", 0, 0)


def test_only_what_a_person_wrote_to_us_has_jobs(installation: Installation) -> None:
    installation.message(0, with_jobs=False, source="bounce")
    installation.message(1, with_jobs=False, direction="outbound")
    report = caught_up(installation)
    assert (report.outcome, report.jobs.messages) == ("complete", 0)


def test_a_message_the_jobs_app_has_not_read_is_in_flight_and_then_missing(installation: Installation) -> None:
    installation.message(0, with_jobs=False)
    installation.project()
    report = installation.audit()
    assert (report.outcome, report.jobs.in_flight, report.missing) == ("in flight", 1, ())
    report = caught_up(installation)
    assert report.outcome == "missing"
    assert report.missing == (
        Missing(
            kind="job",
            topic=installation.settings.topic(MESSAGES),
            partition=0,
            offset=0,
            receipt_id=receipt_id(0),
            message_id=message_id(0),
            job_id=job_of(0),
            job_type=POST_PROCESS,
        ),
    )
    assert names(installation.audit()) == names(report), "what is missing stays missing until it is mended"
    installation.request(0, due_at=ago(-HOUR))
    assert caught_up(installation).outcome == "complete"


def test_a_job_whose_request_is_not_projected_is_in_flight(installation: Installation) -> None:
    installation.message(0, with_jobs=False)
    installation.judge_and_resolve()
    installation.project()
    installation.request(0)
    report = installation.audit()
    assert (report.outcome, report.missing) == ("in flight", ())


def test_a_step_neither_finished_nor_skipped_is_named(installation: Installation) -> None:
    installation.message(0, with_jobs=False)
    installation.request(0)
    installation.succeed(0, without="draft")
    installation.succeed(0, SCORING, without="score")
    report = caught_up(installation)
    assert names(report) == [
        ("step", job_of(0), message_id(0), "draft"),
        ("step", job_of(0, SCORING), message_id(0), "score"),
    ]
    assert {found.topic for found in report.missing} == {installation.settings.topic(JOBS)}


def test_a_message_that_is_not_scored_is_named(installation: Installation) -> None:
    installation.message(0, with_jobs=False)
    installation.request(0)
    installation.succeed(0, without=SCORING)
    assert names(caught_up(installation)) == [("job", job_of(0, SCORING), message_id(0), None)]


def test_an_end_nobody_asked_for_is_named(installation: Installation) -> None:
    installation.job(JobCancelled(**about_job(0), reason="for the test"), 0)
    assert names(caught_up(installation)) == [("request", job_of(0), None, None)]


def test_a_job_that_died_or_was_cancelled_needs_no_steps_and_is_not_scored(installation: Installation) -> None:
    for number in range(2):
        installation.message(number, with_jobs=False)
        installation.request(number)
    death = JobDied(**about_job(0), attempt=1, step="draft", error_class="permanent", reason="refused")
    installation.job(death, 0)
    installation.job(JobCancelled(**about_job(1), reason="lead suppressed"), 1)
    # It was too late for that.
    installation.job(JobSucceeded(**about_job(1), attempt=1), 1)
    report = caught_up(installation)
    assert (report.outcome, report.jobs.ended, report.jobs.open) == ("complete", 3, 0)


def finish(installation: Installation, generation: int, *steps: str) -> None:
    """Some steps of a generation of message 0's job, and its success."""
    about = about_job(0) | {"generation": generation}
    for step in steps:
        installation.job(JobStepFinished(**about, step=step, attempt=1), 0)
    installation.job(JobSucceeded(**about, attempt=1), 0)


@pytest.mark.parametrize("from_start", [False, True])
def test_a_job_retried_by_a_person_keeps_its_steps_unless_it_begins_anew(
    installation: Installation, from_start: bool
) -> None:
    first, *others = STEPS[POST_PROCESS]
    installation.message(0, with_jobs=False)
    installation.request(0)
    installation.job(JobStepFinished(**about_job(0), step=first, attempt=1), 0)
    installation.job(JobDied(**about_job(0), attempt=1, step=others[0], error_class="permanent", reason="refused"), 0)
    installation.request(0, generation=2, from_start=from_start)
    installation.request(0, SCORING, due_at=ago(-HOUR))
    finish(installation, 2, *others)
    expected = [("step", job_of(0), message_id(0), first)] if from_start else []
    assert names(caught_up(installation)) == expected


def test_a_job_done_again_after_it_succeeded_needs_all_its_steps_again(installation: Installation) -> None:
    installation.message(0)
    installation.request(0, generation=2)
    first, *others = STEPS[POST_PROCESS]
    finish(installation, 2, *others)
    assert names(caught_up(installation)) == [("step", job_of(0), message_id(0), first)]


def open_jobs(installation: Installation, *requests: datetime, **fields: Any) -> None:
    """A message with an open job for each due time."""
    for number, due_at in enumerate(requests):
        installation.message(number, with_jobs=False)
        installation.request(number, due_at=due_at, **fields)


def test_an_open_job_is_accounted_for_until_it_ends(installation: Installation) -> None:
    open_jobs(installation, ago(JUST), ago(-HOUR))
    report = caught_up(installation)
    assert (report.outcome, report.jobs.open, report.stuck) == ("complete", 2, ())
    installation.job(JobCancelled(**about_job(1), reason="for the test"), 1)
    assert caught_up(installation).jobs.open == 1
    installation.request(0, generation=2, due_at=ago(-HOUR))
    assert caught_up(installation).jobs.open == 1


def test_an_overdue_job_that_nobody_runs_is_stuck_not_missing(installation: Installation) -> None:
    open_jobs(installation, ago(LONG), ago(JUST))
    report = caught_up(installation)
    assert (report.outcome, report.missing, report.jobs.open, report.jobs.stuck) == ("in flight", (), 2, 1)
    (stuck,) = report.stuck
    assert (stuck.job_id, stuck.message_id, stuck.workspace) == (job_of(0), message_id(0), "acme")
    assert (stuck.job_type, stuck.state) == (POST_PROCESS, "waiting")
    assert stuck.overdue_seconds >= 7200
    assert [one.job_id for one in installation.audit(stuck_seconds=1.0).stuck] == [job_of(0), job_of(1)]
    assert installation.audit(stuck_seconds=86_400.0).outcome == "complete"


def test_a_job_that_runs_waits_for_a_retry_or_is_paused_is_not_stuck(installation: Installation) -> None:
    open_jobs(installation, *[ago(LONG)] * 3)
    installation.job(JobStarted(**about_job(0) | {"at": ago(JUST)}, attempt=1, worker="w"), 0)
    put_off = JobRetryScheduled(
        **about_job(1), attempt=1, due_at=ago(-HOUR), step="draft", error_class="over_budget", reason="budget spent"
    )
    installation.job(put_off, 1)
    installation.job(JobPaused(**about_job(2), paused_by="jane"), 2)
    report = caught_up(installation)
    assert (report.outcome, report.jobs.open, report.jobs.stuck) == ("complete", 3, 0)


def test_an_attempt_far_beyond_its_deadline_is_stuck(installation: Installation) -> None:
    open_jobs(installation, ago(LONG))
    installation.job(JobStarted(**about_job(0) | {"at": ago(LONG)}, attempt=1, worker="w"), 0)
    (stuck,) = caught_up(installation).stuck
    assert stuck.state == "running"
    since_its_start = LONG.total_seconds()
    assert since_its_start - 700 < stuck.overdue_seconds < since_its_start


def test_nothing_is_called_stuck_before_the_newest_job_events_are_rows(installation: Installation) -> None:
    open_jobs(installation, ago(LONG))
    installation.judge_and_resolve()
    installation.project()
    installation.job(JobCancelled(**about_job(0), reason="for the test"), 0)
    report = installation.audit()
    assert (report.outcome, report.stuck) == ("in flight", ())


def test_a_message_the_request_agent_set_aside_is_a_dead_letter(installation: Installation) -> None:
    installation.message(0, with_jobs=False)
    installation.message(1, with_jobs=False)
    installation.dead_letter(MESSAGES, 0, 0, "request")
    # A letter about something else of the same webhook accounts for nothing.
    installation.dead_letter(JOBS, 0, 1, "execute")
    report = caught_up(installation)
    assert names(report) == [("job", job_of(1), message_id(1), None)]
    assert (report.jobs.dead_lettered, report.jobs.missing) == (1, 1)


def test_a_request_the_projection_refused_is_a_dead_letter(installation: Installation) -> None:
    installation.message(0, with_jobs=False)
    installation.request(0, due_at=datetime(9999, 12, 31, tzinfo=UTC))
    installation.job(JobDied(**about_job(0), attempt=0, step="", error_class="permanent", reason="r"), 0)
    report = caught_up(installation)
    assert names(report) == [("request", job_of(0), None, None)]
    installation.job(JobStarted(**about_job(0), attempt=0, worker="w"), 0)
    report = caught_up(installation)
    assert (report.outcome, report.jobs.dead_lettered) == ("complete", 1)


def test_a_lost_row_below_what_is_proven_is_found_by_full(installation: Installation) -> None:
    installation.message(0)
    assert caught_up(installation).outcome == "complete"
    installation.execute("DELETE FROM proj_v1.job_steps WHERE step = 'classify'")
    assert installation.audit().outcome == "complete"
    report = installation.audit(full=True)
    assert names(report) == [("step", job_of(0), message_id(0), "classify")]


@pytest.mark.parametrize(("table", "offset"), [("jobs", 0), ("job_ends", 2)])
def test_full_compares_the_log_with_the_rows(installation: Installation, table: str, offset: int) -> None:
    installation.request(0, SCORING)
    installation.succeed(0, SCORING)
    assert caught_up(installation).outcome == "complete"
    installation.execute(f"TRUNCATE proj_v1.{table}")
    assert installation.audit().missing == ()
    report = installation.audit(full=True)
    assert ("row", job_of(0, SCORING), offset) in [(f.kind, f.job_id, f.offset) for f in report.missing]
    assert report.jobs.missing == len(report.missing)


def test_a_loss_in_front_hides_none_behind_it(installation: Installation) -> None:
    for number in range(3):
        installation.message(number, with_jobs=number == 1)
    assert [found.message_id for found in caught_up(installation).missing] == [message_id(0), message_id(2)]


def test_a_topic_made_anew_is_noticed(installation: Installation) -> None:
    installation.message(0)
    caught_up(installation)
    installation.execute("UPDATE ctl.audit_job_positions SET proven_to = 99 WHERE proven_to > 0")
    with pytest.raises(AuditImpossible, match="audit --full"):
        installation.audit()
    assert installation.audit(full=True).outcome == "complete"


def test_a_job_of_a_type_this_program_does_not_know_is_dead_not_missing(installation: Installation) -> None:
    about = about_job(0) | {"type": "SOMETHING_NEW", "job_id": job_id(message_id(0), "SOMETHING_NEW")}
    installation.message(0)
    installation.job(JobRequested(**about, due_at=ago(JUST)), 0)
    installation.job(JobDied(**about, attempt=0, step="", error_class="permanent", reason="unknown job type"), 0)
    assert caught_up(installation).outcome == "complete"
