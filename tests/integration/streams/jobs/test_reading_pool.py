"""Readers on real processes: a text that takes too long ends its reader alone, and all end with their worker."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from headrace.settings import Settings
from streams.ai.reading import Unreadable
from streams.jobs.reading_pool import ReadingFailed, ReadingPool
from tests.integration.streams.jobs.hostile_reading import (
    end_the_process,
    end_the_process_once,
    fail,
    process_id,
    stall,
)

ROOT = Path(__file__).parents[4]
#: Of the processor: long enough to load what a function needs, when the machine is busy.
SECONDS = 0.5


@pytest.fixture
async def pool() -> AsyncIterator[ReadingPool]:
    readers = ReadingPool(Settings(reading_processes=3, reading_seconds=SECONDS))
    yield readers
    await readers.on_stop()


async def test_what_is_read_comes_back(pool: ReadingPool) -> None:
    read = pool.of("acme")
    assert await read(str.upper, "yes") == "YES"
    reader = await read(process_id)
    assert reader != os.getpid()
    assert await read(process_id) == reader, "a reader reads one text after the other"


async def test_a_stalled_reading_ends_alone(pool: ReadingPool) -> None:
    stalled = [asyncio.create_task(pool.of("hostile")(stall, "x")) for _ in range(4)]
    await asyncio.sleep(0)
    assert [await pool.of("acme")(str.upper, word) for word in ("a", "b", "c")] == ["A", "B", "C"]
    assert not any(task.done() for task in stalled), "others were read while it stood"
    results = await asyncio.gather(*stalled, return_exceptions=True)
    assert [type(result) for result in results] == [Unreadable] * 4
    assert await pool.of("hostile")(str.upper, "yes") == "YES"


async def test_a_reader_that_dies_by_accident_is_replaced(pool: ReadingPool, tmp_path: Path) -> None:
    mark = str(tmp_path / "died")
    assert await pool.of("acme")(end_the_process_once, mark) == mark
    with pytest.raises(Unreadable):
        await pool.of("acme")(end_the_process, "x")


async def test_an_error_is_told_by_its_class(pool: ReadingPool) -> None:
    with pytest.raises(ReadingFailed, match=r"^KeyError$"):
        await pool.of("acme")(fail, "the lead's words")
    assert await pool.of("acme")(str.upper, "yes") == "YES"


async def test_an_answer_nobody_waits_for_any_more_is_nobodys(pool: ReadingPool) -> None:
    given_up = asyncio.create_task(pool.of("acme")(stall, "x"))
    await asyncio.sleep(0.05)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert await pool.of("acme")(str.upper, "yes") == "YES"


#: Has one reader idle and one stalled when it is killed, and names all processes below it.
_KILLED_WORKER = f"""
import asyncio, os, signal, psutil
from headrace.settings import Settings
from streams.jobs.reading_pool import ReadingPool
from tests.integration.streams.jobs.hostile_reading import process_id, stall

async def main():
    pool = ReadingPool(Settings(reading_processes=3, reading_seconds={SECONDS}))
    idle = await pool.of("acme")(process_id)
    first = psutil.Process().children(recursive=True)
    stalled = [asyncio.create_task(pool.of("other")(stall, "x")) for _ in range(2)]
    while len(below := psutil.Process().children(recursive=True)) == len(first):
        await asyncio.sleep(0.01)
    print(*(process.pid for process in below), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_readers_end_with_their_worker_even_when_it_is_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = (sys.executable, "-c", _KILLED_WORKER)
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL
    below = [int(pid) for pid in done.stdout.split()]
    assert len(below) >= 3, "two readers, and what they were forked from"
    for process in _processes(below):
        process.wait(timeout=60)


def _processes(pids: list[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            yield psutil.Process(pid)
