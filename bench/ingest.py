"""How much of a bare web server's speed is left once each webhook is proven, keyed and durable in Kafka."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median

import httpx
import msgspec

from bench.cpu import cpu_seconds, cpu_us_each
from bench.http_load import LoadPlan, LoadReport
from bench.measures import Values
from bench.place import (
    START_SECONDS,
    accepted,
    broker,
    environment,
    headrace,
    module,
    run_load,
    running,
    temporary_home,
    wait,
)
from bench.progress import Say
from bench.webhooks import FILE
from headrace.kafka.topics import create_topics
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from headrace.workspaces.document import read_workspace_files
from headrace.workspaces.store import apply_workspaces
from operations.dev.home import Home
from operations.dev.ports import free_ports
from operations.dev.supervisor import ingest_is_ready

#: The broker's CPU time for a record halves in the first seconds.
_WARM_UP_SECONDS = 5.0


class IngestSizes(msgspec.Struct, frozen=True, kw_only=True):
    """Rounds of echo and ingest by turns, and how long each load lasts."""

    rounds: int = 3
    seconds: float = 8
    connections: int = 32
    fixed_rate: float = 1000
    fixed_seconds: float = 30


class Server(msgspec.Struct, frozen=True):
    """One of the two servers under load."""

    port: int
    pid: int


class _Round(msgspec.Struct, frozen=True):
    report: LoadReport
    cpu_us: float


def measure_ingest(sizes: IngestSizes, say: Say) -> Values:
    """Ingest and echo under the same load by turns, then ingest at a fixed rate. Raises BenchmarkFailed."""
    with temporary_home() as home, broker(home) as base:
        (ingest_port,) = free_ports(1)
        settings = base.model_copy(update={"ingest_port": ingest_port})
        create_topics(settings)
        apply_workspaces(settings, read_workspace_files([FILE], ADAPTERS), datetime.now(UTC))
        with _echo(home, settings) as echo, _ingest(home, settings) as ingest:
            servers = {"echo": echo, "ingest": ingest}
            for server in servers.values():
                _closed(server, sizes, _WARM_UP_SECONDS)
            rounds: dict[str, list[_Round]] = {name: [] for name in servers}
            for number in range(sizes.rounds):
                for name, server in servers.items():
                    rounds[name].append(_closed(server, sizes, sizes.seconds))
                    say(f"round {number + 1}/{sizes.rounds}: {name} {rounds[name][-1].report.per_second:,.0f}/s")
            fixed = _open(ingest, sizes)
            say(f"at {sizes.fixed_rate:,.0f}/s: p50 {fixed.p50_ms:.1f} ms, p99 {fixed.p99_ms:.1f} ms")
    return _values(rounds, fixed)


@contextmanager
def _ingest(home: Home, settings: Settings) -> Iterator[Server]:
    url = f"http://127.0.0.1:{settings.ingest_port}"
    with running(headrace("ingest", settings), home) as process:
        wait(lambda: ingest_is_ready(url), START_SECONDS, process, home.log("ingest"), tick=0.2)
        yield Server(settings.ingest_port, process.pid)


@contextmanager
def _echo(home: Home, settings: Settings) -> Iterator[Server]:
    (port,) = free_ports(1)
    with running(module("echo_server", str(port), variables=environment(settings)), home) as process:
        wait(lambda: _echoes(port), START_SECONDS, process, home.log("echo_server"), tick=0.2)
        yield Server(port, process.pid)


def _echoes(port: int) -> bool:
    try:
        return httpx.post(f"http://127.0.0.1:{port}/webhooks/unipile", content=b"{}", trust_env=False).is_success
    except httpx.TransportError:
        return False


def _closed(server: Server, sizes: IngestSizes, seconds: float) -> _Round:
    plan = LoadPlan(port=server.port, traffic="linkedin", connections=sizes.connections, seconds=seconds)
    before = cpu_seconds({"server": server.pid})
    report = accepted(run_load(plan))
    used = cpu_us_each(before, cpu_seconds({"server": server.pid}), report.answered)
    return _Round(report, used["server"])


def _open(server: Server, sizes: IngestSizes) -> LoadReport:
    plan = LoadPlan(
        port=server.port,
        traffic="linkedin",
        connections=sizes.connections,
        seconds=sizes.fixed_seconds,
        rate=sizes.fixed_rate,
    )
    return accepted(run_load(plan))


def _values(rounds: dict[str, list[_Round]], fixed: LoadReport) -> Values:
    speed = {name: median(one.report.per_second for one in of_name) for name, of_name in rounds.items()}
    return {
        "ingest.ratio_to_echo": speed["ingest"] / speed["echo"],
        "ingest.p99_ms_at_1000": fixed.p99_ms,
        "ingest.p50_ms_at_1000": fixed.p50_ms,
        "ingest.max_ms_at_1000": fixed.max_ms,
        "ingest.load_lag_p99_ms_at_1000": fixed.own_lag_p99_ms,
        "ingest.requests_per_s": speed["ingest"],
        "ingest.echo_requests_per_s": speed["echo"],
        "ingest.p50_ms": median(one.report.p50_ms for one in rounds["ingest"]),
        "ingest.p99_ms": median(one.report.p99_ms for one in rounds["ingest"]),
        "ingest.echo_p99_ms": median(one.report.p99_ms for one in rounds["echo"]),
        "ingest.cpu_us_per_request": median(one.cpu_us for one in rounds["ingest"]),
        "ingest.echo_cpu_us_per_request": median(one.cpu_us for one in rounds["echo"]),
        "ingest.load_cpu_us_per_request": median(
            1e6 * one.report.cpu_seconds / one.report.answered for one in rounds["ingest"]
        ),
    }
