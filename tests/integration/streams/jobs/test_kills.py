"""Workers killed and rebalanced under load: each job ends once, no finished step is repeated, none begins too early."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from headrace.events.ai import AiCalled
from headrace.events.jobs import JobDied, JobEvent, JobRequested, JobStarted, JobStepFinished
from headrace.events.topics import AI_INTERACTIONS, ENRICHMENTS
from streams.jobs.types import JOB_TYPES
from tests.integration.streams.jobs.job_checks import (
    Events,
    check_each_ended_once,
    check_no_finished_step_was_repeated,
    workers,
)

Jobs = Any


#: The product's steps, in the order in which a message meets them; the last one is the scoring job's.
STEPS = [step.name for name in ("SMS_INBOUND_POST_PROCESS", "LEAD_SCORING_POST_PROCESS") for step in JOB_TYPES[name]]
#: Steps that ask a model here, with their calls: two of the decision, whose label is read a second time.
PAID = {"classify": 1, "draft": 1, "decide_reply": 2, "score": 1}
KILLED_PROGRAM = Path(__file__).with_name("killed_program.py")
TIERS = ",".join(["0.2"] * 2 * len(STEPS))


@pytest.mark.timeout(300)
async def test_kill_9_between_every_two_steps_and_while_an_answer_is_in_flight(jobs: Jobs) -> None:
    """The product's own steps: none is lost, none that finished is run or paid for again."""
    kills = [f"{step} before" for step in STEPS] + [f"{step} after" for step in ("classify", "draft")]
    plan, done = jobs.directory / "kills", jobs.directory / "kills-done"
    plan.write_text("\n".join(kills))
    await jobs.apply("acme", mode="AI_AUTO_SEND")
    await jobs.receive([jobs.message(1, "Sounds good, tell me more")])
    files = ("--kills", str(plan), "--kills-done", str(done), "--journal", str(jobs.journal))
    with jobs.program(sys.executable, str(KILLED_PROGRAM), *files, HEADRACE_RETRY_TIERS=TIERS):
        events: Events = await jobs.until_ended(2, deadline=240)
    assert sorted(done.read_text().splitlines()) == sorted(kills)
    check_each_ended_once(events, 2)
    assert not [event for job in events.values() for event in job if isinstance(event, JobDied)]
    finished = Counter(event.step for job in events.values() for event in job if isinstance(event, JobStepFinished))
    assert finished == Counter(STEPS)
    runs = Counter(step for (_, step), count in jobs.step_runs().items() for _ in range(count))
    assert runs == Counter(STEPS) + Counter(["classify", "draft"]), "only what was in flight is run again"
    paid = Counter(call.step for call in await jobs.read(AI_INTERACTIONS) if isinstance(call, AiCalled))
    assert paid == PAID
    assert {event.step for event in await jobs.read(ENRICHMENTS)} == set(STEPS)


async def test_kill_9_under_load(jobs: Jobs) -> None:
    workspaces = [f"w{number}" for number in range(5)]
    await jobs.apply(*workspaces)
    count = 1_500
    texts = ["sleep 0.01", "sleep 0.02;fail 1", "sleep 0.05", "", "end", "sleep 0.01", "sleep 0.03"]
    await jobs.receive(
        jobs.message(number, texts[number % 7], workspace=workspaces[number % 5]) for number in range(count)
    )
    ended = 0
    for _ in range(4):
        with jobs.worker(HEADRACE_RETRY_TIERS="0.3,0.3,0.3,0.3,0.3,0.3,0.3,0.3") as process:
            ended = min(2 * count, ended + 350)
            await jobs.until_ended(ended)
            process.kill()
            process.wait()
    with jobs.worker(HEADRACE_RETRY_TIERS="0.3,0.3,0.3,0.3,0.3,0.3,0.3,0.3"):
        await jobs.until_ended(2 * count, deadline=120)
        await jobs.until_all_is_read()
        events: Events = await jobs.events()
    check_each_ended_once(events, 2 * count)
    check_no_finished_step_was_repeated(events)
    # What was running at a kill began again, and nothing else did.
    again = sum(runs - 1 for (_, step), runs in jobs.step_runs().items() if step in ("look", "note"))
    assert again <= 4 * 200


