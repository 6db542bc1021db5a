"""The metrics of an ingest process, all in one place."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ingest.connections import Stage
from ingest.latency import BOUNDS_US, Histogram, LatencyRecorder

#: Every fourth of the finer bounds, seconds: enough for alerts, and a quarter of the series.
_BOUNDS = tuple((index, bound / 1e6) for index, bound in enumerate(BOUNDS_US) if index % 4 == 0)


class IngestMetrics:
    """One registry a process; gauges read their value when scraped."""

    def __init__(
        self, recorder: LatencyRecorder, kafka_up: Callable[[], bool], workspace_count: Callable[[], int]
    ) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        # Histogram: whole response time of webhook requests, by route and status.
        self.registry.register(_ResponseTimes(recorder))
        # Counter: webhooks of proven senders kept in quarantine, by provider and reason.
        self.quarantined = Counter(
            "headrace_ingest_quarantined", "Webhooks kept in quarantine", ("provider", "reason"), registry=self.registry
        )
        # Counter: webhooks accepted without a proof because their workspace allows it, by provider.
        self.unsigned = Counter(
            "headrace_ingest_unsigned", "Webhooks accepted without proof", ("provider",), registry=self.registry
        )
        # Counter: webhooks refused for lack of room, to come again later, by provider and reason.
        self.refused = Counter(
            "headrace_ingest_refused",
            "Webhooks refused for lack of room",
            ("provider", "reason"),
            registry=self.registry,
        )
        # Counter: connections closed because of their senders, by what was waited for.
        self._given_up = Counter(
            "headrace_ingest_connections_given_up",
            "Connections closed for their sender",
            ("stage",),
            registry=self.registry,
        )
        # Counter: exceptions out of a provider adapter, a defect each, by provider.
        self.adapter_failures = Counter(
            "headrace_ingest_adapter_failures", "Exceptions out of adapters", ("provider",), registry=self.registry
        )
        # Gauge: 1 while Kafka takes records.
        Gauge("headrace_ingest_kafka_up", "1 while Kafka takes records", registry=self.registry).set_function(
            lambda: float(kafka_up())
        )
        # Gauge: workspaces this process knows.
        Gauge("headrace_ingest_workspaces", "Known workspaces", registry=self.registry).set_function(
            lambda: float(workspace_count())
        )

    def connections_given_up(self, stage: Stage) -> None:
        """Count one of them."""
        self._given_up.labels(stage).inc()


class _ResponseTimes(Collector):
    """Shows the recorder's own histogram, so that a request is counted once and not twice."""

    def __init__(self, recorder: LatencyRecorder) -> None:
        self._recorder = recorder

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(
            "headrace_ingest_response_seconds", "Whole response time of webhook requests", labels=("route", "status")
        )
        for (route, status), histogram in self._recorder.totals().items():
            family.add_metric((route, str(status)), _cumulative(histogram), histogram.sum_us / 1e6)
        yield family


def _cumulative(histogram: Histogram) -> list[tuple[str, float]]:
    below = [(str(bound), float(sum(histogram.buckets[: index + 1]))) for index, bound in _BOUNDS]
    return [*below, ("+Inf", float(histogram.count))]
