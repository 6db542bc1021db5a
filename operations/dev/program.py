"""What it takes to run one program of the stack, so that tests and the supervisor start and stop all of them alike."""

import contextlib
import os
import pwd
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

#: Seconds between asking a program to stop and killing it.
STOP_TIMEOUT = 30.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """A command with its surroundings."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    #: What asks it to finish its work and exit.
    stop_signal: signal.Signals = signal.SIGTERM
    #: The system user it runs as; None for the present one.
    user: str | None = None
    working_directory: Path = Path("/")


def start(program: Program, output: int | IO[bytes]) -> "subprocess.Popen[bytes]":
    """Starts it in a session of its own: a Ctrl-C at the terminal reaches only who decides the order of stopping."""
    return subprocess.Popen(
        program.argv,
        env=dict(program.environment),
        cwd=program.working_directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        user=program.user,
        group=group_of(program.user),
        extra_groups=None if program.user is None else (),
    )


def stop(process: "subprocess.Popen[bytes]", stop_signal: signal.Signals, timeout: float = STOP_TIMEOUT) -> int:
    """Asks the program to stop, kills it and all it started after `timeout` seconds, and returns its exit code."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            kill(process)
    return process.wait()


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kills the program and what it started, at once."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def group_of(user: str | None) -> int | None:
    """The user's main group, for subprocess."""
    return None if user is None else pwd.getpwnam(user).pw_gid
