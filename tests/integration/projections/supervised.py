"""The projections worker as it runs in production: a process of its own, started again whenever it asks for that."""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headrace.exit_status import START_AGAIN
from headrace.settings import Settings
from tests.lifeline import end

DEADLINE = 120.0


class Supervised:
    """One worker after the other."""

    def __init__(self, settings: Settings, environment: Mapping[str, str], arguments: tuple[str, ...]) -> None:
        self._log = settings.data_dir.with_suffix(f".{uuid.uuid4().hex}.log")
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._arguments = arguments
        self._environment = environment_of(settings) | dict(environment)
        self._stopping = False
        self.process = self._start()
        self._supervising = threading.Thread(target=self._start_again, daemon=True)
        self._supervising.start()

    def lines(self) -> list[dict[str, Any]]:
        """What all of them have said, line by line."""
        whole = self._log.read_text().splitlines()
        return [json.loads(line) for line in whole if line.startswith("{") and line.endswith("}")]

    def said(self, event: str) -> list[dict[str, Any]]:
        """Their lines about this."""
        return [line for line in self.lines() if line["event"] == event]

    def peak_kib(self) -> int:
        """The most memory the running one ever had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])

    def stop(self) -> None:
        """End it, in order."""
        self._stopping = True
        end(self.process, seconds=30)
        self._supervising.join()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as output:
            return subprocess.Popen(
                [Path(sys.executable).with_name("headrace"), *self._arguments],
                env=self._environment,
                stdout=output,
                stderr=output,
            )

    def _start_again(self) -> None:
        while not self._stopping:
            if self.process.wait() == START_AGAIN and not self._stopping:
                self.process = self._start()


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables of such a process."""
    return {
        **os.environ,
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "DATABASE_URL": settings.database_url,
        "HEADRACE_TOPIC_PREFIX": settings.topic_prefix,
        "HEADRACE_PARTITIONS": str(settings.partitions),
        "HEADRACE_DATA_DIR": str(settings.data_dir),
    }


@contextmanager
def supervised(settings: Settings, *arguments: str, **environment: str) -> Iterator[Supervised]:
    """`headrace` with these arguments; `run projections` without any."""
    worker = Supervised(settings, environment, arguments or ("run", "projections"))
    try:
        yield worker
    finally:
        worker.stop()


def until(is_so: Callable[[], object], what: str, deadline: float = DEADLINE) -> None:
    """Returns once it is so."""
    give_up = time.monotonic() + deadline
    while not is_so():
        assert time.monotonic() < give_up, f"not within {deadline:.0f} s: {what}"
        time.sleep(0.2)
