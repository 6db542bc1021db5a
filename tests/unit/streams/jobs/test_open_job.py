"""The fold of a job: read again from anywhere it gives the same, one generation ends once, steps are kept."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headrace.events.jobs import (
    AnyJobEvent,
    JobCancelled,
    JobDied,
    JobPaused,
    JobRedecided,
    JobRequested,
    JobResumed,
    JobRetryScheduled,
    JobStarted,
    JobStepFinished,
    JobSucceeded,
)
from streams.jobs.open_job import ClosedJob, Entry, OpenJob, Place, decode_entry, encode_entry, fold

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def about(generation: int = 1, at: datetime = START) -> dict[str, Any]:
    return {
        "job_id": "job",
        "workspace": "acme",
        "lead_id": "lead",
        "type": "SMS_INBOUND_POST_PROCESS",
        "message_id": "message",
        "receipt_id": "receipt",
        "generation": generation,
        "at": at,
    }


def requested(generation: int = 1, **fields: Any) -> JobRequested:
    return JobRequested(**about(generation), due_at=START, **fields)


def started(attempt: int, generation: int = 1) -> JobStarted:
    return JobStarted(**about(generation), attempt=attempt, worker="w")


def finished(step: str, attempt: int = 1, generation: int = 1, **fields: Any) -> JobStepFinished:
    return JobStepFinished(**about(generation), step=step, attempt=attempt, **fields)


def retry(attempt: int, generation: int = 1, *, spends: bool = True) -> JobRetryScheduled:
    return JobRetryScheduled(
        **about(generation),
        attempt=attempt,
        due_at=START + timedelta(seconds=10),
        step="work",
        error_class="transient" if spends else "dependency_down",
        reason="x",
        spends_attempt=spends,
    )


def succeeded(attempt: int = 1, generation: int = 1) -> JobSucceeded:
    return JobSucceeded(**about(generation), attempt=attempt)


def died(generation: int = 1) -> JobDied:
    return JobDied(**about(generation), attempt=1, step="work", error_class="permanent", reason="x")


def cancelled(generation: int = 1) -> JobCancelled:
    return JobCancelled(**about(generation), reason="x")


def folded(*events: AnyJobEvent, entry: Entry | None = None, first: int = 0) -> Entry | None:
    for offset, event in enumerate(events, first):
        entry = fold(entry, event, Place(0, offset, 0))
    return entry


def opened(*events: AnyJobEvent) -> OpenJob:
    entry = folded(*events)
    assert isinstance(entry, OpenJob)
    return entry


def test_asking_twice_is_asking_once() -> None:
    once = folded(requested())
    assert folded(requested(), requested()) == once
    assert folded(requested(), started(1), succeeded(), requested()) == folded(requested(), started(1), succeeded())


def test_a_retry_keeps_finished_steps_and_counts_the_attempt() -> None:
    job = opened(requested(), started(1), finished("look", result={"n": 1}), retry(1))
    assert [(step.step, step.result) for step in job.steps] == [("look", {"n": 1})]
    assert (job.attempt, job.spent, job.running) == (1, 1, False)
    assert job.due_ms == 10_000 + round(START.timestamp() * 1000)


def test_a_blameless_delay_costs_no_attempt_and_is_counted_apart() -> None:
    job = opened(requested(), started(1), retry(1, spends=False), retry(1, spends=False))
    assert (job.attempt, job.spent, job.deferrals) == (1, 0, 2)
    after = opened(requested(), started(1), retry(1, spends=False), started(2), finished("look", 2))
    assert (after.attempt, after.spent, after.deferrals) == (2, 1, 0)


def test_a_lost_worker_has_spent_its_attempt() -> None:
    job = opened(requested(), started(1), started(2), started(3))
    assert (job.attempt, job.spent, job.running) == (3, 3, True)


def lost(attempt: int, *, spends: bool = False) -> JobRetryScheduled:
    return msgspec.structs.replace(retry(attempt, spends=spends), lost=True)


def test_an_attempt_lost_in_company_is_given_back_and_counted_as_lost() -> None:
    job = opened(requested(), started(1), lost(1), lost(1))
    assert (job.attempt, job.spent, job.losses, job.lone_losses, job.running) == (1, 0, 1, 0, False)
    assert not opened(requested(), started(1)).is_waiting
    assert job.is_waiting


def test_one_lost_alone_is_spent() -> None:
    job = opened(requested(), msgspec.structs.replace(started(1), alone=True), lost(1, spends=True))
    assert (job.spent, job.losses, job.lone_losses, job.alone) == (1, 1, 1, False)


def test_a_finished_step_clears_the_job_of_suspicion() -> None:
    job = opened(requested(), started(1), lost(1), started(2), finished("look", 2))
    assert (job.losses, job.lone_losses) == (0, 0)


def test_a_late_retry_of_an_older_attempt_changes_nothing() -> None:
    before = folded(requested(), started(1), started(2))
    assert folded(retry(1), entry=before, first=9) is before


def test_the_first_end_counts() -> None:
    entry = folded(requested(), started(1), cancelled(), succeeded(), died())
    assert isinstance(entry, ClosedJob)
    assert entry.outcome == "cancelled"


def test_a_dead_job_asked_for_again_goes_on_where_it_failed() -> None:
    job = opened(requested(), started(1), finished("look"), died(), requested(2))
    assert [step.step for step in job.steps] == ["look"]
    assert (job.attempt, job.spent) == (0, 0)


def test_unless_it_is_asked_for_from_the_start() -> None:
    assert opened(requested(), started(1), finished("look"), died(), requested(2, from_start=True)).steps == ()


def test_a_job_that_succeeded_begins_anew() -> None:
    assert opened(requested(), started(1), finished("look"), succeeded(), requested(2)).steps == ()


def test_an_open_job_asked_for_again_keeps_its_steps_and_forgets_its_attempts() -> None:
    job = opened(requested(), started(1), finished("look"), retry(1), requested(2))
    assert ([step.step for step in job.steps], job.attempt, job.due_ms) == (
        ["look"],
        0,
        round(START.timestamp() * 1000),
    )


def test_what_an_older_generation_does_is_ignored() -> None:
    before = folded(requested(), started(1), requested(2))
    for late in (finished("look"), retry(1), succeeded(), died(), cancelled()):
        assert folded(late, entry=before, first=9) is before


def test_paused_and_resumed() -> None:
    pause, resume = JobPaused(**about(), paused_by="pat"), JobResumed(**about(), resumed_by="pat")
    assert opened(requested(), pause).paused
    assert not opened(requested(), pause, resume).paused
    assert opened(requested(), started(1), pause, retry(1)).paused


def test_an_event_of_a_job_nobody_asked_for_is_nothing() -> None:
    assert folded(started(1), succeeded(), cancelled()) is None


EVENTS = st.one_of(
    st.builds(requested, st.integers(1, 3), from_start=st.booleans()),
    st.builds(started, st.integers(1, 4), st.integers(1, 3)),
    st.builds(
        finished, st.sampled_from("abc"), st.integers(1, 4), st.integers(1, 3), ends_job=st.sampled_from(["", "x"])
    ),
    st.builds(retry, st.integers(0, 4), st.integers(1, 3), spends=st.booleans()),
    st.builds(succeeded, st.integers(1, 4), st.integers(1, 3)),
    st.builds(died, st.integers(1, 3)),
    st.builds(cancelled, st.integers(1, 3)),
)


@given(st.lists(EVENTS, max_size=25), st.data())
def test_reading_again_from_anywhere_gives_the_same(events: list[AnyJobEvent], data: st.DataObject) -> None:
    entry = folded(*events)
    back = data.draw(st.integers(0, len(events)))
    assert folded(*events[back:], entry=entry, first=back) == entry


@given(st.lists(EVENTS, max_size=25))
def test_what_is_stored_comes_back(events: list[AnyJobEvent]) -> None:
    entry = folded(*events)
    if entry is not None:
        assert decode_entry(encode_entry(entry)) == entry


@given(st.lists(EVENTS, max_size=40))
def test_a_generation_ends_once_and_never_comes_back(events: list[AnyJobEvent]) -> None:
    entry: Entry | None = None
    ended: set[int] = set()
    for offset, event in enumerate(events):
        before, entry = entry, fold(entry, event, Place(0, offset, 0))
        if isinstance(entry, ClosedJob) and entry is not before:
            assert entry.generation not in ended
            ended.add(entry.generation)
        if isinstance(entry, OpenJob):
            assert entry.request.generation not in ended


def redecided(generation: int) -> JobRedecided:
    return JobRedecided(**about(generation), run_id="r", decided_by="pat", steps=())


def test_a_job_decided_again_is_over_before_anybody_runs_it() -> None:
    done = folded(requested(), started(1), succeeded())
    again = fold(done, redecided(2), Place(0, 10, 0))
    assert again == ClosedJob(generation=2, outcome="succeeded", offset=10)
    assert fold(again, redecided(2), Place(0, 11, 0)) is again
    assert isinstance(fold(again, requested(3), Place(0, 12, 0)), OpenJob)


def test_deciding_again_never_ends_what_somebody_asked_for() -> None:
    asked_again = folded(requested(), succeeded(), requested(2))
    assert isinstance(asked_again, OpenJob)
    assert fold(asked_again, redecided(2), Place(0, 10, 0)) is asked_again
    assert fold(asked_again, redecided(3), Place(0, 10, 0)) is asked_again
