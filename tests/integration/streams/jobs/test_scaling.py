"""Workers come and go while a model is answering: calls of partitions that stay go on, each call is on the bill."""

from collections import Counter, defaultdict
from typing import Any

import pytest

from headrace.events.ai import AiCalled
from headrace.events.ids import derived_id
from headrace.events.job_plan import job_id
from headrace.events.jobs import JobDied, JobEvent, JobRetryScheduled, JobStarted, JobSucceeded
from headrace.events.topics import AI_INTERACTIONS
from headrace.kafka.partitioning import key_partition

Jobs = Any
Events = dict[str, list[JobEvent]]

COUNT = 30
#: Longer than a worker needs to start and join.
SLOW = ("--paid", "--model-seconds", "20", "--deadline", "90")


def partition_of(jobs: Jobs, number: int) -> int:
    return key_partition(derived_id("lead", str(number)).encode(), jobs.settings.partitions)


def of(kind: type[Any], events: list[JobEvent]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def started_by(events: Events, worker: str) -> set[str]:
    return {id_ for id_, job in events.items() if any(start.worker == worker for start in of(JobStarted, job))}


@pytest.mark.timeout(300)
async def test_calls_of_partitions_that_stay_go_on_while_workers_come_and_go(jobs: Jobs) -> None:
    await jobs.apply("acme")
    await jobs.receive(jobs.message(number, "ask") for number in range(COUNT))
    partitions = {
        job_id(derived_id("message", str(n)), "SMS_INBOUND_POST_PROCESS"): partition_of(jobs, n) for n in range(COUNT)
    }
    with jobs.worker(*SLOW, instance="0"):
        await jobs.until(lambda found: len(started_by(found, "0") & set(partitions)) == COUNT)
        with jobs.worker(*SLOW, instance="1"):
            moved: Events = await jobs.until(lambda found: bool(started_by(found, "1") & set(partitions)))
        events: Events = await jobs.until_ended(2 * COUNT, deadline=120)
    left = {partitions[id_] for id_ in started_by(moved, "1") & set(partitions)}
    assert len(left) == 1, "the second worker got one of two partitions"

    calls: dict[str, list[str]] = defaultdict(list)
    for call in await jobs.read(AI_INTERACTIONS):
        if isinstance(call, AiCalled):
            calls[call.job_id].append(call.status)
    runs = Counter({id_: n for (id_, step), n in jobs.step_runs().items() if step == "work"})
    assert {id_: len(statuses) for id_, statuses in calls.items()} == runs, "no call without its record"
    for id_, partition in partitions.items():
        assert calls[id_].count("ok") == 1
        if partition not in left:
            assert calls[id_] == ["ok"], "its partition stayed: nobody cancelled the call"
            assert len(of(JobStarted, events[id_])) >= 2, "but the log knows of the rebalance it outlived"
    assert any("cancelled" in calls[id_] for id_, partition in partitions.items() if partition in left)
    check_all_ended_once_and_lost_no_attempt(events)
    rebalances = [line for line in jobs.log.read_text().splitlines() if '"jobs.rebalanced"' in line]
    assert any('"calls_thrown_away": 0' not in line for line in rebalances), "what was thrown away is told"


def check_all_ended_once_and_lost_no_attempt(events: Events) -> None:
    for id_, job in events.items():
        assert len(of(JobSucceeded, job)) == 1, id_
        assert not of(JobDied, job)
        assert {event.reason for event in of(JobRetryScheduled, job)} <= {"partitions moved", "worker stopping"}
        assert not any(event.spends_attempt for event in of(JobRetryScheduled, job))
