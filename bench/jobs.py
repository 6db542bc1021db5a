"""How many jobs a second the queue brings to their end, beside procrastinate, and with 200 slow calls at once."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import Literal

import httpx
import msgspec
import psycopg

from bench.failure import BenchmarkFailed
from bench.jobs_log import JobTimes, make_workspaces, write_messages
from bench.jobs_procrastinate import PeerTask, argument
from bench.jobs_worker import DRAFT, INTERESTED, READY, SCORE, running_worker
from bench.measures import Values
from bench.place import broker, environment, headrace, module, running, temporary_home, wait, wait_for_line
from bench.progress import Say
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from operations.dev.home import PROJECT, Home
from operations.dev.ports import free_ports
from operations.dev.postgres import local_url, postgres, postgres_answers
from operations.dev.program import Program

_PEERS_PYTHON = PROJECT / ".venv-bench" / "bin" / "python"
_WORKSPACES = 20
#: A message makes two jobs: it is looked after, then its lead is scored.
_JOBS_EACH = 2
#: Calls that looking after a message takes: label, draft and score.
_CALLS_EACH = 3
#: Of 1, 5, 10, 20 and 50 the one procrastinate is fastest with on two cores.
_PEER_CONCURRENCY = 5
_PATIENCE = 300.0
_TICK = 0.2
#: Of a run of calls, its middle: neither the start nor the end has all of them under way.
_MIDDLE = (0.2, 0.8)

_Steps = Literal["nothing", "real"]
_Commits = Literal["synced", "unsynced"]
_STEPS: tuple[_Steps, ...] = ("nothing", "real")
_COMMITS: tuple[_Commits, ...] = ("unsynced", "synced")


class JobsSizes(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of a round, of which each makes two jobs; rounds; and messages whose models take their time."""

    messages: int = 4_000
    rounds: int = 3
    slow_messages: int = 1_000
    call_seconds: float = 1.0


def measure_jobs(sizes: JobsSizes, say: Say) -> Values:
    """All figures. Raises BenchmarkFailed, CannotStart."""
    if not _PEERS_PYTHON.exists():
        raise BenchmarkFailed("procrastinate is not installed: `make bench` installs it into .venv-bench")
    with temporary_home() as home, broker(home) as settings, _database_server(home) as server:
        create_topics(settings)
        make_workspaces(settings, _WORKSPACES)
        speeds = _speeds(sizes, settings, home, server, say)
        calls = _calls(sizes, settings, home, say)
    return {
        "jobs.per_s": speeds["nothing"],
        "jobs.with_real_steps_per_s": speeds["real"],
        "jobs.procrastinate_per_s": speeds["unsynced"],
        "jobs.procrastinate_synced_per_s": speeds["synced"],
        "jobs.ratio_to_procrastinate": speeds["nothing"] / speeds["unsynced"],
        "jobs.ratio_to_procrastinate_synced": speeds["nothing"] / speeds["synced"],
        **calls,
    }


def _speeds(sizes: JobsSizes, settings: Settings, home: Home, server: str, say: Say) -> dict[str, float]:
    """Jobs a second, the median of all rounds, by turns."""
    found: dict[str, list[float]] = {}
    jobs = sizes.messages * _JOBS_EACH
    for number in range(sizes.rounds):
        for steps in _STEPS:
            first = (2 * number + (steps == "real")) * sizes.messages
            speed = _headrace(steps, range(first, first + sizes.messages), settings, home)
            found.setdefault(steps, []).append(speed)
            say(f"round {number + 1}/{sizes.rounds}: {jobs:,} jobs, steps: {steps}: {speed:,.0f}/s")
        for commits in _COMMITS:
            speed = _procrastinate(commits, number, jobs, home, server)
            found.setdefault(commits, []).append(speed)
            say(f"round {number + 1}/{sizes.rounds}: procrastinate, commits {commits}: {speed:,.0f}/s")
    return {name: median(values) for name, values in found.items()}


def _headrace(steps: _Steps, numbers: range, settings: Settings, home: Home) -> float:
    """From the first message to the end of the last job, with a worker that waits for them."""
    times = JobTimes(settings)
    with running_worker(home, settings, steps) as worker:
        began = time.time()
        write_messages(settings, numbers, _WORKSPACES)

        def all_ended() -> bool:
            times.read()
            return times.succeeded >= _JOBS_EACH * len(numbers)

        wait(all_ended, _PATIENCE, worker.process, home.log("jobs_worker"), _TICK)
    times.close()
    return _JOBS_EACH * len(numbers) / (times.last_success - began)


