"""What Prometheus learns of every worker."""

from prometheus_client import Gauge

#: Partitions of an agent that stand before an event which only a newer program can read.
HELD = Gauge("headrace_partitions_held", "Partitions waiting for a newer program", ["agent"])
