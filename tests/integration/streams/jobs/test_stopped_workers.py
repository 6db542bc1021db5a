"""A jobs worker that is stopped for longer than its session and goes on: it does nothing more for jobs that moved."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from headrace.events.ai import AiCalled
from headrace.events.topics import AI_INTERACTIONS
from headrace.exit_status import START_AGAIN
from tests.integration.streams.jobs.job_checks import (
    Events,
    check_each_ended_once,
    check_no_finished_step_was_repeated,
    workers,
)

Jobs = Any
#: One model call in the step `work` of each job, which takes longer than a worker may be stopped unnoticed.
_SLOW = ("--paid", "--model-seconds", "20", "--deadline", "90")
#: The group gives up on a silent member after ten.
STOPPED_SECONDS = 15.0


@pytest.mark.timeout(300)
async def test_jobs_of_a_stopped_worker_move_on_and_come_back(jobs: Jobs) -> None:
    await jobs.apply("acme")
    count = 600
    await jobs.receive(jobs.message(number, "sleep 0.2") for number in range(count))
    with jobs.worker(instance="0", HEADRACE_JOB_SLOTS="10"):
        await jobs.until_ended(20)
        with jobs.worker(instance="1", HEADRACE_JOB_SLOTS="10") as second:
            await jobs.until(lambda found: len(workers(found)) == 2)
            ended = sum(
                any(type(event).__name__ == "JobSucceeded" for event in job) for job in (await jobs.events()).values()
            )
            second.send_signal(signal.SIGSTOP)
            await asyncio.sleep(STOPPED_SECONDS)
            # The other one has taken over and goes on alone.
            await jobs.until_ended(min(2 * count, ended + 100))
            second.send_signal(signal.SIGCONT)
            assert await asyncio.to_thread(second.wait, 30) == START_AGAIN
        with jobs.worker(instance="1", HEADRACE_JOB_SLOTS="10"):
            events: Events = await jobs.until_ended(2 * count, deadline=180)
    check_each_ended_once(events, 2 * count)
    check_no_finished_step_was_repeated(events)


@pytest.mark.timeout(300)
async def test_a_worker_that_was_put_out_writes_down_the_calls_it_had_made(jobs: Jobs) -> None:
    await jobs.apply("acme")
    await jobs.receive(jobs.message(number, "ask") for number in range(10))
    with jobs.worker(*_SLOW) as worker:
        await _until(lambda: _asked(jobs) == 10)
        worker.send_signal(signal.SIGSTOP)
        await asyncio.sleep(STOPPED_SECONDS)
        worker.send_signal(signal.SIGCONT)
        assert await asyncio.to_thread(worker.wait, 30) == START_AGAIN
    calls = [call for call in await jobs.read(AI_INTERACTIONS) if isinstance(call, AiCalled)]
    assert [call.status for call in calls] == ["cancelled"] * 10
    assert set(Counter(call.job_id for call in calls).values()) == {1}


def _asked(jobs: Jobs) -> int:
    return sum(count for (_, step), count in jobs.step_runs().items() if step == "work")


async def _until(is_true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.1)