def _procrastinate(commits: _Commits, number: int, jobs: int, home: Home, server: str) -> float:
    """The same with a queue in Postgres, in a database of its own."""
    name = f"peer_{commits}_{number}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        # Kafka does not sync what it acknowledges; by default, Postgres does.
        if commits == "unsynced":
            connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    result = home.root / f"{name}.json"
    database = server.rpartition("/")[0] + f"/{name}"
    task = PeerTask(database=database, jobs=jobs, concurrency=_PEER_CONCURRENCY, result=str(result))
    program = module("jobs_procrastinate", argument(task), variables={}, python=str(_PEERS_PYTHON))
    with running(program, home) as process:
        wait(result.exists, _PATIENCE, process, home.log(program.name))
    return jobs / float(json.loads(result.read_text()))


def _calls(sizes: JobsSizes, settings: Settings, home: Home, say: Say) -> Values:
    """The real worker and the real client, with a server that takes its time for each answer."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    variables = {
        **environment(settings),
        "AI_PROVIDER": "openai",
        "AI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": "sandbox-key",
    }
    program = replace(headrace("jobs", settings), environment=variables)
    log = home.log(program.name)
    with _model_server(port, sizes.call_seconds, home), running(program, home) as process:
        wait_for_line(READY, _PATIENCE, process, log)
        times = JobTimes(settings)
        write_messages(settings, range(-sizes.slow_messages, 0), _WORKSPACES)
        counts: list[tuple[float, int]] = []

        def all_ended() -> bool:
            counts.append((time.monotonic(), _asked(url)["requests"]))
            times.read()
            return times.succeeded >= _JOBS_EACH * sizes.slow_messages

        wait(all_ended, _PATIENCE, process, log, _TICK)
        times.close()
        most = _asked(url)["most_at_once"]
    found = calls_per_second(counts, _CALLS_EACH * sizes.slow_messages)
    say(f"calls of {sizes.call_seconds:g} s: {found:,.0f}/s, at most {most} at once")
    return {
        "jobs.calls_per_s_at_200": found,
        "jobs.per_s_at_200_calls": found * _JOBS_EACH / _CALLS_EACH,
        "jobs.most_calls_at_once": most,
    }


def calls_per_second(counts: list[tuple[float, int]], expected: int) -> float:
    """From (seconds, calls so far): the speed in the middle of the run. Raises BenchmarkFailed for other calls."""
    if counts[-1][1] != expected:
        raise BenchmarkFailed(f"{counts[-1][1]:,} calls were made instead of {expected:,}: their speed means nothing")
    middle = [(at, calls) for at, calls in counts if _MIDDLE[0] * expected <= calls <= _MIDDLE[1] * expected]
    if len(middle) < 2:
        raise BenchmarkFailed("the calls were over before anybody could look: take more messages")
    (began, first), (ended, last) = middle[0], middle[-1]
    return (last - first) / (ended - began)


@contextmanager
def _model_server(port: int, seconds: float, home: Home) -> Iterator[None]:
    """The sandbox, whose answers cost it nothing but their time."""
    program = Program(
        name="sandbox",
        argv=(sys.executable, "-m", "operations.dev.sandbox.ai_server", "--port", str(port)),
        environment={**os.environ, "PYTHONPATH": str(PROJECT)},
        working_directory=PROJECT,
    )
    answers = {"classify": INTERESTED, "draft": DRAFT, "score": SCORE}
    rules = [{"schema": name, "content": answer.model_dump_json()} for name, answer in answers.items()]
    with running(program, home) as process:
        url = f"http://127.0.0.1:{port}"
        wait(lambda: _answers(url), _PATIENCE, process, home.log(program.name))
        httpx.post(f"{url}/control", json=rules, trust_env=False).raise_for_status()
        httpx.patch(f"{url}/control", json={"delay": seconds}, trust_env=False).raise_for_status()
        yield


def _answers(url: str) -> bool:
    try:
        _asked(url)
    except httpx.TransportError:
        return False
    return True


def _asked(url: str) -> dict[str, int]:
    counts: dict[str, int] = httpx.get(f"{url}/control", trust_env=False).raise_for_status().json()
    return counts


@contextmanager
def _database_server(home: Home) -> Iterator[str]:
    """A Postgres as `headrace dev` runs it; yields the URL of its first database."""
    (port,) = free_ports(1)
    program = postgres(home.postgres, home.postgres_password, port, os.environ)
    with running(program, home) as process:
        url = local_url(port, home.postgres_password, "postgres")
        wait(lambda: postgres_answers(url), _PATIENCE, process, home.log(program.name))
        yield url
