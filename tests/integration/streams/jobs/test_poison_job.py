"""Jobs that end their process: each is tried alone until that is proven, and nobody else dies of it."""

import itertools
from typing import Any

import pytest

from headrace.events.ids import derived_id
from headrace.events.job_plan import job_id
from headrace.events.jobs import JobDied, JobEvent, JobRetryScheduled, JobStarted, JobSucceeded
from headrace.events.topics import DEAD_LETTERS
from streams.jobs.lost_attempts import LONE_LOSSES, LOST_ALONE, WORKER_LOST
from tests.integration.streams.jobs.conftest import has_ended

Jobs = Any
Events = dict[str, list[JobEvent]]

INNOCENT = 60
#: They end it by themselves and with SIGKILL, each beside others.
POISON = {INNOCENT: "sleep 0.2;exit", INNOCENT + 1: "sleep 0.2;kill"}
#: In company: the first is forgiven, then among as many as the square root of the slots, then alone.
MOST_CRASHES = (3 + LONE_LOSSES) * len(POISON)


def post_process(number: int) -> str:
    return job_id(derived_id("message", str(number)), "SMS_INBOUND_POST_PROCESS")


def of(kind: type[Any], events: list[JobEvent]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.timeout(300)
async def test_jobs_that_end_their_worker_die_alone(jobs: Jobs) -> None:
    workspaces = [f"w{number}" for number in range(4)]
    await jobs.apply(*workspaces)
    await jobs.receive(
        jobs.message(number, POISON.get(number, "sleep 0.3"), workspace=workspaces[number % 4])
        for number in range(INNOCENT + len(POISON))
    )
    crashes = await until_ended_over_crashes(jobs, 2 * INNOCENT + len(POISON))
    events: Events = await jobs.events()

    guilty = {post_process(number) for number in POISON}
    died = {id_: of(JobDied, job) for id_, job in events.items() if of(JobDied, job)}
    assert set(died) == guilty
    assert {death.reason for deaths in died.values() for death in deaths} == {LOST_ALONE}
    assert all(len(of(JobSucceeded, job)) == 1 for id_, job in events.items() if id_ not in guilty)
    assert crashes <= MOST_CRASHES
    letters = [letter for letter in await jobs.read(DEAD_LETTERS) if letter.get("dlq_reason") == LOST_ALONE]
    assert len(letters) == len(guilty)
    for id_ in guilty:
        alone = [event for event in of(JobStarted, events[id_]) if event.alone]
        assert len(alone) == LONE_LOSSES
    check_what_is_told_of_the_innocent(events, guilty)


def check_what_is_told_of_the_innocent(events: Events, guilty: set[str]) -> None:
    retries = [event for id_, job in events.items() if id_ not in guilty for event in of(JobRetryScheduled, job)]
    assert retries, "some were in flight beside the guilty"
    assert {event.reason for event in retries} == {WORKER_LOST}
    assert all(event.lost and event.started_at is not None and event.worker == "0" for event in retries)
    assert not any(event.spends_attempt for event in retries)


async def until_ended_over_crashes(jobs: Jobs, count: int) -> int:
    """Start the worker again whenever it is gone, as its supervisor does. Returns how often it went."""
    for crashes in itertools.count():
        with jobs.worker(HEADRACE_JOB_SLOTS="25", HEADRACE_RETRY_TIERS="1,1,1") as process:
            events = await jobs.until(lambda found: process.poll() is not None or ended(found) >= count, deadline=120)
            if ended(events) >= count:
                return crashes
    raise AssertionError


def ended(events: Events) -> int:
    return sum(map(has_ended, events.values()))
