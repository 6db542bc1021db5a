"""Folds a rebuild's stage into the version's tables: several tables at once, each in a transaction of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Event
from typing import Any

import psycopg
from sqlalchemy import Table

from headrace.settings import Settings
from operations.runs.progress_lines import TELL_SECONDS, Say
from operations.versions.rebuild_read import connected
from operations.versions.stage import Stage

#: Seconds between two looks whether the fold is still wanted.
_LOOK_SECONDS = 0.5


class Folding:
    """A fold in the background: the log of the next projection can be read meanwhile."""

    def __init__(self, settings: Settings, stage: Stage, workers: int, say: Say) -> None:
        self._stop = Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fold")
        self._rows = self._thread.submit(_fold_tables, settings, stage, workers, say, self._stop)

    def result(self, tick: Callable[[], None]) -> dict[str, int]:
        """Wait for the rows of each table; `tick` is called every two seconds and may raise. Raises psycopg.Error."""
        tick()
        while not wait([self._rows], TELL_SECONDS).done:
            tick()
        return self._rows.result()

    def end(self) -> None:
        """Give it up, unless it is done already: no session of it goes on afterwards."""
        self._stop.set()
        self._thread.shutdown()


class _NotWanted(Exception):
    """The fold was given up."""


def _fold_tables(settings: Settings, stage: Stage, workers: int, say: Say, stop: Event) -> dict[str, int]:
    """All tables that are not folded yet."""
    rows: dict[str, int] = {}
    with _sessions(settings, workers) as sessions, ThreadPoolExecutor(workers) as threads:
        idle, waiting = list(sessions), stage.by_size(sessions[0])
        running: dict[Future[int], tuple[Table, psycopg.Connection[Any]]] = {}
        try:
            while waiting or running:
                while waiting and idle:
                    table, session = waiting.pop(0), idle.pop()
                    running[threads.submit(stage.fold, session, table)] = table, session
                for future in wait(running, _LOOK_SECONDS, FIRST_COMPLETED).done:
                    table, session = running.pop(future)
                    rows[table.name] = future.result()
                    idle.append(session)
                    say(f"{stage.projection.name}: {table.name} has {rows[table.name]:,} rows")
                _check_wanted(stop)
        except BaseException:
            for _, session in running.values():
                session.cancel_safe(timeout=5)
            raise
    return rows


def _check_wanted(stop: Event) -> None:
    if stop.is_set():
        raise _NotWanted


@contextmanager
def _sessions(settings: Settings, count: int) -> Iterator[list[psycopg.Connection[Any]]]:
    sessions: list[psycopg.Connection[Any]] = []
    try:
        sessions += [connected(settings) for _ in range(count)]
        yield sessions
    finally:
        for session in sessions:
            session.close()
