"""Leaves in Postgres what the workers before the rows have not read: a worker that hangs can't tell it of itself.

Every projections worker does it. What one of them wrote last holds, and all of them see the same broker.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog
from psycopg import AsyncCursor

from headrace.kafka.backlogs import Backlog, log_backlogs
from headrace.kafka.faust.loop import Loop
from headrace.kafka.log_offsets import LogOffsets
from headrace.settings import Settings
from projections.connection import Connection, connector
from projections.named_sql import NamedSql

log = structlog.get_logger()

_SQL = NamedSql(__file__)
#: Well below the minute after which the view says that nobody has looked.
LOOK_SECONDS = 15.0


class StageWatch(Loop):
    """Looks again and again. It is a companion: what keeps it from looking is told, and ends nothing."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._connect = connector(settings.database_url, "headrace-stages")
        self._connection: Connection | None = None

    async def run_for_ever(self) -> None:
        """Until cancelled."""
        log_offsets = LogOffsets(self._settings)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                found = await asyncio.to_thread(log_backlogs, self._settings, log_offsets)
                await self._leave(found)
            except Exception as error:  # the agents say what is away, and the view that nobody has looked
                log.warning("stages.not_seen", error_class=type(error).__name__)
                await self._disconnect()

    async def on_stop(self) -> None:
        """Stop looking."""
        await super().on_stop()
        await self._disconnect()

    async def _leave(self, found: Iterable[Backlog]) -> None:
        if self._connection is None:
            self._connection = await self._connect()
        async with self._connection.cursor() as cursor:
            await leave_backlogs(cursor, found)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


async def leave_backlogs(cursor: AsyncCursor[Any], found: Iterable[Backlog]) -> None:
    """What each stage has before it, for `analytics.oldest_unprocessed`. Raises psycopg.Error."""
    ordered = sorted(found, key=lambda one: one.stage.name)
    columns = [[one.stage.name for one in ordered], [one.unread for one in ordered], [one.oldest_at for one in ordered]]
    await cursor.execute(_SQL["leave"], columns)
