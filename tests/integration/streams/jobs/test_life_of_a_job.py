"""The life of a job on real Kafka: asked for once, run step by step, retried where it failed, ended once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.events.ids import derived_id
from headrace.events.job_plan import job_id
from headrace.events.jobs import (
    JobCancelled,
    JobDied,
    JobEvent,
    JobPaused,
    JobRequested,
    JobResumed,
    JobRetryScheduled,
    JobStarted,
    JobStepFinished,
    JobSucceeded,
)
from headrace.events.messages import LeadMerged, LeadSuppressed
from headrace.events.topics import DEAD_LETTERS

Jobs = Any
Events = dict[str, list[JobEvent]]

SMS = "SMS_INBOUND_POST_PROCESS"
SCORING = "LEAD_SCORING_POST_PROCESS"
TIER = timedelta(seconds=0.3)


def sms(number: int) -> str:
    return job_id(derived_id("message", str(number)), SMS)


def scoring(number: int) -> str:
    return job_id(derived_id("message", str(number)), SCORING)


def names(events: list[JobEvent]) -> list[str]:
    return [type(event).__name__.removeprefix("Job") for event in events]


def of(kind: type[Any], events: list[JobEvent]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def about(event: JobEvent, generation: int | None = None) -> dict[str, Any]:
    return {
        "job_id": event.job_id,
        "workspace": event.workspace,
        "lead_id": event.lead_id,
        "type": event.type,
        "message_id": event.message_id,
        "receipt_id": event.receipt_id,
        "generation": generation or event.generation,
        "at": datetime.now(UTC),
    }


async def test_a_message_is_post_processed_and_then_scored(jobs: Jobs) -> None:
    await jobs.apply("acme")
    await jobs.receive([jobs.message(1), jobs.message(2, source="bounce"), jobs.message(1)])
    with jobs.worker():
        events: Events = await jobs.until_ended(2)
    assert {id_: names(job) for id_, job in events.items()} == {
        sms(1): ["Requested", "Started", "StepFinished", "StepFinished", "StepFinished", "Succeeded"],
        scoring(1): ["Requested", "Started", "StepFinished", "Succeeded"],
    }
    looked, worked, noted = of(JobStepFinished, events[sms(1)])
    assert (looked.result, worked.result, noted.result) == (
        {"seen": 1, "lead": False, "label": None},
        {"after": 1},
        {"after": 1},
    )
    assert of(JobStepFinished, events[scoring(1)])[0].skipped == "no score in tests"


async def test_what_a_server_asks_for_or_says_too_much_ends_no_worker(jobs: Jobs) -> None:
    """Such a wait overflowed behind every guard, and such a result can't be written: both ended the process."""
    await jobs.apply("acme")
    asked = ("99999999999999", "inf", "nan", "-1e308")
    await jobs.receive(
        [
            *(jobs.message(number, f"limit {wait}") for number, wait in enumerate(asked)),
            jobs.message(8, "large"),
            jobs.message(9),
        ]
    )
    with jobs.worker() as worker:
        # Two wait their tier, two a day; one dies; one is done and scored.
        events: Events = await jobs.until(
            lambda events: (
                sum(isinstance(job[-1], JobSucceeded | JobDied) for job in events.values()) >= 7
                and all(of(JobRetryScheduled, events[sms(number)]) for number in range(4))
            )
        )
        assert worker.poll() is None
    for number in (0, 1):
        (limited,) = of(JobRetryScheduled, events[sms(number)])
        assert timedelta(hours=24) < limited.due_at - limited.at < timedelta(hours=26)
    (died,) = of(JobDied, events[sms(8)])
    assert died.reason == "result has 100,012 bytes, and room for 32,768"
    letters = {letter["dlq_reason"] for letter in await jobs.read(DEAD_LETTERS)}
    assert letters == {died.reason}


async def test_a_retry_resumes_at_the_failed_step(jobs: Jobs) -> None:
    await jobs.apply("acme")
    await jobs.receive([jobs.message(1, "fail 2"), jobs.message(2, "crash"), jobs.message(3, "limit 1.5")])
    with jobs.worker():
        events: Events = await jobs.until_ended(6)
    job = events[sms(1)]
    assert names(job) == [
        *("Requested", "Started", "StepFinished", "RetryScheduled"),
        *("Started", "RetryScheduled", "Started", "StepFinished", "StepFinished", "Succeeded"),
    ]
    assert [event.attempt for event in of(JobStarted, job)] == [1, 2, 3]
    assert all(event.due_at - event.at >= TIER and event.spends_attempt for event in of(JobRetryScheduled, job))
    assert jobs.step_runs()[sms(1), "look"] == 1
    assert jobs.step_runs()[sms(1), "work"] == 3
    crashed = of(JobRetryScheduled, events[sms(2)])[0]
    assert (crashed.error_class, crashed.reason) == ("transient", "ZeroDivisionError")
    limited = of(JobRetryScheduled, events[sms(3)])[0]
    assert limited.error_class == "rate_limited"
    assert limited.due_at - limited.at >= timedelta(seconds=1.5)
    started_again = of(JobStarted, events[sms(3)])[1]
    assert started_again.at >= limited.due_at


