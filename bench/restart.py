"""How soon the pipeline works again after kill -9, with a table of millions of dedupe keys."""

import subprocess
import time
from pathlib import Path
from statistics import median

import msgspec
import psutil

from bench.failure import BenchmarkFailed
from bench.fill_seen import FILLED
from bench.measures import Values
from bench.place import START_SECONDS, broker, environment, headrace, module, running, temporary_home, wait_for_line
from bench.place import wait as wait_until
from bench.progress import Say
from bench.reply_topics import WEBHOOKS_UNIPILE
from bench.topics import Counter, webhooks, write
from headrace.events.topics import INBOX, RECEIPTS
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from operations.dev.home import Home
from operations.dev.processes import READY_LINE
from operations.records.settling import group_of

#: Entries a second at the very least.
_SLOWEST_FILL = 5_000
#: Webhooks that wait for each restart: so many new ones, and as many that the table knows.
_WAITING = 100
_FIRST_NEW = 1_000_000_000


class RestartSizes(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of the table, and how often the worker is killed."""

    entries: int = 5_000_000
    restarts: int = 3


class _Restart(msgspec.Struct, frozen=True, kw_only=True):
    ready_s: float
    first_record_s: float
    rss_bytes: int


def measure_restart(sizes: RestartSizes, say: Say) -> Values:
    """Fill the table, then kill and restart the pipeline. Raises BenchmarkFailed."""
    with temporary_home() as home, broker(home) as settings:
        create_topics(settings)
        began = time.monotonic()
        _fill(sizes, settings, home)
        took, disk = time.monotonic() - began, _disk_bytes(settings.data_dir)
        say(f"{sizes.entries:,} entries in {took:.0f} s, {disk / 1024**2:,.0f} MiB on disk")
        _killed(sizes, settings, home, number=0)
        restarts = []
        for number in range(1, sizes.restarts + 1):
            restarts.append(_killed(sizes, settings, home, number))
            found = restarts[-1]
            say(f"restart {number}: ready {found.ready_s:.1f} s, first record {found.first_record_s:.1f} s")
    return {
        "restart.ready_s": median(one.ready_s for one in restarts),
        "restart.first_record_s": median(one.first_record_s for one in restarts),
        "restart.slowest_first_record_s": max(one.first_record_s for one in restarts),
        "restart.rss_mib": median(one.rss_bytes for one in restarts) / 1024**2,
        "restart.disk_mib": disk / 1024**2,
        "restart.entries": sizes.entries,
        "restart.filled_per_s": sizes.entries / took,
    }


def _fill(sizes: RestartSizes, settings: Settings, home: Home) -> None:
    program = module("fill_seen", str(sizes.entries), variables=environment(settings))
    with running(program, home) as process:
        wait_for_line(FILLED, START_SECONDS + sizes.entries / _SLOWEST_FILL, process, home.log(program.name))


def _killed(sizes: RestartSizes, settings: Settings, home: Home, number: int) -> _Restart:
    """Start the pipeline on a table it was killed over, with webhooks waiting, and kill it in the end."""
    _let_wait(sizes, settings, number)
    counter = Counter(settings)
    receipts, fresh = counter.records(RECEIPTS), counter.records(INBOX)
    log = home.log("pipeline")
    already = log.stat().st_size if log.exists() else 0
    began = time.monotonic()
    with running(headrace("pipeline", settings), home) as process:
        wait_for_line(READY_LINE, START_SECONDS, process, log, already)
        ready = time.monotonic() - began
        wait_until(lambda: counter.records(RECEIPTS) > receipts, START_SECONDS, process, log)
        first_record = time.monotonic() - began
        wait_until(lambda: counter.records(RECEIPTS) >= receipts + 2 * _WAITING, START_SECONDS, process, log)
        # What is judged but not yet remembered when it dies is judged again: that would look like forgetting.
        offsets = LogOffsets(settings)
        wait_until(lambda: _is_committed(settings, offsets), START_SECONDS, process, log)
        rss = psutil.Process(process.pid).memory_info().rss
        process.kill()
        process.wait()
    forgotten = counter.records(INBOX) - fresh - _WAITING
    if forgotten:
        raise BenchmarkFailed(f"{forgotten} of {_WAITING} webhooks that the table knows were taken for new ones")
    return _Restart(ready_s=ready, first_record_s=first_record, rss_bytes=rss)


def _is_committed(settings: Settings, offsets: LogOffsets) -> bool:
    ranges = offsets.ranges([settings.topic(WEBHOOKS_UNIPILE)])
    ends = {place: found.end for place, found in ranges.items() if found.end}
    return offsets.committed(group_of(settings, WEBHOOKS_UNIPILE), ends) == ends


def _let_wait(sizes: RestartSizes, settings: Settings, number: int) -> None:
    new = range(_FIRST_NEW + number * _WAITING, _FIRST_NEW + (number + 1) * _WAITING)
    known = (number + index * (sizes.entries // _WAITING) for index in range(_WAITING))
    write(settings, WEBHOOKS_UNIPILE, webhooks("linkedin", new))
    write(settings, WEBHOOKS_UNIPILE, webhooks("linkedin", known, settings.partitions))


def _disk_bytes(directory: Path) -> int:
    answer = subprocess.run(["du", "-sk", directory], capture_output=True, text=True, check=True)
    return int(answer.stdout.split()[0]) * 1024
