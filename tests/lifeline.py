"""Ends what a test session started, also when the session itself is killed and no fixture gets to clean up."""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def lifeline(command: str, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Runs the shell command when this process dies within the block; nothing when the block ends by itself.

    A shell waits at the other end of a pipe, which the system closes for whoever is gone.
    """
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", f"read -r ended || {{ {command}; }}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=None if environment is None else dict(environment),
        start_new_session=True,
    )
    try:
        yield
    finally:
        watcher.communicate(b"ended\n")


def end(process: "subprocess.Popen[bytes]", seconds: float = 30) -> None:
    """Ends a program in order, if it still runs. One that does not end is killed: it would disturb the tests to come.

    Raises subprocess.TimeoutExpired for that one.
    """
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=seconds)
    finally:
        process.kill()


def kill_group(pid: int) -> str:
    """The command for a program that leads a process group."""
    return f"kill -9 -- -{pid}"
