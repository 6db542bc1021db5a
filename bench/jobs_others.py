"""Messages of nine workspaces beside a tenth that is busy, and how long their jobs wait to begin."""

import time
from collections.abc import Sequence

import msgspec

from bench.jobs_log import JobTimes, Trickle, leads, workspace
from bench.jobs_worker import Worker
from bench.place import wait
from bench.quantiles import quantiles
from headrace.settings import Settings
from operations.dev.home import Home

#: The busy workspace is 0; the others come after it.
OTHERS = 9
#: The messages of the others, apart from those of the busy workspace.
FIRST_QUIET, FIRST_BESIDE = 1_000_000, 2_000_000
#: Before them: messages whose delay is not counted, for the first jobs pay for what is loaded late.
UNCOUNTED = 100_000
TICK = 0.2


class Others(msgspec.Struct, frozen=True, kw_only=True):
    """The nine, each with `rate` messages a second, for whose jobs nobody waits longer than `patience` seconds."""

    settings: Settings
    times: JobTimes
    worker: Worker
    home: Home
    rate: float
    patience: float

    def trickle(self, first: int, seconds: float) -> list[float]:
        """Messages evenly over the time; p50 and p95 of how long their jobs waited to begin."""
        count = round(OTHERS * self.rate * seconds)
        send_evenly(self.settings, first, count, seconds, range(1, 1 + OTHERS))
        numbers = range(first, first + count)

        def begun() -> bool:
            self.times.read()
            return len(self.times.delays(leads(numbers))) == count

        wait(begun, self.patience, self.worker.process, self.home.log("jobs_worker"), TICK)
        return quantiles(self.times.delays(leads(numbers)), (0.5, 0.95))


def send_evenly(settings: Settings, first: int, count: int, seconds: float, workspaces: Sequence[int]) -> None:
    """So many messages, numbered from `first`, over the time; the workspaces in turn."""
    writer = Trickle(settings)
    began = time.monotonic()
    for index in range(count):
        time.sleep(max(0.0, began + index * seconds / count - time.monotonic()))
        writer.send(first + index, workspace(workspaces[index % len(workspaces)]))
    writer.flush()
