"""Watches the memory and the CPU time of a process, its children, and what works for it in Postgres."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

#: Seconds between two looks. CPU time of a process that ends between them is lost from there on.
INTERVAL = 0.05
_KILOBYTE = 1024


class UsageWatch:
    """From `__enter__` on, in a thread of its own."""

    def __init__(self, pid: int, postgres_pid: int) -> None:
        self._pid = pid
        self._postgres = postgres_pid
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="usage-watch", daemon=True)
        self._cpu: dict[int, float] = {}
        self._backends: set[int] = set()
        self._before = {one.pid: _cpu(one) for one in _family(postgres_pid)}
        #: Largest sum at one moment of the memory that the processes don't share with Postgres' other ones, bytes.
        self.peak_bytes = 0
        #: Largest resident set of one process of the command, bytes.
        self.largest_process_bytes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def client_cpu_seconds(self) -> float:
        """Of the command and its children."""
        return sum(used for pid, used in self._cpu.items() if pid not in self._backends)

    @property
    def postgres_cpu_seconds(self) -> float:
        """Of Postgres altogether, since the watch was made."""
        return sum(used - self._before.get(pid, 0.0) for pid, used in self._cpu.items() if pid in self._backends)

    def _watch(self) -> None:
        while not self._stopping.wait(INTERVAL):
            self._look()

    def _look(self) -> None:
        clients, backends = _family(self._pid), _family(self._postgres)
        self._backends.update(one.pid for one in backends)
        resident = [_resident(one.pid) for one in clients]
        working = [_private(one.pid) for one in backends if one.pid not in self._before]
        self.peak_bytes = max(self.peak_bytes, sum(resident) + sum(working))
        self.largest_process_bytes = max(self.largest_process_bytes, *resident, 0)
        for one in (*clients, *backends):
            # One that has ended meanwhile tells nothing any more.
            self._cpu[one.pid] = max(self._cpu.get(one.pid, 0.0), _cpu(one))


def _family(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _resident(pid: int) -> int:
    return _status(pid, "VmRSS")


def _private(pid: int) -> int:
    """Without the buffers that all of Postgres shares."""
    return _status(pid, "RssAnon")


def _status(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = next((line for line in lines if line.startswith(f"{name}:")), "")
    return int(found.split()[1]) * _KILOBYTE if found else 0