async def test_hopeless_jobs_die_and_are_set_aside_whole(jobs: Jobs) -> None:
    await jobs.apply("acme")
    stranger = jobs.message(5)
    await jobs.receive([jobs.message(1, "die"), jobs.message(2, "fail 99"), jobs.message(3)])
    await jobs.receive([jobs.message(4, workspace="nobody's")])
    unknown = JobRequested(
        job_id=job_id(stranger.message_id, "FROM_THE_FUTURE"),
        workspace="acme",
        lead_id=stranger.lead_id,
        type="FROM_THE_FUTURE",
        message_id=stranger.message_id,
        receipt_id=stranger.receipt_id,
        at=stranger.sent_at,
        due_at=stranger.sent_at,
    )
    await jobs.command(unknown)
    with jobs.worker():
        events: Events = await jobs.until_ended(6)
    ends = {id_: of(JobDied, job)[-1] for id_, job in events.items() if of(JobDied, job)}
    assert {id_: (end.error_class, end.reason, end.attempt) for id_, end in ends.items()} == {
        sms(1): ("permanent", "told to", 1),
        sms(2): ("transient", "told to", 4),
        sms(4): ("permanent", "workspace unknown", 1),
        unknown.job_id: ("permanent", "unknown job type", 0),
    }
    assert of(JobSucceeded, events[sms(3)])
    letters = {letter["dlq_reason"]: letter for letter in await jobs.read(DEAD_LETTERS)}
    assert sorted(letters) == ["told to", "unknown job type", "workspace unknown"]
    letter = letters["unknown job type"]
    assert letter["ce_type"] == "job.requested.v1"
    assert letter["dlq_stage"] == "execute"
    assert letter["dlq_topic"].endswith("jobs")


async def test_deadlines_bad_records_and_dependencies_that_are_down_are_no_results(jobs: Jobs) -> None:
    await jobs.apply("acme")
    await jobs.receive([jobs.message(1, "hang"), jobs.message(2, "bad"), jobs.message(3, "down")])
    with jobs.worker():
        events: Events = await jobs.until_ended(6)
    found = {number: of(JobRetryScheduled, events[sms(number)])[0] for number in (1, 2, 3)}
    assert {number: (event.error_class, event.reason) for number, event in found.items()} == {
        1: ("transient", "deadline"),
        2: ("transient", "KeyError"),
        3: ("dependency_down", "told to"),
    }
    assert [found[number].spends_attempt for number in (1, 2, 3)] == [True, True, False]
    assert all(of(JobSucceeded, events[sms(number)]) for number in (1, 2, 3))


async def test_an_open_breaker_puts_off_without_spending_and_lets_other_steps_run(jobs: Jobs) -> None:
    await jobs.apply("acme")
    await jobs.receive([jobs.message(number, "fail 1") for number in range(12)])
    with jobs.worker(HEADRACE_BREAKER_FAILURES="3", HEADRACE_JOB_SLOTS="1"):
        events: Events = await jobs.until_ended(24)
    put_off = [event for job in events.values() for event in of(JobRetryScheduled, job) if not event.spends_attempt]
    assert put_off
    assert {event.reason for event in put_off} == {"ai unavailable"}
    assert not [job for job in events.values() if of(JobDied, job)]
    assert all(jobs.step_runs()[sms(number), "look"] == 1 for number in range(12))


async def test_a_step_may_end_the_job_and_each_other_step_says_why_it_was_skipped(jobs: Jobs) -> None:
    await jobs.apply("acme")
    await jobs.receive([jobs.message(1, "end")])
    with jobs.worker():
        events: Events = await jobs.until_ended(2)
    steps = of(JobStepFinished, events[sms(1)])
    assert [(step.step, step.ends_job, step.skipped) for step in steps] == [
        ("look", "nothing to do", ""),
        ("work", "", "nothing to do"),
        ("note", "", "nothing to do"),
    ]
    assert of(JobSucceeded, events[scoring(1)])


