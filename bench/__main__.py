"""`python -m bench [BENCHMARK …] [--quick]`: runs the benchmarks, prints the table and writes the file."""

import argparse
import os
import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape

from bench import report
from bench.analysts import AnalystsSizes, measure_analysts
from bench.dedupe import DedupeSizes, measure_dedupe
from bench.failure import BenchmarkFailed
from bench.flood import FloodSizes, measure_flood
from bench.ingest import IngestSizes, measure_ingest
from bench.jobs import JobsSizes, measure_jobs
from bench.jobs_backlog import BacklogSizes, measure_backlog
from bench.jobs_burst import BurstSizes, measure_burst
from bench.jobs_hot_tenant import HotTenantSizes, measure_hot_tenant
from bench.machine import busy_warning, machine, versions
from bench.measures import BENCHMARKS, Benchmark, Values
from bench.pipeline import PipelineSizes, measure_pipeline
from bench.progress import Say
from bench.promote import PromoteSizes, measure_promote
from bench.rebuild import RebuildSizes, measure_rebuild
from bench.recovery import RecoverySizes, measure_recovery
from bench.restart import RestartSizes, measure_restart
from operations.dev.cannot_start import CannotStart

#: As shells report a Ctrl-C.
_INTERRUPTED = 130

_Run = Callable[[Say], Values]

_FULL: dict[Benchmark, _Run] = {
    "ingest": partial(measure_ingest, IngestSizes()),
    "dedupe": partial(measure_dedupe, DedupeSizes()),
    "pipeline": partial(measure_pipeline, PipelineSizes()),
    "flood": partial(measure_flood, FloodSizes()),
    "restart": partial(measure_restart, RestartSizes()),
    "jobs": partial(measure_jobs, JobsSizes()),
    "tenants": partial(measure_hot_tenant, HotTenantSizes()),
    "burst": partial(measure_burst, BurstSizes()),
    "backlog": partial(measure_backlog, BacklogSizes()),
    "recovery": partial(measure_recovery, RecoverySizes()),
    "rebuild": partial(measure_rebuild, RebuildSizes()),
    "promote": partial(measure_promote, PromoteSizes()),
    "analysts": partial(measure_analysts, AnalystsSizes()),
}
#: Large enough to see that everything works, too small to mean anything.
_QUICK: dict[Benchmark, _Run] = {
    "ingest": partial(measure_ingest, IngestSizes(rounds=1, seconds=1, fixed_rate=200, fixed_seconds=2)),
    "dedupe": partial(measure_dedupe, DedupeSizes(distinct=3000, rounds=1)),
    "pipeline": partial(
        measure_pipeline, PipelineSizes(first_rate=50, step_seconds=5, longest_search=2, warm_up_seconds=2)
    ),
    "flood": partial(measure_flood, FloodSizes(notices=2000, quiet_seconds=4)),
    "restart": partial(measure_restart, RestartSizes(entries=50_000, restarts=1)),
    "jobs": partial(measure_jobs, JobsSizes(messages=300, rounds=1, slow_messages=300)),
    "tenants": partial(measure_hot_tenant, HotTenantSizes(backlog=1_000, seconds=3, rounds=1)),
    "burst": partial(measure_burst, BurstSizes(messages=200, seconds=3, rounds=1)),
    "backlog": partial(measure_backlog, BacklogSizes(jobs=5_000, messages=200)),
    "recovery": partial(measure_recovery, RecoverySizes(leads=5_000)),
    "rebuild": partial(measure_rebuild, RebuildSizes(replies=500)),
    "promote": partial(measure_promote, PromoteSizes(replies=100, rounds=1)),
    "analysts": partial(measure_analysts, AnalystsSizes(replies=100, copies=2)),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 when everything could be measured, however slow it was, else 1; 130 when stopped."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Headrace on this machine.")
    parser.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help=f"of {', '.join(BENCHMARKS)}; without: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that the benchmarks work")
    options = parser.parse_args(arguments)
    if unknown := set(options.benchmarks) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    # A stop asked for must still end every program that was started.
    signal.signal(signal.SIGTERM, _interrupt)
    chosen = [name for name in BENCHMARKS if name in (options.benchmarks or BENCHMARKS)]
    console = Console()
    try:
        return _measure(chosen, options.quick, console)
    except KeyboardInterrupt:
        console.print("stopped; everything that was started is gone, what was measured before is in the file")
        return _INTERRUPTED


def _measure(chosen: Sequence[Benchmark], quick: bool, console: Console) -> int:
    if warning := busy_warning(os.getloadavg()[0], os.cpu_count() or 1):
        console.print(f"[yellow]{warning}[/]")
    about = {"machine": msgspec.to_builtins(machine()), "versions": versions()}
    values: dict[str, float] = {}
    failed = False
    for name in chosen:
        console.print(f"[bold]{name}[/]")
        began, load = datetime.now(UTC), os.getloadavg()[0]
        timer = time.monotonic()
        try:
            found = (_QUICK if quick else _FULL)[name](lambda line: console.print(f"  {escape(line)}", highlight=False))
        except (BenchmarkFailed, CannotStart) as error:
            failed = True
            console.print(f"  [red]failed:[/] {escape(str(error))}", highlight=False)
            continue
        values |= found
        run: dict[str, Any] = {
            "measured_at": began.isoformat(timespec="seconds"),
            "took_s": round(time.monotonic() - timer, 1),
            "quick": quick,
            "load_before": round(load, 2),
        }
        # At once: what is measured stays, whatever happens to the next one.
        report.write(report.document(report.read(), found, {name: run}, about))
    console.print(report.table(values))
    return 1 if failed else 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
