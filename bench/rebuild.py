"""How fast projections are built anew from the log, with how much memory; and that nothing is wrong with the rows."""

import subprocess
import time
from typing import Any

import msgspec
import psycopg

from bench.database import Services, services
from bench.failure import BenchmarkFailed
from bench.measures import Values
from bench.place import environment, running
from bench.progress import Say
from bench.replies import EVENTS_OF_A_REPLY, Replies
from bench.topics import write
from bench.usage_watch import UsageWatch
from headrace.events.topics import ENRICHMENTS, JOBS, MESSAGES
from operations.dev.home import PROJECT
from operations.dev.program import Program
from operations.dev.supervisor import console_script
from operations.versions.content_hash import SESSION, ContentHash, content_hash, table_shapes
from operations.versions.rebuild import find_projection

#: What is rebuilt: the projections of messages, jobs and conclusions.
PROJECTIONS = ("leads", "jobs", "enrichments")
WORKERS = 2
_PATIENCE = 600.0


class RebuildSizes(msgspec.Struct, frozen=True, kw_only=True):
    """Replies in the log; each is 30 events."""

    replies: int = 30_000


def measure_rebuild(sizes: RebuildSizes, say: Say) -> Values:
    """Fill the log and rebuild with two workers, then with one, and compare. Raises BenchmarkFailed."""
    with services() as found:
        events = fill(found, sizes.replies, say)
        values = _rebuilt(found, events, WORKERS, say)
        one = _rebuilt(found, events, 1, say)
        _compare(found)
    return values | {
        "rebuild.events_per_s_one_worker": one["rebuild.events_per_s"],
        "rebuild.peak_mb_one_worker": one["rebuild.peak_mb"],
        "rebuild.events": events,
    }


def fill(found: Services, replies: int, say: Say) -> int:
    """Write the log of so many replies. How many events it has."""
    began, source = time.monotonic(), Replies()
    for topic in (MESSAGES, JOBS, ENRICHMENTS):
        write(found.settings, topic, (one for n in range(replies) for of, one in source.of(n) if of is topic))
    events = replies * EVENTS_OF_A_REPLY
    say(f"{events:,} events written in {time.monotonic() - began:.0f} s")
    return events


def headrace_command(found: Services, name: str, *arguments: str) -> Program:
    """A command as a program."""
    argv = (str(console_script()), *arguments)
    return Program(name=name, argv=argv, environment=environment(found.settings), working_directory=PROJECT)


def _rebuilt(found: Services, events: int, workers: int, say: Say) -> dict[str, float]:
    """Rebuild as an operator does: from the command's start, Python's included, to its end."""
    command = ("proj", "rebuild", *PROJECTIONS, "--workers", str(workers), "--execute")
    program = headrace_command(found, f"rebuild-{workers}", *command)
    began = time.monotonic()
    with running(program, found.home) as process, UsageWatch(process.pid, found.postgres_pid) as usage:
        try:
            status = process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            raise BenchmarkFailed(f"the rebuild was not done after {_PATIENCE:.0f} s") from None
        took = time.monotonic() - began
    if status != 0:
        raise BenchmarkFailed(f"the rebuild failed:\n{found.home.log(program.name).read_text()[-1000:]}")
    say(
        f"{workers} worker(s): {events / took:,.0f} events/s, {usage.peak_bytes / 1e6:,.0f} MB; CPU per event "
        f"{1e6 * usage.client_cpu_seconds / events:.1f} µs, Postgres {1e6 * usage.postgres_cpu_seconds / events:.1f} µs"
    )
    return {
        "rebuild.events_per_s": events / took,
        "rebuild.seconds": took,
        "rebuild.peak_mb": usage.peak_bytes / 1e6,
        "rebuild.largest_process_mb": usage.largest_process_bytes / 1e6,
        "rebuild.cpu_us_per_event": 1e6 * usage.client_cpu_seconds / events,
        "rebuild.postgres_cpu_us_per_event": 1e6 * usage.postgres_cpu_seconds / events,
    }


def _compare(found: Services) -> None:
    """What two workers made is what one made: content hashes of the newest two versions of each projection."""
    with psycopg.connect(found.settings.database_url, autocommit=True) as connection:
        connection.execute(SESSION)
        for name in PROJECTIONS:
            older, newer = (_hashes(connection, name, version) for version in (2, 3))
            if older != newer or not any(content.rows for content in newer.values()):
                raise BenchmarkFailed(f"the rows of {name} made by two workers are not those made by one")


def _hashes(connection: "psycopg.Connection[tuple[Any, ...]]", name: str, version: int) -> dict[str, ContentHash]:
    shapes = table_shapes(connection, version, find_projection(name).tables)
    return {table: content_hash(connection, one.rows, list(one.columns)) for table, one in shapes.items()}
