"""A projections worker of a program whose tables are not live yet, or not any more.

The workers of the other program share the consumer group, and take the partitions. This one stays out of it: whatever
it took, nobody would write into the live tables. It keeps the versions up to date that only it can write, from where
they are, and so a new version is complete before it is promoted, and the old one stays a way back.
"""

import asyncio

import psycopg
import structlog
from tenacity import Retrying

from headrace.kafka.faust.serving import open_process, serve
from headrace.settings import Settings
from projections.connection import libpq_url
from projections.versions import foreign, versions
from projections.writing.tailer import VersionTailer
from projections.writing.waiting import is_postgres_away, waiting_for_postgres

log = structlog.get_logger()


def written_elsewhere(settings: Settings) -> frozenset[str]:
    """The projections whose live tables this program does not declare. Waits while Postgres is away."""
    retrying = Retrying(**waiting_for_postgres(is_postgres_away))
    names: frozenset[str] = retrying(lambda: _live_of_others(settings))
    return names


class BesideWorker:
    """Follows the versions of these projections that this program can write, alone."""

    def __init__(self, settings: Settings, projections: frozenset[str]) -> None:
        self._settings = settings
        self._projections = projections
        self._tailer = VersionTailer(settings, dict, alone=projections)

    def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        open_process(self._settings, "projections")
        asyncio.run(serve(self._start, self._tailer.stop))

    async def _start(self) -> None:
        await self._tailer.start()
        log.warning(
            "worker.beside",
            projections=sorted(self._projections),
            hint="the live tables are another program's, whose workers have to go on; this one writes its own versions "
            "alone. Build one with `headrace proj rebuild`, promote it, then start the workers of this program again",
        )


def _live_of_others(settings: Settings) -> frozenset[str]:
    try:
        with psycopg.connect(libpq_url(settings.database_url), autocommit=True, connect_timeout=5) as connection:
            return foreign(versions(connection), ("live",))
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        # Not migrated: the agents say so.
        return frozenset()
