"""Has strangers' texts read in processes beside the worker: one that takes too long ends its reader, and nobody waits.

Own code, because a call of Pebble, the kept library for this, costs the worker 0.24 to 0.42 ms, several times a
webhook, and counts the wall's time; this takes 0.07 ms (measured), and counts the processor's.
"""

import asyncio
import multiprocessing
import pickle
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import structlog

from headrace.kafka.faust.service import Service
from headrace.settings import Settings
from streams.ai.reading import Read, Unreadable
from streams.jobs.reading_process import LENGTH, serve

log = structlog.get_logger()

T = TypeVar("T")
#: A reader that died, or fell silent, may have met with an accident: another one gets the text once more.
_TRIES = 2
#: How much longer than its time on the processor a reading may last before its reader counts as stuck.
_PATIENCE = 15


class ReadingFailed(Exception):
    """Reading raised an error, which is a bug; its class is all that is told."""


class ReadingPool(Service):
    """Readers are started when first needed. Of several, no workspace keeps all busy."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._cpu_seconds = settings.reading_seconds
        self._free = asyncio.Semaphore(settings.reading_processes)
        self._share = settings.reading_processes - 1
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._idle: list[_Reader] = []
        self._readers: set[_Reader] = set()

    def of(self, workspace: str) -> Read:
        """The reader of one workspace's words."""
        return partial(self._read, workspace)

    async def on_stop(self) -> None:
        """End all readers."""
        for reader in self._readers:
            reader.end()
        self._readers.clear()
        self._idle.clear()

    async def _read(self, workspace: str, function: Callable[..., T], /, *arguments: object) -> T:
        share = self._shares.setdefault(workspace, asyncio.Semaphore(self._share))
        async with share, self._free:
            for _ in range(_TRIES):
                try:
                    succeeded, value = await self._answer(function, arguments)
                except _ReaderLost as lost:
                    log.warning("reading.reader_lost", function=function.__name__, exit_code=lost.exit_code)
                    if lost.exit_code == -signal.SIGPROF:
                        break
                    continue
                if not succeeded:
                    raise ReadingFailed(value)
                return value  # type: ignore[no-any-return]
        raise Unreadable

    async def _answer(self, function: Callable[..., Any], arguments: tuple[object, ...]) -> tuple[bool, Any]:
        reader = self._idle.pop() if self._idle else await self._begin()
        try:
            async with asyncio.timeout(_PATIENCE * self._cpu_seconds):
                answer = await reader.answer(function, arguments)
        except (EOFError, OSError, TimeoutError) as error:
            raise _ReaderLost(await self._end(reader)) from error
        except BaseException:
            # Whoever asked is gone; the answer must not be taken for that to the next question.
            await self._end(reader)
            raise
        self._idle.append(reader)
        return answer

    async def _begin(self) -> "_Reader":
        reader = await _start_reader(self._cpu_seconds)
        self._readers.add(reader)
        return reader

    async def _end(self, reader: "_Reader") -> int | None:
        self._readers.discard(reader)
        reader.end()
        return await asyncio.shield(asyncio.to_thread(reader.wait))


class _ReaderLost(Exception):
    def __init__(self, exit_code: int | None) -> None:
        super().__init__()
        self.exit_code = exit_code


class _Reader:
    """One process and the line to it."""

    def __init__(self, process: BaseProcess, answers: asyncio.StreamReader, requests: asyncio.StreamWriter) -> None:
        self._process = process
        self._answers = answers
        self._requests = requests

    async def answer(self, function: Callable[..., Any], arguments: tuple[object, ...]) -> tuple[bool, Any]:
        """What came of the call. Raises EOFError or OSError when the process dies over it."""
        self._requests.write(pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL))
        await self._requests.drain()
        (length,) = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))
        answer: tuple[bool, Any] = pickle.loads(await self._answers.readexactly(length))  # noqa: S301 - our own process
        return answer

    def end(self) -> None:
        """Now, whatever it does."""
        self._requests.close()
        self._process.kill()

    def wait(self) -> int | None:
        """Until it has ended. Returns its exit code."""
        self._process.join()
        return self._process.exitcode


async def _start_reader(cpu_seconds: float) -> _Reader:
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.to_thread(_start_process, theirs, cpu_seconds)
    answers, requests = await asyncio.open_unix_connection(sock=ours)
    return _Reader(process, answers, requests)


def _start_process(connection: socket.socket, cpu_seconds: float) -> BaseProcess:
    """Forked from a process that has loaded what readers need, which also ends when this one does."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([serve.__module__])
    process = context.Process(target=serve, args=(connection, cpu_seconds), name="reader", daemon=True)
    with _without_main_module():
        process.start()
    return process


@contextmanager
def _without_main_module() -> Iterator[None]:
    """A new process would run the program's main module again, and load all that the worker has loaded."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
