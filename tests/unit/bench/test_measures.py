"""Targets are judged the right way round, and every figure of the report says what it is."""

import pytest

from bench.measures import BENCHMARKS, MEASURES, Measure, benchmark_of


@pytest.mark.parametrize(
    ("measure", "value", "met"),
    [
        (Measure(key="a.speed", says="speed", at_least=0.5), 0.5, True),
        (Measure(key="a.speed", says="speed", at_least=0.5), 0.49, False),
        (Measure(key="a.delay", says="delay", at_most=2), 2, True),
        (Measure(key="a.delay", says="delay", at_most=2), 2.01, False),
        (Measure(key="a.raw", says="raw"), 1, None),
    ],
)
def test_targets(measure: Measure, value: float, met: bool | None) -> None:
    assert measure.is_met(value) is met


def test_values_are_shown_with_their_unit_and_sensible_digits() -> None:
    measure = Measure(key="a.delay", says="delay", unit="ms", at_most=25)
    assert [measure.shown(value) for value in (0.123, 12.34, 1234.5)] == ["0.12 ms", "12.3 ms", "1,234 ms"]
    assert measure.target == "≤ 25 ms"


def test_every_measure_belongs_to_a_benchmark_and_has_a_key_of_its_own() -> None:
    assert {benchmark_of(measure.key) for measure in MEASURES} == set(BENCHMARKS)
    assert len({measure.key for measure in MEASURES}) == len(MEASURES)


def test_the_promised_figures_have_their_targets() -> None:
    targets = {measure.key: measure.target for measure in MEASURES if measure.target}
    assert targets == {
        "ingest.ratio_to_echo": "≥ 0.5",
        "ingest.p99_ms_at_1000": "≤ 25 ms",
        "dedupe.ratio_to_stock_empty_agent": "≥ 1.5",
        "dedupe.ratio_to_quix": "≥ 0.6",
        "pipeline.webhooks_per_s": "≥ 1000 /s",
        "pipeline.p95_s": "≤ 1.5 s",
        "bulk.added_delay_s": "≤ 2 s",
        "restart.ready_s": "≤ 5 s",
        "jobs.per_s": "≥ 500 /s",
        "jobs.with_real_steps_per_s": "≥ 500 /s",
        "jobs.burst_p95_to_goal": "≤ 1",
        "jobs.hot_tenant_p95_ratio": "≤ 1.2",
        "jobs.backlog_peak_mib": "≤ 1024 MiB",
        "rebuild.events_per_s": "≥ 50000 /s",
        "rebuild.peak_mb": "≤ 600 MB",
        "promote.worst_reader_stall_ms": "≤ 250 ms",
        "analysts.slowest_ms": "≤ 200 ms",
    }
