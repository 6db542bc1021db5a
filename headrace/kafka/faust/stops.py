"""Why a worker ends itself, in words for whoever reads its last log line, and what its supervisor should do."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn

import structlog

from headrace.exit_status import NEEDS_A_PERSON, START_AGAIN
from headrace.refusal import Refusal

log = structlog.get_logger()

LastAct = Callable[[], Awaitable[object]]

#: What this process does before it ends by itself; `atexit` knows nothing of `os._exit`.
_last_acts: list[LastAct] = []
#: Kept, because the event loop does not.
_departures: list[asyncio.Task[None]] = []
#: For all of them together: others wait for the partitions, and whoever supervises for the end.
LAST_SECONDS = 5.0


class Stop(Refusal):
    """The worker must not go on."""

    status = START_AGAIN


class Lost(Stop):
    """A partition is somebody else's, or was."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            f"another worker has written to {topic} since this one got its partitions: this one was stopped or cut off "
            "for too long. What it was about to write is not written; it starts again and reads what the other did"
        )


class PutOut(Stop):
    """The group's coordinator dropped this member."""

    def __init__(self) -> None:
        super().__init__(
            "the consumer group went on without this worker, which was stopped or cut off from Kafka for longer than "
            "its session: others have its partitions. It starts again and joins anew"
        )


class InstanceTwice(Stop):
    """Two processes share one name in their group."""

    status = NEEDS_A_PERSON

    def __init__(self, instance_id: str) -> None:
        super().__init__(
            f"another process has joined the consumer group as instance {instance_id} and has taken this one's place. "
            "Give each process of a worker a HEADRACE_INSTANCE_ID and a data directory of its own"
        )


class Shortened(Stop):
    """A changelog lost its newest records while the worker ran."""

    def __init__(self, topic: str, partition: int) -> None:
        super().__init__(
            f"{topic}[{partition}] ends before records that Kafka had acknowledged: the broker lost the end of it. "
            "The table still has them; the worker starts again and appends it to the changelog"
        )


class ForeignTable(Stop):
    """The files of a table belong to a changelog that is no more."""

    status = NEEDS_A_PERSON

    def __init__(self, topic: str, directory: Path) -> None:
        super().__init__(
            f"the tables in {directory} belong to another topic {topic} than Kafka has: the topics were wiped and the "
            "directory was not. Remove the directory; tables are read back from their changelogs"
        )


def before_leaving(act: LastAct) -> None:
    """Have this done when the process ends by itself, in its event loop, after all that was named before."""
    _last_acts.append(act)


async def do_last_acts() -> None:
    """Do what no other process can do for this one. Who comes second waits for the end, which is near."""
    acts = _last_acts.copy()
    if acts:
        _last_acts[:] = [asyncio.Event().wait]
    try:
        async with asyncio.timeout(LAST_SECONDS):
            for act in acts:
                await act()
    except Exception as error:  # the process ends in any case, and for another reason
        log.warning("worker.last_acts_failed", error_class=type(error).__name__)


async def depart(error: BaseException, **context: object) -> NoReturn:
    """Do the last acts and leave. They may cancel the task that wants to: they are done in one of their own."""
    _departures.append(asyncio.create_task(_depart(error, context)))
    await asyncio.Event().wait()
    raise AssertionError  # nobody sets it: the process ends first


async def _depart(error: BaseException, context: dict[str, object]) -> None:
    await do_last_acts()
    leave(error, **context)


def leave(error: BaseException, **context: object) -> NoReturn:
    """End the process with the error as its last word."""
    if isinstance(error, Stop):
        log.error("worker.ended", error_class=type(error).__name__, hint=str(error), **context)
        os._exit(error.status)
    log.error("worker.failed", error_class=type(error).__name__, exc_info=error, **context)
    os._exit(START_AGAIN)
