"""A projections worker of a program whose tables are not live yet, or not any more.

The workers of the other program share the consumer group, and take the partitions. This one stays out of it: whatever
it took, nobody would write into the live tables. It keeps the versions up to date that only it can write, from where
they are, and so a new version is complete before it is promoted, and the old one stays a way back.
"""

import asyncio
import os
import signal
import time

import psycopg
import structlog
from prometheus_client import start_http_server
from tenacity import Retrying, retry_if_exception, wait_random_exponential

from headrace.kafka.durability import warn_of_thin_topics
from headrace.kafka.faust.worker import STOP_SECONDS
from headrace.logs import configure_logs
from headrace.settings import Settings
from projections.connection import libpq_url
from projections.versions import foreign, versions
from projections.writing.tailer import VersionTailer
from projections.writing.waiting import LONGEST_PAUSE, OutageLog, is_postgres_away

log = structlog.get_logger()


def written_elsewhere(settings: Settings) -> frozenset[str]:
    """The projections whose live tables this program does not declare. Waits while Postgres is away."""
    retrying = Retrying(
        retry=retry_if_exception(is_postgres_away),
        wait=wait_random_exponential(multiplier=0.2, max=LONGEST_PAUSE),
        before_sleep=OutageLog(time.monotonic),
        reraise=True,
    )
    found: frozenset[str] = retrying(lambda: _live_of_others(settings))
    return found


class BesideWorker:
    """Follows the versions of these projections that this program can write, alone."""

    def __init__(self, settings: Settings, projections: frozenset[str]) -> None:
        self._settings = settings
        self._projections = projections
        self._tailer = VersionTailer(settings, dict, alone=projections)

    def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        configure_logs(self._settings, "projections")
        warn_of_thin_topics(self._settings)
        if self._settings.metrics_port:
            start_http_server(self._settings.metrics_port, self._settings.metrics_host)
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        await self._tailer.start()
        log.warning(
            "worker.beside",
            projections=sorted(self._projections),
            hint="the live tables are another program's, whose workers have to go on; this one writes its own versions "
            "alone. Build one with `headrace proj rebuild`, promote it, then start the workers of this program again",
        )
        log.info("worker.ready")
        await stopping.wait()
        log.info("worker.stopping")
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._tailer.stop()
        except TimeoutError:
            log.warning("worker.stop_timed_out", seconds=STOP_SECONDS)
        os._exit(0)


def _live_of_others(settings: Settings) -> frozenset[str]:
    try:
        with psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=5) as connection:
            return foreign(versions(connection), ("live",))
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        # Not migrated: the agents say so.
        return frozenset()
