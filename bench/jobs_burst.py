"""What a burst of one workspace does to nine others while it comes in: how long their jobs wait to begin."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import msgspec

from bench.jobs_log import JobTimes, make_workspaces
from bench.jobs_others import FIRST_BESIDE, FIRST_QUIET, OTHERS, UNCOUNTED, Others, send_evenly
from bench.jobs_worker import running_worker
from bench.measures import Values
from bench.place import broker, temporary_home
from bench.progress import Say
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from operations.dev.home import Home

_GOAL_SECONDS, _GOAL_RATIO = 1.0, 1.2
_PATIENCE = 600.0


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
    make_workspaces(settings, 1 + OTHERS)
    with running_worker(home, settings, "real") as worker:
        times = JobTimes(settings)
        others = Others(settings=settings, times=times, worker=worker, home=home, rate=sizes.rate, patience=_PATIENCE)
        others.trickle(FIRST_QUIET - UNCOUNTED, 1.0)
        quiet = others.trickle(FIRST_QUIET, sizes.seconds)
        with _burst(sizes, settings):
            beside = others.trickle(FIRST_BESIDE, sizes.seconds)
        times.close()
    return _Round(quiet, beside)


@contextmanager
def _burst(sizes: BurstSizes, settings: Settings) -> Iterator[None]:
    """Messages of workspace 0 come in beside the block, evenly, each of a lead of its own."""
    thread = threading.Thread(target=send_evenly, args=(settings, 0, sizes.messages, sizes.seconds, (0,)))
    thread.start()
    try:
        yield
    finally:
        thread.join()
