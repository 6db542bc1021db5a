"""Reads the log into a rebuild's stage, in this process or in several that share the partitions out.

A reader outlives nobody: it looks before each chunk whether the process that started it is still there, and whoever
goes on with the run waits until the last one is gone. What two of them read is sorted out by the stage's progress.
"""

import gc
import multiprocessing
import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Self

import psycopg

from headrace.kafka.clients import KafkaUnreachable
from headrace.kafka.log_records import read_chunks
from headrace.kafka.offsets import OffsetRange, Partition
from headrace.settings import Settings
from operations.runs.progress_lines import TELL_SECONDS, ProgressLines, Say
from operations.runs.runs import ActiveRun
from operations.versions.rebuild import RebuildPlan, find_projection
from operations.versions.stage import RebuildStopped, Stage
from projections.connection import libpq_url

#: Records of one chunk: bounds memory, and what a resumed run does again.
CHUNK = 3000
#: Seconds to wait for the readers of a process that was killed.
_ORPHAN_SECONDS = 30
#: The advisory lock of a stage: shared by its readers.
_KEY = b"hashtextextended('headrace stage ' || %s, 0)"

Ranges = Mapping[Partition, OffsetRange]


class Readers:
    """So many processes that read whatever they are given, for as long as a run goes on. One is this process itself."""

    def __init__(self, settings: Settings, count: int) -> None:
        self._settings = settings
        self._count = count
        self._processes: dict[Pipe, SpawnProcess] = {}

    def __enter__(self) -> Self:
        spawn = multiprocessing.get_context("spawn")
        for _ in range(self._count if self._count > 1 else 0):
            ours, theirs = spawn.Pipe()
            # A daemon ends with a parent that ends well; one whose parent is killed finds out by itself.
            process = spawn.Process(target=_serve, args=(self._settings, theirs, os.getpid()), daemon=True)
            process.start()
            theirs.close()
            self._processes[ours] = process
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the processes, whatever they are at."""
        for process in self._processes.values():
            process.terminate()
            process.join()

    def read(
        self, connection: psycopg.Connection[Any], run: ActiveRun, stage: Stage, plan: RebuildPlan, say: Say
    ) -> None:
        """Read what the stage lacks. Raises RebuildStopped, RunCancelled, KafkaUnreachable or psycopg.Error."""
        left = _left(connection, stage, plan.log_ranges)
        done = plan.events - _records(left)
        run.progress("read", projection=plan.projection, events=done)
        told = ProgressLines(plan.projection, plan.events, say, already=done)
        if self._processes:
            self._read_in_processes(connection, run, stage, plan, told)
        else:
            with closing(_fill(self._settings, stage, left, plan.live_version)) as counts:
                for count in counts:
                    done += count
                    if told.done(done):
                        run.progress("read", events=done)
        run.progress("read", events=plan.events)

    def _read_in_processes(
        self,
        connection: psycopg.Connection[Any],
        run: ActiveRun,
        stage: Stage,
        plan: RebuildPlan,
        told: ProgressLines,
    ) -> None:
        shares = _shares(_left(connection, stage, plan.log_ranges), len(self._processes))
        working = dict(self._processes)
        for pipe, share in zip(working, shares, strict=True):
            pipe.send((stage.projection.name, stage.version, share, plan.live_version))
        while working:
            # An ended process counts as something to be received: the end of its pipe.
            ready = wait(list(working), timeout=TELL_SECONDS)
            for pipe in [one for one in working if one in ready]:
                _check(pipe, working.pop(pipe))
            done = plan.events - _records(_left(connection, stage, plan.log_ranges))
            if told.done(done):
                run.progress("read", events=done)


def wait_for_orphans(connection: psycopg.Connection[Any], stage: Stage) -> None:
    """Wait until nobody reads into the stage any more. Raises RebuildStopped when somebody goes on for long."""
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{_ORPHAN_SECONDS}s'".encode())
            connection.execute(b"SELECT pg_advisory_xact_lock(" + _KEY + b")", [stage.schema])
    except psycopg.errors.LockNotAvailable:
        raise RebuildStopped(
            f"A process that reads into {stage.schema} has outlived its run for {_ORPHAN_SECONDS} s: look for "
            "headrace-rebuild in pg_stat_activity, end it, then resume."
        ) from None


def connected(settings: Settings) -> psycopg.Connection[Any]:
    """A session for a part of a rebuild."""
    return psycopg.connect(
        libpq_url(settings.database_url), autocommit=True, connect_timeout=5, application_name="headrace-rebuild"
    )


def _left(connection: psycopg.Connection[Any], stage: Stage, ranges: Ranges) -> dict[Partition, OffsetRange]:
    done = stage.progress(connection)
    return {place: OffsetRange(done[place], found.end) for place, found in ranges.items() if done[place] < found.end}


def _records(ranges: Ranges) -> int:
    return sum(found.count for found in ranges.values())


def _shares(left: Ranges, workers: int) -> list[dict[Partition, OffsetRange]]:
    """The partitions for each worker, the largest ones first."""
    places = sorted(left, key=lambda place: left[place].start - left[place].end)
    return [{place: left[place] for place in places[number::workers]} for number in range(workers)]


def _check(pipe: Pipe, process: SpawnProcess) -> None:
    """Take what the reader says when it is through. Raises RebuildStopped when it could not finish."""
    try:
        reason = pipe.recv()
    except EOFError:
        process.join()
        reason = f"exit status {process.exitcode}"
    if reason:
        raise RebuildStopped(f"A process that reads the log ended before its time ({reason}). Resume the run.")


def _serve(settings: Settings, pipe: Pipe, parent: int) -> None:
    """A reader's whole life: one share after the other; says nothing of each, or why it failed."""
    while True:
        try:
            name, version, ranges, live = pipe.recv()
        except EOFError:
            return
        try:
            for _ in _fill(settings, Stage(find_projection(name), version), ranges, live):
                if os.getppid() != parent:
                    return
        except (RebuildStopped, KafkaUnreachable) as error:
            pipe.send(str(error))
        except psycopg.Error as error:
            # Postgres quotes values.
            pipe.send(f"{type(error).__name__}, SQLSTATE {error.sqlstate or 'unknown'}")
        else:
            pipe.send("")


def _fill(settings: Settings, stage: Stage, ranges: Ranges, live: int) -> Generator[int, None, None]:
    """Reads the ranges into the stage. Yields the number of records after each chunk."""
    with connected(settings) as connection, _no_collections():
        connection.execute(b"SELECT pg_advisory_lock_shared(" + _KEY + b")", [stage.schema])
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET timezone = 'UTC'")
        dead = {
            (topic, partition, offset): error
            for topic, partition, offset, error in connection.execute(
                'SELECT topic, partition, "offset", error_class FROM ctl.dead_letters '
                "WHERE projection = %s AND version = %s",
                [stage.projection.name, live],
            )
        }
        for chunk in read_chunks(settings, ranges, CHUNK):
            stage.write(connection, chunk, dead)
            yield len(chunk)


@contextmanager
def _no_collections() -> Iterator[None]:
    """Records and rows form no cycles, and looking for some takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
