"""What a flood of sent-notices adds to the delay of a reply that comes in the midst of it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import msgspec

from bench.http_load import LoadPlan
from bench.measures import Values
from bench.pipeline import due_times, settle
from bench.place import accepted, run_load
from bench.progress import Say
from bench.quantiles import quantiles
from bench.rows import RowWatch, delays
from bench.stack import Stack, running_stack
from bench.topics import webhooks, write
from headrace.events.topics import WEBHOOKS_BULK

_DRAIN_SECONDS = 300.0
#: Replies go on this long after the flood should be worked off; those after its real end don't count.
_MARGIN_SECONDS = 15.0
#: The first numbers of each load, so that no webhook is a repeat of another's.
_WARM_UP, _QUIET, _POSTED, _WRITTEN = 0, 1_000_000, 2_000_000, 3_000_000
_NOTICES = 100_000_000


class FloodSizes(msgspec.Struct, frozen=True, kw_only=True):
    """Notices of a flood, and how replies come meanwhile."""

    notices: int = 50_000
    replies_per_second: float = 5
    quiet_seconds: float = 30


def measure_flood(sizes: FloodSizes, say: Say) -> Values:
    """Replies in quiet, then during a flood through ingest, then during one past it. Raises as `measure_pipeline`."""
    with running_stack(say) as stack:
        _quiet(stack, _reply_plan(stack, sizes, _WARM_UP, sizes.quiet_seconds / 3))
        quiet = _quiet(stack, _reply_plan(stack, sizes, _QUIET, sizes.quiet_seconds))
        base = median(quiet)
        say(f"quiet: median {base:.3f} s, slowest {max(quiet):.3f} s")
        posted = _flooded(stack, sizes, _POSTED, lambda first: _post(stack, first, sizes.notices))
        say(f"notices posted: {_described(posted, base)}")
        written = _flooded(stack, sizes, _WRITTEN, lambda first: _write(stack, first, sizes.notices))
        say(f"notices written to Kafka: {_described(written, base)}")
    return {
        "bulk.quiet_delay_median_s": base,
        **_values(posted, base, ""),
        **_values(written, base, "_past_ingest"),
    }


def _reply_plan(stack: Stack, sizes: FloodSizes, first: int, seconds: float) -> LoadPlan:
    return LoadPlan(
        port=stack.settings.ingest_port,
        traffic="linkedin",
        first=first,
        seconds=seconds,
        rate=sizes.replies_per_second,
    )


def _quiet(stack: Stack, plan: LoadPlan) -> list[float]:
    settle(stack)
    with RowWatch(stack.settings) as watch:
        report = accepted(run_load(plan))
        rows = watch.wait_for(report.answered, _DRAIN_SECONDS)
    return [delay for _, delay in delays(rows, due_times(plan, report))]


def _flooded(stack: Stack, sizes: FloodSizes, first: int, pour: Callable[[int], None]) -> list[float]:
    """The delays of the replies that were due while notices were on their way."""
    plan = _reply_plan(stack, sizes, first, sizes.notices / stack.settings.bulk_rate + _MARGIN_SECONDS)
    settle(stack)
    with RowWatch(stack.settings) as watch, ThreadPoolExecutor(1) as pool:
        began = time.time()
        pouring = pool.submit(pour, _NOTICES + first)
        report = accepted(run_load(plan))
        pouring.result()
        rows = watch.wait_for(report.answered + sizes.notices, _DRAIN_SECONDS)
    ended = max(row.visible for row in rows if row.number >= _NOTICES)
    return [delay for due, delay in delays(rows, due_times(plan, report)) if began <= due <= ended]


def _post(stack: Stack, first: int, notices: int) -> None:
    accepted(run_load(LoadPlan(port=stack.settings.ingest_port, traffic="sent notices", first=first, count=notices)))


def _write(stack: Stack, first: int, notices: int) -> None:
    write(stack.settings, WEBHOOKS_BULK, webhooks("sent notices", range(first, first + notices)))


def _added(found: list[float], base: float) -> list[float]:
    return quantiles((delay - base for delay in found), (0.5, 0.95, 1))


def _described(found: list[float], base: float) -> str:
    median_, p95, longest = _added(found, base)
    return f"{len(found)} replies, {median_:.3f} s more (median), {p95:.3f} s (p95), {longest:.3f} s (slowest)"


def _values(found: list[float], base: float, suffix: str) -> Values:
    median_, p95, longest = _added(found, base)
    return {
        f"bulk.added_delay_median_s{suffix}": median_,
        f"bulk.added_delay_s{suffix}": p95,
        f"bulk.added_delay_max_s{suffix}": longest,
    }
