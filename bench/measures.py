"""What is measured and how good it must be: names, units and targets of every figure, and whether it was met."""

from collections.abc import Mapping
from typing import Literal

import msgspec

Benchmark = Literal[
    "ingest",
    "dedupe",
    "pipeline",
    "flood",
    "restart",
    "jobs",
    "tenants",
    "burst",
    "backlog",
    "recovery",
    "rebuild",
    "promote",
    "analysts",
]
BENCHMARKS: tuple[Benchmark, ...] = (
    "ingest",
    "dedupe",
    "pipeline",
    "flood",
    "restart",
    "jobs",
    "tenants",
    "burst",
    "backlog",
    "recovery",
    "rebuild",
    "promote",
    "analysts",
)
#: Where the first part of a value's key is not the benchmark's name.
_ELSEWHERE: Mapping[str, Benchmark] = {
    "bulk.": "flood",
    "jobs.hot_tenant": "tenants",
    "jobs.burst": "burst",
    "jobs.backlog": "backlog",
}

#: Results by the key of their measure.
Values = Mapping[str, float]


def benchmark_of(key: str) -> str:
    """The benchmark a value comes from."""
    found = next((name for prefix, name in _ELSEWHERE.items() if key.startswith(prefix)), None)
    return found or key.partition(".")[0]


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. Without a target it only explains another one."""

    key: str
    says: str
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def target(self) -> str:
        """The target in words; empty when there is none."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g}{self._unit}"
        return "" if self.at_most is None else f"≤ {self.at_most:g}{self._unit}"

    def is_met(self, value: float) -> bool | None:
        """None without a target."""
        if self.at_least is not None:
            return value >= self.at_least
        return None if self.at_most is None else value <= self.at_most

    def shown(self, value: float) -> str:
        """The value with its unit, to the precision such measurements have."""
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        return f"{value:,.{digits}f}{self._unit}"

    @property
    def _unit(self) -> str:
        return f" {self.unit}" if self.unit else ""


