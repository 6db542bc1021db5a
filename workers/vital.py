"""Background tasks a worker can't do without: one that fails ends the process, which its supervisor starts again."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any

import structlog

from runtime.exit_status import START_AGAIN

log = structlog.get_logger()


def vital(work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[None]:
    """Start it. Whoever started it keeps the task, and cancels it at the end."""
    return asyncio.create_task(_guarded(work, name), name=name)


async def _guarded(work: Coroutine[Any, Any, Any], name: str) -> None:
    try:
        await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Nobody cancelled this task: what it waited for was cancelled, in another thread perhaps.
        _end_process(name, error)
    except Exception as error:
        _end_process(name, error)


def _end_process(name: str, error: BaseException) -> None:
    log.error("worker.task_failed", task=name, error_class=type(error).__name__, exc_info=error)
    os._exit(START_AGAIN)
