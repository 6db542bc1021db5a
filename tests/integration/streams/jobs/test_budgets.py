"""AI budgets on real Kafka: what was spent before a kill and by other workers counts, and a parked job goes on."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from headrace.events.ai import AiCalled
from headrace.events.ids import derived_id
from headrace.events.job_plan import job_id
from headrace.events.jobs import JobEvent, JobRetryScheduled, JobStarted, JobSucceeded
from headrace.events.topics import AI_INTERACTIONS
from streams.ai import tasks
from streams.ai.asking import most_micro_usd
from streams.ai.provider import Caller
from tests.integration.streams.jobs.jobs_program import COST, QUESTION, paid_desk

Jobs = Any
Events = dict[str, list[JobEvent]]


def dearest() -> int:
    """What is reserved for a call."""
    caller = Caller(receipt_id="", workspace="", lead_id="", message_id="m", job_id="", job_type="X", step="")
    most = most_micro_usd(paid_desk(lambda: datetime.now(UTC)), tasks.classify(QUESTION, caller))
    assert most is not None
    assert most > 2 * COST
    return most


def zone_at_noon() -> str:
    """A zone in which it is about noon: the test sees no midnight."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}"


def post_process(number: int) -> str:
    return job_id(derived_id("message", str(number)), "SMS_INBOUND_POST_PROCESS")


def of(kind: type[Any], events: list[JobEvent]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def done(events: Events, numbers: range) -> list[str]:
    ids = [post_process(number) for number in numbers]
    return [id_ for id_ in ids if of(JobSucceeded, events.get(id_, []))]


def parked(events: Events, numbers: range, until: datetime) -> list[JobRetryScheduled]:
    """The last word on jobs that wait for that moment or a later one."""
    last = [events[id_][-1] for id_ in map(post_process, numbers) if id_ in events]
    return [event for event in last if isinstance(event, JobRetryScheduled) and event.due_at >= until]


async def test_a_kill_forgets_no_spending_and_a_parked_job_goes_on_the_next_day(jobs: Jobs) -> None:
    zone, most = zone_at_noon(), dearest()
    # Three calls fit: after them less is left than a call may cost.
    await jobs.apply("acme", timezone=zone, budget=most + 2 * COST)
    today = datetime.now(ZoneInfo(zone)).date()
    midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    await jobs.receive(jobs.message(number, "ask") for number in range(2))
    with jobs.worker("--paid") as process:
        await jobs.until(lambda found: len(done(found, range(2))) == 2)
        process.kill()
        process.wait()
    await jobs.receive(jobs.message(number, "ask") for number in range(2, 5))
    with jobs.worker("--paid", HEADRACE_JOB_SLOTS="1"):
        events: Events = await jobs.until(lambda found: len(parked(found, range(5), midnight)) == 2)
    assert len(done(events, range(5))) == 3
    waiting = parked(events, range(5), midnight)
    assert {(one.error_class, one.reason, one.step, one.spends_attempt) for one in waiting} == {
        ("over_budget", "over_budget", "work", False)
    }
    assert all(one.due_at <= midnight + timedelta(minutes=10) for one in waiting)
    with jobs.worker("--paid", "--hours-ahead", "24"):
        events = await jobs.until(lambda found: len(done(found, range(5))) == 5)
    again = [events[one.job_id] for one in waiting]
    assert all(jobs.step_runs()[job[0].job_id, "look"] == 1 for job in again), "it goes on at the step that was parked"
    assert len(await jobs.read(AI_INTERACTIONS)) == 5


async def test_two_workers_spend_one_budget(jobs: Jobs) -> None:
    zone, most = zone_at_noon(), dearest()
    limit = 12 * most
    await jobs.apply("acme", timezone=zone, budget=limit)
    tonight = datetime.now(UTC) + timedelta(hours=6)
    numbers = range(2 * limit // COST)
    environment = {"HEADRACE_JOB_SLOTS": "4"}
    with jobs.worker("--paid", instance="0", **environment), jobs.worker("--paid", instance="1", **environment):
        await jobs.receive([jobs.message(-1), jobs.message(-2)])
        await jobs.until_ended(4)
        await jobs.receive(jobs.message(number, "ask") for number in numbers)
        events: Events = await jobs.until(
            lambda found: len(done(found, numbers)) + len(parked(found, numbers, tonight)) == len(numbers)
        )
    calls = [call for call in await jobs.read(AI_INTERACTIONS) if isinstance(call, AiCalled)]
    spent = sum(call.most_micro_usd or 0 if call.cost_micro_usd is None else call.cost_micro_usd for call in calls)
    assert {event.worker for job in events.values() for event in of(JobStarted, job)} == {"0", "1"}
    # A call that was cut off counts with all it may have cost. Each worker stops when its half of the rest is less than
    # a call may cost; one call may be under way unread.
    assert limit - 2 * most <= spent <= limit + most
