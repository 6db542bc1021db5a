"""What a workspace with 20,000 waiting jobs does to nine others: how long their jobs wait to begin."""

from statistics import median

import msgspec

from bench.failure import BenchmarkFailed
from bench.jobs_log import JobTimes, make_workspaces, write_messages
from bench.jobs_others import FIRST_BESIDE, FIRST_QUIET, OTHERS, TICK, UNCOUNTED, Others
from bench.jobs_worker import running_worker
from bench.measures import Values
from bench.place import broker, temporary_home, wait
from bench.progress import Say
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from operations.dev.home import Home

_PATIENCE = 300.0


class HotTenantSizes(msgspec.Struct, frozen=True, kw_only=True):
    """The backlog; how many messages a second each of the others gets, and for how long; and how long a step takes."""

    backlog: int = 20_000
    rate: float = 4.0
    seconds: float = 12.0
    step_seconds: float = 1.0
    rounds: int = 3


class _Round(msgspec.Struct, frozen=True):
    """Seconds that the others' jobs waited to begin: p50 and p95."""

    quiet: list[float]
    beside: list[float]

    @property
    def ratio(self) -> float:
        return self.beside[1] / self.quiet[1]


def measure_hot_tenant(sizes: HotTenantSizes, say: Say) -> Values:
    """Each round: a trickle in quiet, then the same beside the backlog, with one worker. Raises BenchmarkFailed."""
    rounds = []
    with temporary_home() as home, broker(home) as settings:
        for number in range(sizes.rounds):
            # Topics of its own: the backlog of the round before would still be there.
            own = settings.model_copy(
                update={"topic_prefix": f"round{number}.", "data_dir": settings.data_dir / str(number)}
            )
            rounds.append(_round(sizes, own, home))
            quiet, beside = rounds[-1].quiet[1], rounds[-1].beside[1]
            say(f"round {number + 1}/{sizes.rounds}: p95 {quiet * 1000:.0f} ms without, {beside * 1000:.0f} ms with it")
    return {
        "jobs.hot_tenant_p95_ratio": median(one.ratio for one in rounds),
        "jobs.hot_tenant_others_p95_ms": 1000 * median(one.beside[1] for one in rounds),
        "jobs.hot_tenant_others_p95_ms_without": 1000 * median(one.quiet[1] for one in rounds),
        "jobs.hot_tenant_others_p50_ms": 1000 * median(one.beside[0] for one in rounds),
        "jobs.hot_tenant_others_p50_ms_without": 1000 * median(one.quiet[0] for one in rounds),
        "jobs.hot_tenant_backlog": sizes.backlog,
    }


def _round(sizes: HotTenantSizes, settings: Settings, home: Home) -> _Round:
    create_topics(settings)
    make_workspaces(settings, 1 + OTHERS)
    with running_worker(home, settings, "waiting", "--seconds", str(sizes.step_seconds)) as worker:
        times = JobTimes(settings)
        others = Others(settings=settings, times=times, worker=worker, home=home, rate=sizes.rate, patience=_PATIENCE)
        others.trickle(FIRST_QUIET - UNCOUNTED, 1.0)
        quiet = others.trickle(FIRST_QUIET, sizes.seconds)
        already = len(times.requested)
        write_messages(settings, range(sizes.backlog), 1)

        def asked_for() -> bool:
            times.read()
            return len(times.requested) >= already + sizes.backlog

        wait(asked_for, _PATIENCE, worker.process, home.log("jobs_worker"), TICK)
        # Once these have begun, the worker knows of the whole backlog.
        others.trickle(FIRST_BESIDE - UNCOUNTED, 1.0)
        beside = others.trickle(FIRST_BESIDE, sizes.seconds)
        if len(times.started) >= already + sizes.backlog:
            raise BenchmarkFailed("the backlog was worked off before the end: what was measured is the quiet again")
        times.close()
    return _Round(quiet, beside)