#: In the order of the report. Values without a measure here are raw figures: only in the file.
MEASURES = (
    Measure(key="ingest.ratio_to_echo", says="ingest: requests/s relative to a bare Starlette echo", at_least=0.5),
    Measure(key="ingest.p99_ms_at_1000", says="ingest: p99 at a fixed 1,000 requests/s", unit="ms", at_most=25),
    Measure(key="ingest.requests_per_s", says="ingest: requests/s, 32 connections", unit="/s"),
    Measure(key="ingest.p50_ms", says="ingest: p50, 32 connections", unit="ms"),
    Measure(key="ingest.p99_ms", says="ingest: p99, 32 connections", unit="ms"),
    Measure(key="ingest.echo_requests_per_s", says="echo: requests/s, 32 connections", unit="/s"),
    Measure(
        key="dedupe.ratio_to_stock_empty_agent",
        says="dedupe stage: messages/s relative to an empty agent on stock Faust",
        at_least=1.5,
    ),
    Measure(key="dedupe.ratio_to_quix", says="dedupe stage: relative to Quix Streams' dedupe", at_least=0.6),
    Measure(key="dedupe.stage_per_s", says="dedupe stage: opaque messages", unit="/s"),
    Measure(key="dedupe.agent_per_s", says="the pipeline's dedupe agent: real webhooks", unit="/s"),
    Measure(key="dedupe.stock_empty_agent_per_s", says="empty agent on stock Faust", unit="/s"),
    Measure(key="dedupe.quix_per_s", says="Quix Streams: dedupe and forward", unit="/s"),
    Measure(
        key="pipeline.webhooks_per_s",
        says="whole pipeline: sustained webhooks/s, POST to row",
        unit="/s",
        at_least=1000,
    ),
    Measure(key="pipeline.p95_s", says="whole pipeline: p95 delay at half that rate", unit="s", at_most=1.5),
    Measure(key="pipeline.p50_s", says="whole pipeline: p50 delay at half that rate", unit="s"),
    Measure(key="pipeline.p99_s", says="whole pipeline: p99 delay at half that rate", unit="s"),
    Measure(
        key="bulk.added_delay_s",
        says="a flood of posted sent-notices adds to a reply's delay (p95)",
        unit="s",
        at_most=2,
    ),
    Measure(key="bulk.added_delay_median_s", says="the same, median", unit="s"),
    Measure(key="bulk.added_delay_max_s", says="the same, slowest reply", unit="s"),
    Measure(key="bulk.added_delay_s_past_ingest", says="the same flood written straight to Kafka (p95)", unit="s"),
    Measure(key="restart.ready_s", says="restart after kill -9 with a full table: ready", unit="s", at_most=5),
    Measure(key="restart.first_record_s", says="the same, first record processed", unit="s"),
    Measure(key="jobs.per_s", says="jobs queue: jobs/s, one step that does nothing", unit="/s", at_least=500),
    Measure(key="jobs.ratio_to_procrastinate", says="jobs queue: relative to procrastinate, commits not synced"),
    Measure(key="jobs.procrastinate_per_s", says="procrastinate: jobs/s, commits not synced", unit="/s"),
    Measure(key="jobs.procrastinate_synced_per_s", says="procrastinate: jobs/s, with Postgres' defaults", unit="/s"),
    Measure(
        key="jobs.with_real_steps_per_s",
        says="jobs/s with all real steps, a model that takes no time",
        unit="/s",
        at_least=500,
    ),
    Measure(key="jobs.calls_per_s_at_200", says="200 calls of 1 s at once: calls/s", unit="/s"),
    Measure(key="jobs.per_s_at_200_calls", says="the same, jobs/s with all real steps", unit="/s"),
    Measure(
        key="jobs.hot_tenant_p95_ratio",
        says="jobs' wait beside a workspace with 20,000 waiting ones (p95), relative to without",
        at_most=1.2,
    ),
    Measure(key="jobs.hot_tenant_others_p95_ms", says="that wait, p95", unit="ms"),
    Measure(key="jobs.hot_tenant_others_p95_ms_without", says="without it, p95", unit="ms"),
    Measure(
        key="jobs.burst_p95_to_goal",
        says="jobs' wait while 5,000 messages of another workspace come in (p95), to 1 s or 1.2 times without",
        at_most=1.0,
    ),
    Measure(key="jobs.burst_others_p95_ms", says="that wait, p95", unit="ms"),
    Measure(key="jobs.burst_others_p95_ms_without", says="without it, p95", unit="ms"),
    Measure(key="jobs.backlog_peak_mib", says="jobs worker over 200,000 open jobs: memory", unit="MiB", at_most=1024),
    Measure(key="jobs.backlog_restart_s", says="the same, ready after kill -9", unit="s"),
    Measure(key="jobs.backlog_second_worker_s", says="the same, a second worker has its half", unit="s"),
    Measure(key="recovery.records_per_s", says="a jobs worker reads its tables back: changelog records/s", unit="/s"),
    Measure(key="recovery.empty_s", says="the same with a million leads: ready without its tables", unit="s"),
    Measure(key="recovery.restart_s", says="the same, ready with its tables after kill -9", unit="s"),
    Measure(key="recovery.rescale_s", says="the same, a second worker has read its half", unit="s"),
    Measure(
        key="rebuild.events_per_s",
        says="rebuild with two workers: events/s, from the command's start to its end",
        unit="/s",
        at_least=50_000,
    ),
    Measure(
        key="rebuild.peak_mb", says="the same: memory of all processes, Postgres' own included", unit="MB", at_most=600
    ),
    Measure(key="rebuild.events_per_s_one_worker", says="rebuild with one worker", unit="/s"),
    Measure(key="rebuild.cpu_us_per_event", says="rebuild: CPU time of the command per event", unit="µs"),
    Measure(key="rebuild.postgres_cpu_us_per_event", says="rebuild: CPU time of Postgres per event", unit="µs"),
    Measure(
        key="promote.worst_reader_stall_ms",
        says="promote and rollback under a 4-second query: longest wait of a reader",
        unit="ms",
        at_most=250,
    ),
    Measure(key="promote.reader_p99_ms_quiet", says="the same reader while nothing changes (p99)", unit="ms"),
    Measure(key="promote.seconds_under_query", says="the command's longest time, the query's included", unit="s"),
    Measure(
        key="analysts.slowest_ms",
        says="the slowest question of docs/analysts.md over a million messages",
        unit="ms",
        at_most=200,
    ),
)