async def test_two_workers_share_and_a_third_of_the_way_one_dies(jobs: Jobs) -> None:
    await jobs.apply("acme")
    count = 800
    await jobs.receive(jobs.message(number, "sleep 0.05") for number in range(count))
    with jobs.worker(instance="0", HEADRACE_JOB_SLOTS="20"):
        await jobs.until_ended(50)
        with jobs.worker(instance="1", HEADRACE_JOB_SLOTS="20") as second:
            events: Events = await jobs.until(lambda found: len(workers(found)) == 2)
            await jobs.until_ended(count // 2)
            second.kill()
            second.wait()
        events = await jobs.until_ended(2 * count, deadline=120)
    assert workers(events) == {"0", "1"}
    check_each_ended_once(events, 2 * count)
    check_no_finished_step_was_repeated(events)


async def test_sigterm_hands_running_jobs_back_without_spending_their_attempts(jobs: Jobs) -> None:
    await jobs.apply("acme")
    await jobs.receive(jobs.message(number, "sleep 1.5") for number in range(10))
    with jobs.worker() as process:
        await jobs.until(lambda found: sum(len(starts(job)) for job in found.values()) >= 10)
        process.terminate()
        assert process.wait(timeout=30) == 0
    handed_back: Events = await jobs.events()
    assert all(
        type(job[-1]).__name__ == "JobRetryScheduled" and not job[-1].spends_attempt  # type: ignore[attr-defined]
        for job in handed_back.values()
    )
    with jobs.worker():
        events: Events = await jobs.until_ended(20)
    check_each_ended_once(events, 20)
    check_no_finished_step_was_repeated(events)


def starts(job: list[JobEvent]) -> list[JobEvent]:
    return [event for event in job if isinstance(event, JobStarted)]


async def test_nothing_runs_before_the_log_is_read_to_its_end(jobs: Jobs) -> None:
    """Success lies behind a long backlog: a worker that began earlier would do it all again."""
    await jobs.apply("acme")
    count = 1_000
    await jobs.receive(jobs.message(number) for number in range(count))
    with jobs.worker():
        done: Events = await jobs.until_ended(2 * count)
    before = jobs.step_runs()
    # A new group with empty tables reads the whole log again, requests first.
    with jobs.worker("--app", "jobs-reader"):
        await jobs.receive([jobs.message(count)])
        events: Events = await jobs.until_ended(2 * count + 2)
    assert sum(jobs.step_runs().values()) - sum(before.values()) == 4
    assert {id_: job for id_, job in events.items() if id_ in done and len(starts(job)) > 1} == {}


async def test_twenty_thousand_jobs_of_one_workspace_do_not_delay_another(jobs: Jobs) -> None:
    await jobs.apply("hot", "cold")
    await jobs.receive(jobs.message(number, "sleep 0.2", workspace="hot") for number in range(20_000))
    with jobs.worker(HEADRACE_JOB_SLOTS="20", HEADRACE_JOB_WORKSPACE_SLOTS="15"):
        await jobs.until_ended(50, deadline=90)
        await jobs.receive(jobs.message(100_000 + number, "sleep 0.2", workspace="cold") for number in range(10))
        events: Events = await jobs.until(lambda found: len(cold(found)) == 20, deadline=90)
    begun: list[tuple[Any, str]] = sorted(
        (event.at, event.workspace) for job in events.values() for event in job if isinstance(event, JobStarted)
    )
    requested_at = max(
        event.at
        for job in events.values()
        for event in job
        if isinstance(event, JobRequested) and event.workspace == "cold" and event.type.startswith("LEAD")
    )
    first = next(place for place, (_, workspace) in enumerate(begun) if workspace == "cold")
    of_cold = [place for place, (at, workspace) in enumerate(begun) if workspace == "cold" and at < requested_at]
    # Ten jobs of the cold workspace begin among at most as many of the hot one, twenty thousand of which were due.
    assert of_cold[9] - first <= 40


def cold(events: Events) -> list[str]:
    return [
        job_id
        for job_id, job in events.items()
        if job[0].workspace == "cold" and any(type(event).__name__ == "JobSucceeded" for event in job)
    ]
