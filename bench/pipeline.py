"""How many webhooks a second the whole stack carries from POST to row, and how long a row takes at half of that."""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from statistics import median

import msgspec

from bench.cpu import Usage, cpu_seconds, cpu_us_each
from bench.failure import BenchmarkFailed
from bench.http_load import LoadPlan, LoadReport
from bench.measures import Values
from bench.place import run_load
from bench.progress import Say
from bench.quantiles import quantiles
from bench.rows import RowWatch, delays
from bench.stack import Stack, running_stack

#: More connections than the ingest benchmark: an open loop must not run out of them before the server does.
_CONNECTIONS = 64
#: Every number is used once in a stack's life, so that no webhook is a repeat.
_NUMBERS_PER_STEP = 1_000_000
_DRAIN_SECONDS = 180.0
#: Seconds by which the median delay may grow over half a step: an overload of 5 % over 20 s grows it by that.
_GROWTH = 0.5
#: Seconds of delay in the last quarter: who starts empty and ends with more was left behind, evenly or not.
_BEHIND = 2.0
#: A stack is idle below this share of a core; what works after the rows (jobs) must not slow down the next step.
_IDLE = 0.5
_SETTLE_SECONDS = 60.0
#: The search ends when the highest sustained and the lowest failed rate are this near.
_NEAR = 1.1


class PipelineSizes(msgspec.Struct, frozen=True, kw_only=True):
    """Where the search for the highest sustained rate begins, how long a step takes, and how many there may be."""

    #: Also the rate of the warm-up, in which the broker compiles its hot paths.
    first_rate: float = 500
    step_seconds: float = 20
    longest_search: int = 8
    warm_up_seconds: float = 20


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One rate, tried."""

    rate: float
    report: LoadReport
    #: (due, delay) of every accepted webhook, seconds, in the order they were due.
    delays: list[tuple[float, float]]
    cpu_us: Usage

    @property
    def is_sustained(self) -> bool:
        """Nothing was refused and the delay did not grow."""
        return self.report.refused == 0 and keeps_up([delay for _, delay in self.delays])


def measure_pipeline(sizes: PipelineSizes, say: Say) -> Values:
    """Search the highest sustained rate, then measure delays at half of it. Raises BenchmarkFailed, CannotStart."""
    with running_stack(say) as stack:
        firsts = count(0, _NUMBERS_PER_STEP)
        _try(stack, sizes.first_rate, sizes.warm_up_seconds, next(firsts))

        def is_sustained(rate: float) -> bool:
            step = _try(stack, rate, sizes.step_seconds, next(firsts))
            say(_described(step))
            return step.is_sustained

        highest = search(sizes.first_rate, is_sustained, sizes.longest_search)
        if not highest:
            raise BenchmarkFailed("no rate was sustained: see the steps above")
        half = _try(stack, highest / 2, sizes.step_seconds, next(firsts))
        say(f"at half the rate: {_described(half)}")
    return _values(highest, half)


def search(first: float, is_sustained: Callable[[float], bool], longest: int) -> float:
    """The highest rate found sustained in at most `longest` tries: doubling or halving first, then in between; or 0."""
    low, high, rate = 0.0, float("inf"), first
    for _ in range(longest):
        if is_sustained(rate):
            low = rate
        else:
            high = rate
        if low and high / low <= _NEAR:
            break
        rate = 2 * low if high == float("inf") else high / 2 if not low else (low + high) / 2
    return low


def keeps_up(delays_in_order: Sequence[float]) -> bool:
    """Whether the median delay of the last quarter is small, and hardly above that of the second: the first warms up.

    Growth alone would not do: when rows come only after the load is over, the later webhooks wait less.
    """
    quarter = len(delays_in_order) // 4
    if quarter == 0:
        raise BenchmarkFailed("too few webhooks to see whether the delay grows")
    last = median(delays_in_order[-quarter:])
    return last <= _BEHIND and last - median(delays_in_order[quarter : 2 * quarter]) <= _GROWTH


def _try(stack: Stack, rate: float, seconds: float, first: int) -> Step:
    plan = LoadPlan(
        port=stack.settings.ingest_port,
        traffic="replies",
        first=first,
        connections=_CONNECTIONS,
        seconds=seconds,
        rate=rate,
    )
    settle(stack)
    with RowWatch(stack.settings) as watch:
        before = cpu_seconds(stack.pids)
        report = run_load(plan)
        answered = report.statuses.get(200, 0)
        rows = watch.wait_for(answered, _DRAIN_SECONDS)
        used = cpu_us_each(before, cpu_seconds(stack.pids), report.answered)
    return Step(rate=rate, report=report, delays=delays(rows, due_times(plan, report)), cpu_us=used)


def settle(stack: Stack) -> None:
    """Wait until the stack is idle, but not for ever: what never rests is part of what is measured."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < deadline:
        before = sum(cpu_seconds(stack.pids).values())
        time.sleep(1)
        if sum(cpu_seconds(stack.pids).values()) - before < _IDLE:
            return


def due_times(plan: LoadPlan, report: LoadReport) -> Mapping[int, float]:
    """When each webhook of an open loop was due, seconds since the epoch, by its number."""
    assert plan.rate is not None
    return {plan.first + index: report.started + index / plan.rate for index in range(report.answered)}


def _described(step: Step) -> str:
    p50, p95 = quantiles((delay for _, delay in step.delays), (0.5, 0.95))
    verdict = "sustained" if step.is_sustained else "not sustained"
    cpu = ", ".join(f"{name} {us:.0f}" for name, us in step.cpu_us.items())
    return f"{step.rate:,.0f}/s {verdict}: p50 {p50:.2f} s, p95 {p95:.2f} s; CPU µs a webhook: {cpu}"


def _values(highest: float, half: Step) -> Values:
    p50, p95, p99 = quantiles((delay for _, delay in half.delays), (0.5, 0.95, 0.99))
    return {
        "pipeline.webhooks_per_s": highest,
        "pipeline.half_rate": half.rate,
        "pipeline.p50_s": p50,
        "pipeline.p95_s": p95,
        "pipeline.p99_s": p99,
        **{f"pipeline.cpu_us_per_webhook_{name}": us for name, us in half.cpu_us.items()},
    }
