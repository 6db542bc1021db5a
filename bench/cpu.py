"""CPU time of programs, to see what limits a measurement."""

from collections.abc import Mapping

import psutil

#: CPU seconds used so far, by the program's name.
Usage = Mapping[str, float]


def cpu_seconds(pids: Mapping[str, int]) -> Usage:
    """User and system time of each process with its children."""
    return {name: _of_family(psutil.Process(pid)) for name, pid in pids.items()}


def cpu_us_each(before: Usage, after: Usage, count: int) -> Usage:
    """CPU microseconds per unit of work between two readings."""
    return {name: 1e6 * (after[name] - before[name]) / count for name in before}


def _of_family(process: psutil.Process) -> float:
    return sum(_of(one) for one in (process, *process.children(recursive=True)))


def _of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # a child that ended meanwhile
        return 0.0
    return float(times.user + times.system)
