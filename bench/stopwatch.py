"""Times a program that reads a topic to its end, the same way in every peer: nothing but the standard library."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """What a program has to do: read `messages` records of `source` and forward the first of each key to `target`."""

    bootstrap: str
    source: str
    target: str
    messages: int
    #: Names the program's consumer group and tables: no run may find those of another.
    run: str
    #: For the program's files.
    directory: str
    #: Where the result goes.
    result: str


@dataclass(frozen=True)
class Result:
    """From the first message given to the program until it was done with the last."""

    seconds: float
    cpu_seconds: float


def task() -> Task:
    """The task in this program's only argument."""
    return Task(**json.loads(sys.argv[1]))


def argument(given: Task) -> str:
    """The inverse."""
    return json.dumps(asdict(given))


def result(path: Path) -> Result:
    """A finished program's result."""
    return Result(**json.loads(path.read_text()))


class Stopwatch:
    """Writes the result when the last message is done."""

    def __init__(
        self,
        messages: int,
        path: Path,
        now: Callable[[], float] = time.perf_counter,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        """`now` and `cpu` give seconds: of a steady clock, and used by this process."""
        self._messages = messages
        self._path = path
        self._now = now
        self._cpu = cpu
        self._done = 0
        self._began: tuple[float, float] | None = None

    def begin(self) -> None:
        """A message was given to the program; only the first counts."""
        if self._began is None:
            self._began = self._now(), self._cpu()

    def done(self, messages: int) -> None:
        """So many messages are done."""
        self._done += messages
        if self._done >= self._messages and self._began is not None and not self._path.exists():
            self._write(*self._began)

    def _write(self, began: float, cpu_began: float) -> None:
        found = Result(
            seconds=self._now() - began,
            cpu_seconds=self._cpu() - cpu_began,
        )
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(found)))
        partial.rename(self._path)
