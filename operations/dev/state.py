"""What a running supervisor tells other commands through files: that it lives, and how its children are."""

import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator
from typing import IO, Literal

import msgspec
import psutil

from operations.dev.cannot_start import CannotStart
from operations.dev.environment import write_private
from operations.dev.home import Home
from operations.dev.processes import SERVICES
from operations.dev.program import STOP_TIMEOUT

Phase = Literal["preparing", "migrating", "starting", "up", "stopping"]


class ChildState(msgspec.Struct, frozen=True, kw_only=True):
    """One child, as last seen."""

    name: str
    condition: str
    pid: int | None
    #: When the process began, as the system says it: tells it from a later one with the same pid.
    began: float | None
    ready: bool
    restarts: int
    failures: int
    last_exit: str | None


class StackState(msgspec.Struct, frozen=True, kw_only=True):
    """The whole stack. Children are in the order in which they are to be stopped."""

    supervisor: int
    phase: Phase
    kafka_bootstrap: str
    ingest_url: str
    children: tuple[ChildState, ...]
    #: Put before the names of topics.
    topic_prefix: str = ""


def write_state(home: Home, state: StackState) -> None:
    """Replaces the file in one step."""
    write_private(home.state, msgspec.json.encode(state).decode())


def read_state(home: Home) -> StackState | None:
    """The latest state; None when no supervisor ever wrote one or the last one ended in order."""
    try:
        return msgspec.json.decode(home.state.read_bytes(), type=StackState)
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def hold_lock(home: Home) -> Iterator[None]:
    """Makes this process the supervisor of the home. Raises CannotStart when another one is."""
    with home.lock.open("a+") as file:
        if not _try_lock(file):
            raise CannotStart(
                f"A stack already runs in {home.root}: stop it with `headrace dev down`, or use another HEADRACE_HOME "
                "and other ports for a second one."
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def supervisor_pid(home: Home) -> int | None:
    """The process that holds the lock; None when nobody does."""
    try:
        file = home.lock.open("r+")
    except FileNotFoundError:
        return None
    with file:
        while not _try_lock(file):
            # Empty for the moment between taking the lock and signing it.
            if pid := file.read():
                return int(pid)
    return None


def process_began(pid: int) -> float | None:
    """When the process began; None when there is none."""
    try:
        began: float = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None
    return began


def stop_leftovers(home: Home) -> list[str]:
    """Stops children that outlived a killed supervisor, services last. Returns their names.

    Call it only while there is no supervisor.
    """
    state = read_state(home)
    found = {child.name: psutil.Process(child.pid) for child in state.children if _lives(child)} if state else {}
    _stop_all([process for name, process in found.items() if name not in SERVICES])
    _stop_all([process for name, process in found.items() if name in SERVICES])
    home.state.unlink(missing_ok=True)
    home.environment.unlink(missing_ok=True)
    return list(found)


def _lives(child: ChildState) -> bool:
    return child.pid is not None and child.began is not None and process_began(child.pid) == child.began


def _stop_all(processes: list[psutil.Process]) -> None:
    for process in processes:
        # Postgres takes it for "now, but in order"; to all others it means the same as SIGTERM.
        process.send_signal(signal.SIGINT)
    _, alive = psutil.wait_procs(processes, STOP_TIMEOUT)
    for process in alive:
        process.kill()


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
