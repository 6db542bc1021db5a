"""How long readers are held up while versions change over under an analyst's long query, and what they see of it."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg

from bench.database import Services, services
from bench.failure import BenchmarkFailed
from bench.measures import Values
from bench.place import running
from bench.progress import Say
from bench.quantiles import quantile
from bench.rebuild import PROJECTIONS, WORKERS, fill, headrace_command

READERS = 4
#: Seconds of the analyst's query, and between two looks of a reader.
_QUERY_SECONDS = 4.0
_PAUSE = 0.002
_PATIENCE = 300.0
_MARKED = "marked"
_TRYING = "SELECT FROM ctl.runs WHERE phase = 'change over' AND ended_at IS NULL"


class PromoteSizes(msgspec.Struct, frozen=True, kw_only=True):
    """Replies in the log, and how often versions change over and back."""

    replies: int = 1_000
    rounds: int = 3


def measure_promote(sizes: PromoteSizes, say: Say) -> Values:
    """Change versions of three projections over and back, again and again. Raises BenchmarkFailed."""
    with services() as found:
        fill(found, sizes.replies, say)
        # The live version, and one whose rows can be told from it.
        _run(found, "proj", "rebuild", *PROJECTIONS, "--workers", str(WORKERS), "--execute")
        _run(found, "proj", "promote", *PROJECTIONS, "--allow-behind", "--execute")
        _run(found, "proj", "rebuild", *PROJECTIONS, "--workers", str(WORKERS), "--execute")
        _mark(found)
        quiet = _quiet(found)
        took, stalls = [], []
        for number in range(sizes.rounds):
            for verb in ("promote", "rollback"):
                seconds, stall = _changed_over(found, verb)
                took.append(seconds)
                stalls.append(stall)
                say(f"{verb} {number + 1}: {seconds:.1f} s under the query, worst reader {1e3 * stall:.0f} ms")
    return {
        "promote.worst_reader_stall_ms": 1e3 * max(stalls),
        "promote.seconds_under_query": max(took),
        "promote.reader_p99_ms_quiet": 1e3 * quiet,
        "promote.changes": len(stalls),
    }


class _Reader(threading.Thread):
    """Looks at two views in one transaction, again and again."""

    def __init__(self, url: str, stopping: threading.Event) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._stopping = stopping
        #: Seconds of each look.
        self.looks: list[float] = []
        #: Whether the rows of each view were marked ones.
        self.seen: set[tuple[bool, bool]] = set()
        self.error: str | None = None

    def run(self) -> None:
        try:
            with psycopg.connect(self._url, autocommit=True) as connection:
                while not self._stopping.wait(_PAUSE):
                    began = time.monotonic()
                    self.seen.add(self._look(connection))
                    self.looks.append(time.monotonic() - began)
        except psycopg.Error as error:
            self.error = type(error).__name__

    def _look(self, connection: psycopg.Connection[Any]) -> tuple[bool, bool]:
        with connection.transaction():
            messages = connection.execute("SELECT subject FROM analytics.messages LIMIT 1").fetchone()
            conclusions = connection.execute("SELECT skip_reason FROM analytics.enrichments LIMIT 1").fetchone()
        return messages == (_MARKED,), conclusions == (_MARKED,)


@contextmanager
def _readers(found: Services) -> Iterator[list[_Reader]]:
    """Readers at work. Raises BenchmarkFailed when one of them failed or saw a mixture of versions."""
    stopping = threading.Event()
    readers = [_Reader(found.settings.database_url, stopping) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    try:
        yield readers
    finally:
        stopping.set()
        for reader in readers:
            reader.join()
    failed = [reader.error for reader in readers if reader.error is not None]
    if failed:
        raise BenchmarkFailed(f"{len(failed)} of {READERS} readers failed: {', '.join(failed)}")
    mixed = set().union(*(reader.seen for reader in readers)) & {(True, False), (False, True)}
    if mixed:
        raise BenchmarkFailed("a reader saw rows of two versions in one transaction")


def _quiet(found: Services) -> float:
    """The 99th percentile of a look while nothing changes, seconds."""
    with _readers(found) as readers:
        time.sleep(_QUERY_SECONDS / 2)
    return quantile(sorted(look for reader in readers for look in reader.looks), 0.99)


def _changed_over(found: Services, verb: str) -> tuple[float, float]:
    """(seconds that the command took, longest look of a reader) while the analyst's query goes on."""
    with _readers(found) as readers:
        analyst = threading.Thread(target=_analyse, args=(found.settings.database_url,), daemon=True)
        analyst.start()
        began = time.monotonic()
        _run(found, "proj", verb, *PROJECTIONS, "--allow-behind", "--execute")
        took = time.monotonic() - began
        analyst.join()
    if any(len(reader.seen) != 2 for reader in readers):
        raise BenchmarkFailed(f"a reader did not see both versions: {verb} changed nothing")
    return took, max(look for reader in readers for look in reader.looks)


def _analyse(url: str) -> None:
    """Uses a view that is to change, until the query's time after the command has begun to try."""
    with psycopg.connect(url, autocommit=True) as watching, psycopg.connect(url) as connection:
        connection.execute("SELECT count(*) FROM analytics.messages")
        while watching.execute(_TRYING).fetchone() is None:
            time.sleep(_PAUSE)
        connection.execute(b"SELECT pg_sleep(%s) FROM analytics.messages LIMIT 1", [_QUERY_SECONDS])


def _mark(found: Services) -> None:
    with psycopg.connect(found.settings.database_url, autocommit=True) as connection:
        connection.execute(f"UPDATE proj_v3.messages SET subject = '{_MARKED}'".encode())  # noqa: S608
        connection.execute(f"UPDATE proj_v3.enrichments SET skip_reason = '{_MARKED}'".encode())  # noqa: S608


def _run(found: Services, *arguments: str) -> None:
    """A command to its end. Raises BenchmarkFailed."""
    program = headrace_command(found, "-".join(arguments[:2]), *arguments)
    with running(program, found.home) as process:
        try:
            status = process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            status = None
    if status != 0:
        log = found.home.log(program.name).read_text()
        raise BenchmarkFailed(f"`headrace {' '.join(arguments)}` did not end well:\n{log[-1000:]}")
