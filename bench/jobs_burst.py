"""What a burst of one workspace does to nine others while it comes in: how long their jobs wait to begin."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import msgspec

from bench.jobs_log import JobTimes, Trickle, leads, make_workspaces, workspace
from bench.jobs_worker import Worker, running_worker
from bench.measures import Values
from bench.place import broker, temporary_home, wait
from bench.progress import Say
from bench.quantiles import quantiles
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from operations.dev.home import Home

#: Workspace 0 has the burst; the others come after it.
_OTHERS = 9
#: The messages of the others, apart from those of the burst.
_FIRST_QUIET, _FIRST_BESIDE = 1_000_000, 2_000_000
#: Before them: messages whose delay is not counted, for the first jobs pay for what is loaded late.
_UNCOUNTED = 100_000
_GOAL_SECONDS, _GOAL_RATIO = 1.0, 1.2
_PATIENCE = 600.0
_TICK = 0.2


class BurstSizes(msgspec.Struct, frozen=True, kw_only=True):
    """The burst, and how long it takes to come in; how many messages a second each of the others gets meanwhile."""

    messages: int = 5_000
    seconds: float = 23.0
    rate: float = 1.0
    rounds: int = 3


class _Round(msgspec.Struct, frozen=True):
    """Seconds that the others' jobs waited to begin: p50 and p95."""

    quiet: list[float]
    beside: list[float]

    @property
    def to_goal(self) -> float:
        """The goal is the larger of two: on a quiet machine 1.2 times of next to nothing would measure noise."""
        return self.beside[1] / max(_GOAL_SECONDS, _GOAL_RATIO * self.quiet[1])


def measure_burst(sizes: BurstSizes, say: Say) -> Values:
    """Each round: a trickle in quiet, then the same while the burst comes in. Raises BenchmarkFailed."""
    rounds = []
    with temporary_home() as home, broker(home) as settings:
        for number in range(sizes.rounds):
            # Topics of its own: what is left of the round before would still be there.
            own = settings.model_copy(
                update={"topic_prefix": f"round{number}.", "data_dir": settings.data_dir / str(number)}
            )
            rounds.append(_round(sizes, own, home))
            quiet, beside = rounds[-1].quiet[1], rounds[-1].beside[1]
            say(f"round {number + 1}/{sizes.rounds}: p95 {quiet * 1000:.0f} ms without, {beside * 1000:.0f} ms with it")
    return {
        "jobs.burst_p95_to_goal": median(one.to_goal for one in rounds),
        "jobs.burst_others_p95_ms": 1000 * median(one.beside[1] for one in rounds),
        "jobs.burst_others_p95_ms_without": 1000 * median(one.quiet[1] for one in rounds),
        "jobs.burst_others_p50_ms": 1000 * median(one.beside[0] for one in rounds),
        "jobs.burst_others_p50_ms_without": 1000 * median(one.quiet[0] for one in rounds),
    }


def _round(sizes: BurstSizes, settings: Settings, home: Home) -> _Round:
    create_topics(settings)
    make_workspaces(settings, 1 + _OTHERS)
    with running_worker(home, settings, "real") as worker:
        times = JobTimes(settings)
        _trickle(sizes, settings, times, _FIRST_QUIET - _UNCOUNTED, 1.0, worker, home)
        quiet = _trickle(sizes, settings, times, _FIRST_QUIET, sizes.seconds, worker, home)
        with _burst(sizes, settings):
            beside = _trickle(sizes, settings, times, _FIRST_BESIDE, sizes.seconds, worker, home)
        times.close()
    return _Round(quiet, beside)


@contextmanager
def _burst(sizes: BurstSizes, settings: Settings) -> Iterator[None]:
    """Messages of workspace 0 come in beside the block, evenly, each of a lead of its own."""
    thread = threading.Thread(target=_send, args=(settings, 0, sizes.messages, sizes.seconds, (0,)))
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _send(settings: Settings, first: int, count: int, seconds: float, workspaces: tuple[int, ...]) -> None:
    writer = Trickle(settings)
    began = time.monotonic()
    for index in range(count):
        time.sleep(max(0.0, began + index * seconds / count - time.monotonic()))
        writer.send(first + index, workspace(workspaces[index % len(workspaces)]))
    writer.flush()


def _trickle(
    sizes: BurstSizes, settings: Settings, times: JobTimes, first: int, seconds: float, worker: Worker, home: Home
) -> list[float]:
    """Messages of the others, evenly over the time; p50 and p95 of how long their jobs waited to begin."""
    count = round(_OTHERS * sizes.rate * seconds)
    _send(settings, first, count, seconds, tuple(range(1, 1 + _OTHERS)))
    numbers = range(first, first + count)

    def begun() -> bool:
        times.read()
        return len(times.delays(leads(numbers))) == count

    wait(begun, _PATIENCE, worker.process, home.log("jobs_worker"), _TICK)
    return quantiles(times.delays(leads(numbers)), (0.5, 0.95))
