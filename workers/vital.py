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
    except Exception as error:
        log.exception("worker.task_failed", task=name, error_class=type(error).__name__)
        os._exit(START_AGAIN)
