"""The life of a worker's process: its logs and metrics, a start, the wait for a signal, and an end in bounded time."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import start_http_server

from headrace.kafka.durability import warn_of_thin_topics
from headrace.kafka.faust.stops import depart
from headrace.logs import configure_logs
from headrace.settings import Settings

log = structlog.get_logger()

#: After SIGTERM a worker may finish its batch for this long; what it does not finish is done again.
STOP_SECONDS = 10.0


def open_process(settings: Settings, name: str) -> None:
    """Logs and metrics, before anything else is begun."""
    configure_logs(settings, name)
    warn_of_thin_topics(settings)
    if settings.metrics_port:
        start_http_server(settings.metrics_port, settings.metrics_host)


async def never_crashes() -> BaseException | None:
    """For what ends the process by itself when it fails."""
    await asyncio.Event().wait()
    return None


async def serve(
    start: Callable[[], Awaitable[None]],
    stop: Callable[[], Awaitable[None]],
    crash: Callable[[], Awaitable[BaseException | None]] = never_crashes,
) -> None:
    """Start, and stop at SIGTERM or SIGINT; then the process ends.

    It ends with a non-zero status when the start fails, or once `crash` returns: with the reason, if there is one.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    starting = asyncio.ensure_future(start())
    stopped = asyncio.create_task(stopping.wait())
    crashed = asyncio.ensure_future(crash())
    done, _ = await asyncio.wait({starting, stopped, crashed}, return_when=asyncio.FIRST_COMPLETED)
    if starting in done and not starting.exception():
        log.info("worker.ready")
        done, _ = await asyncio.wait({stopped, crashed}, return_when=asyncio.FIRST_COMPLETED)
    if stopped not in done:
        failure = starting.exception() if starting in done else crashed.result()
        await depart(failure or RuntimeError("Faust gave no reason"))
    log.info("worker.stopping")
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await stop()
    except TimeoutError:
        log.warning("worker.stop_timed_out", seconds=STOP_SECONDS)
    # Faust's threads may outlive its services; everything that matters is committed.
    os._exit(0)
