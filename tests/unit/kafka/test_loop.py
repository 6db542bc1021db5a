"""A loop of ours goes on or ends the process, whatever ends it; Mode's own tasks would do neither."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiokafka.errors import KafkaTimeoutError
from mode import Service
from structlog.testing import capture_logs

from headrace.exit_status import START_AGAIN
from headrace.kafka.faust.loop import Loop

ROOT = Path(__file__).parents[3]
PROCESSES = ("headrace", "ingest", "projections", "streams")


class Ended(BaseException):
    """In place of the process."""


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the process would have ended with."""
    statuses: list[int] = []

    def leave(status: int) -> None:
        statuses.append(status)
        raise asyncio.CancelledError

    monkeypatch.setattr(os, "_exit", leave)
    return statuses


class Looping(Loop):
    """Does one thing."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._work = work

    async def run_for_ever(self) -> None:
        await self._work()


async def fail() -> None:
    raise KafkaTimeoutError


async def stop_by_itself() -> None:
    return


async def wait_for_what_is_cancelled() -> None:
    answer = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(answer.cancel)
    await answer


@pytest.mark.parametrize(
    ("work", "reason"),
    [(fail, "KafkaTimeoutError"), (stop_by_itself, "LoopEnded"), (wait_for_what_is_cancelled, "CancelledError")],
)
async def test_a_loop_that_ends_by_itself_ends_the_process_with_its_reason(
    exits: list[int], work: Callable[[], Awaitable[None]], reason: str
) -> None:
    loop = Looping(work)
    with capture_logs() as logs:
        await loop.start()
        while not exits:  # noqa: ASYNC110 - the process would be gone
            await asyncio.sleep(0)
    await loop.stop()
    assert exits == [START_AGAIN]
    assert [(line["event"], line["error_class"]) for line in logs] == [("worker.failed", reason)]


async def test_a_loop_that_is_stopped_ends_nothing(exits: list[int]) -> None:
    began = asyncio.Event()

    async def work() -> None:
        began.set()
        await asyncio.get_running_loop().create_future()

    loop = Looping(work)
    await loop.start()
    await began.wait()
    await loop.stop()
    assert exits == []


async def test_a_task_of_mode_fails_without_anybody_seeing_it(exits: list[int]) -> None:
    """Why the frame has loops of its own. Should Mode learn to do it, they can go."""

    class Beating(Service):
        @Service.task  # type: ignore[untyped-decorator]
        async def _beat(self) -> None:
            await fail()

    service, after = Beating(), Beating()
    await service.start()
    await service.wait_until_stopped()
    assert isinstance(service.crash_reason, KafkaTimeoutError)
    assert exits == []
    await after.start()
    await after.stop()
    await service.stop()


#: Each with why the task can neither be missed nor outlive what waits for it.
WATCHED = {
    "headrace/kafka/faust/vital.py": "this is the mechanism",
    "headrace/kafka/faust/stops.py": "ends the process, after at most LAST_SECONDS",
    "headrace/kafka/faust/serving.py": "start, stop signal and crash: the process ends with the first of them",
    "ingest/app.py": "ended tasks stop the server",
    "headrace/kafka/durability.py": "looks once, and ends",
    "projections/writing/tailer.py": "ended tails begin again at the next look",
}


#: Every way of ours to begin something that goes on by itself.
BEGINS = re.compile(r"create_task\(|ensure_future\(|TaskGroup\(|\bThread\(|add_future\(|@Service\.(task|timer)")


def test_nothing_runs_beside_the_main_loop_that_nobody_watches() -> None:
    sources = (path for package in PROCESSES for path in (ROOT / package).rglob("*.py"))
    assert {str(path.relative_to(ROOT)) for path in sources if BEGINS.search(path.read_text())} == set(WATCHED)