async def test_people_cancel_pause_resume_and_ask_again(jobs: Jobs) -> None:
    await jobs.apply("acme")
    await jobs.receive([jobs.message(1, "sleep 30"), jobs.message(2, "die"), jobs.message(3, "sleep 1;fail 1")])
    with jobs.worker(HEADRACE_RETRY_TIERS="1,1,1"):
        events: Events = await jobs.until(
            lambda found: bool(of(JobStarted, found.get(sms(1), [])) and of(JobDied, found.get(sms(2), [])))
        )
        await jobs.command(
            JobCancelled(**about(events[sms(1)][0]), reason="not wanted", cancelled_by="pat"),
            JobRequested(**about(events[sms(2)][0], 2), due_at=datetime.now(UTC), requested_by="pat"),
            JobPaused(**about(events[sms(3)][0]), paused_by="pat"),
        )
        events = await jobs.until(
            lambda found: len(of(JobDied, found[sms(2)])) == 2 and bool(of(JobRetryScheduled, found[sms(3)]))
        )
        await jobs.command(JobResumed(**about(events[sms(3)][0]), resumed_by="pat"))
        events = await jobs.until(lambda found: bool(of(JobSucceeded, found[sms(3)])))
    assert names(events[sms(1)])[-1] == "Cancelled"
    assert jobs.step_runs()[sms(2), "look"] == 1, "the second life goes on at the step that failed"
    assert [event.generation for event in of(JobDied, events[sms(2)])] == [1, 2]
    order = names(events[sms(3)])
    assert order.index("Resumed") < len(order) - 1 - order[::-1].index("Started"), "paused, it did not begin again"
    assert order[order.index("RetryScheduled") + 1] == "Resumed"


async def test_a_suppressed_lead_loses_only_the_jobs_that_make_no_sense_any_more(jobs: Jobs) -> None:
    await jobs.apply("acme")
    suppression = LeadSuppressed(
        receipt_id=derived_id("receipt", "s"),
        workspace="acme",
        lead_id=derived_id("lead", "1"),
        provider="ghl",
        reason="unsubscribed",
        occurred_at=datetime.now(UTC),
        received_at=datetime.now(UTC),
        provider_event="x",
    )
    await jobs.receive([jobs.message(1), suppression, jobs.message(2)])
    with jobs.worker("--void-when-suppressed", SCORING):
        events: Events = await jobs.until_ended(4)
    assert of(JobSucceeded, events[sms(1)])
    assert [event.reason for event in of(JobCancelled, events[scoring(1)])] == ["lead suppressed"]
    assert of(JobSucceeded, events[scoring(2)])


async def test_a_merged_leads_conversation_reaches_the_survivor(jobs: Jobs) -> None:
    await jobs.apply("acme")
    leads = [derived_id("lead", name) for name in ("young", "old", "oldest")]
    merges = [
        LeadMerged(
            receipt_id=derived_id("receipt", "m"),
            workspace="acme",
            lead_id=leads[place],
            into_lead_id=leads[place + 1],
            merged_at=datetime.now(UTC),
        )
        for place in range(2)
    ]
    await jobs.receive([jobs.message(1, lead="young"), jobs.message(2, lead="old"), *merges])
    with jobs.worker():
        await jobs.until_ended(4)
        await jobs.receive([jobs.message(3, lead="oldest")])
        events: Events = await jobs.until_ended(6)
    looked = of(JobStepFinished, events[sms(3)])[0]
    assert looked.result["seen"] == 3


async def test_a_label_is_known_to_the_leads_next_job_also_after_a_merge(jobs: Jobs) -> None:
    await jobs.apply("acme")
    await jobs.receive([jobs.message(1, "label", lead="young"), jobs.message(2, lead="young")])
    merge = LeadMerged(
        receipt_id=derived_id("receipt", "m"),
        workspace="acme",
        lead_id=derived_id("lead", "young"),
        into_lead_id=derived_id("lead", "old"),
        merged_at=datetime.now(UTC),
    )
    with jobs.worker():
        await jobs.until_ended(4)
        await jobs.receive([jobs.message(3, lead="young")])
        await jobs.until_ended(6)
        await jobs.receive([merge, jobs.message(4, lead="old")])
        await jobs.until_ended(8)
        await jobs.receive([jobs.message(5, lead="old")])
        events: Events = await jobs.until_ended(10)
    assert [of(JobStepFinished, events[sms(number)])[0].result["label"] for number in (3, 5)] == ["Interested"] * 2
