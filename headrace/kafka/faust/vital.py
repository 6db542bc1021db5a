"""Background tasks a worker can't do without: one that fails ends the process, which its supervisor starts again."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from headrace.kafka.faust.stops import depart


def vital(work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[None]:
    """Start it. Whoever started it keeps the task, and cancels it at the end."""
    return asyncio.create_task(guarded(work, name), name=name)


async def guarded(work: Coroutine[Any, Any, Any], name: str) -> None:
    """Do it here and now, and end the process when it fails."""
    try:
        await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Nobody cancelled this task: what it waited for was cancelled, in another thread perhaps.
        await depart(error, task=name)
    except Exception as error:
        await depart(error, task=name)
