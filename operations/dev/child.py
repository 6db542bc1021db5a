"""Keeps one program running: passes its lines on, and starts it again after a growing pause when it ends by itself."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Literal

from operations.dev.program import STOP_TIMEOUT, Program, kill, start, stop

#: Seconds a program must have run for its next failure to count as the first.
STEADY_SECONDS = 30.0

Condition = Literal["running", "waiting", "stopped"]


def backoff(failures: int) -> float:
    """Seconds to wait before the next start, after that many failures in a row (1 or more): 0.5, 1, 2 … 30."""
    return min(0.5 * 2.0 ** (failures - 1), 30.0)


def exit_description(code: int) -> str:
    """An exit code as `subprocess` gives it, in words."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with status {code}"


class Child:
    """One supervised program. `on_line` and `on_change` are called from the child's own thread.

    It is ready once a line contains `ready_line`, or `check` says so when probed.
    """

    def __init__(
        self,
        program: Program,
        on_line: Callable[[str], None],
        on_change: Callable[[str], None],
        ready_line: str | None = None,
        check: Callable[[], bool] | None = None,
    ) -> None:
        self.program = program
        self.condition: Condition = "stopped"
        #: Whether it does its work, as seen since the latest start by `ready_line` or `check`.
        self.ready = False
        self.failures = 0
        self.restarts = 0
        self.last_exit: str | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._on_line = on_line
        self._on_change = on_change
        self._ready_line = ready_line
        self._check = check
        self._stopping = threading.Event()
        # Re-entrant: a second Ctrl-C may interrupt `stop` while it holds the lock.
        self._starting = threading.RLock()
        self._thread = threading.Thread(target=self._keep_running, name=program.name, daemon=True)

    def start(self) -> None:
        """Starts the program and the thread that keeps it running."""
        self._thread.start()

    def probe(self) -> bool:
        """Whether it is ready; asks it when that is not known yet."""
        if not self.ready and self.condition == "running" and self._check is not None:
            self.ready = self._check()
        return self.ready

    def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """Stops it for good, by force after `timeout` seconds."""
        self._stopping.set()
        with self._starting:
            process = self.process
        if process is not None:
            stop(process, self.program.stop_signal, timeout)
        if self._thread.ident is not None:
            self._thread.join()

    def kill(self) -> None:
        """Ends it for good at once."""
        self._stopping.set()
        with self._starting:
            process = self.process
        if process is not None:
            kill(process)

    def _keep_running(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            ended = self._run_once()
            if self._stopping.is_set():
                break
            self._failed(ended, time.monotonic() - began)
            self._stopping.wait(backoff(self.failures))
        self.condition = "stopped"
        self._on_change(f"{self.program.name} stopped")

    def _run_once(self) -> str:
        """Returns how it ended. A full disk, say, must not end this thread: nobody else starts the program again."""
        try:
            process = self._launch()
            if process is None:
                return "was not started"
            self._pass_lines_on(process)
            return exit_description(process.wait())
        except OSError as error:
            if self.process is not None:
                kill(self.process)
                self.process.wait()
            return f"could not be kept running ({error.strerror or type(error).__name__})"

    def _launch(self) -> "subprocess.Popen[bytes] | None":
        # Under the lock, so that `stop` either prevents the start or sees the process.
        with self._starting:
            if self._stopping.is_set():
                return None
            self.process = start(self.program, subprocess.PIPE)
            self.restarts += self.last_exit is not None
        self.ready = False
        self.condition = "running"
        self._on_change(f"{self.program.name} started, pid {self.process.pid}")
        return self.process

    def _pass_lines_on(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None  # noqa: S101 - for the type checker: it was started with a pipe
        with process.stdout as lines:
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                self._on_line(text)
                if self._ready_line is not None and not self.ready and self._ready_line in text:
                    self.ready = True

    def _failed(self, ended: str, seconds: float) -> None:
        self.failures = 1 if seconds >= STEADY_SECONDS else self.failures + 1
        self.last_exit = ended
        self.condition = "waiting"
        self.ready = False
        self._on_change(f"{self.program.name} {self.last_exit}; starting it again in {backoff(self.failures):g} s")
