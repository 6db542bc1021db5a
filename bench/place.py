"""A place to measure in: a directory that goes away, a broker of its own, and programs that end with the benchmark."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

import msgspec
from cryptography.fernet import Fernet

from bench.failure import BenchmarkFailed
from bench.http_load import LoadPlan, LoadReport
from headrace.settings import Settings
from operations.dev.disk import require_space
from operations.dev.home import PROJECT, Home
from operations.dev.kafka import kafka, kafka_answers
from operations.dev.ports import free_ports
from operations.dev.postgres import wipe
from operations.dev.program import Program, start, stop
from operations.dev.supervisor import console_script

#: Partitions of every topic measured with: as many as a small installation has.
PARTITIONS = 4
#: Longest wait for a program to be ready.
START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_TICK = 0.02


@contextlib.contextmanager
def temporary_home() -> Iterator[Home]:
    """An empty home, wiped afterwards."""
    home = Home(Path(tempfile.mkdtemp(prefix="headrace-bench-")))
    try:
        # Postgres may have to run as another user, who must get through.
        home.root.chmod(0o711)
        home.create()
        require_space(home.root)
        yield home
    finally:
        wipe(home.postgres)
        shutil.rmtree(home.root)


@contextlib.contextmanager
def running(program: Program, home: Home) -> Iterator["subprocess.Popen[bytes]"]:
    """The program, from its start until the end of the block; its output goes to its log in the home."""
    with home.log(program.name).open("ab") as output:
        process = start(program, output)
    try:
        yield process
    finally:
        stop(process, program.stop_signal, _STOP_SECONDS)


@contextlib.contextmanager
def broker(home: Home) -> Iterator[Settings]:
    """A running Kafka without topics, and settings that lead to it. There is no database behind them."""
    port, controller_port = free_ports(2)
    settings = Settings(
        kafka_bootstrap=f"127.0.0.1:{port}",
        database_url="postgresql://nobody@127.0.0.1:1/none",
        partitions=PARTITIONS,
        data_dir=home.tables,
        secrets_key=Fernet.generate_key().decode(),
    )
    program = kafka(home.kafka, port, controller_port, os.environ)
    with running(program, home) as process:
        wait(lambda: kafka_answers(settings.kafka_bootstrap), START_SECONDS, process, home.log("kafka"))
        yield settings


def environment(settings: Settings) -> dict[str, str]:
    """What makes another process use these settings."""
    assert settings.secrets_key is not None
    return {
        **os.environ,
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "DATABASE_URL": settings.database_url,
        "HEADRACE_TOPIC_PREFIX": settings.topic_prefix,
        "HEADRACE_PARTITIONS": str(settings.partitions),
        "HEADRACE_DATA_DIR": str(settings.data_dir),
        "HEADRACE_SECRETS_KEY": settings.secrets_key.get_secret_value(),
        "HEADRACE_INGEST_PORT": str(settings.ingest_port),
        "HEADRACE_LOG_LEVEL": "INFO",
    }


def headrace(process: str, settings: Settings) -> Program:
    """One of Headrace's own processes."""
    return Program(
        name=process,
        argv=(str(console_script()), "run", process),
        environment=environment(settings),
        working_directory=PROJECT,
    )


def module(name: str, *arguments: str, variables: Mapping[str, str], python: str = sys.executable) -> Program:
    """A module of this package as a program."""
    return Program(
        name=name,
        argv=(python, "-m", f"bench.{name}", *arguments),
        environment={**variables, "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"},
        working_directory=PROJECT,
    )


def run_load(plan: LoadPlan) -> LoadReport:
    """Run a load to its end. Raises BenchmarkFailed."""
    program = module("http_load", msgspec.json.encode(plan).decode(), variables=os.environ)
    done = subprocess.run(program.argv, env=program.environment, cwd=PROJECT, capture_output=True, check=False)
    if done.returncode != 0:
        raise BenchmarkFailed(f"the load could not be posted: {_end_of(done.stderr.decode(errors='replace'), 1)}")
    return msgspec.json.decode(done.stdout, type=LoadReport)


def accepted(report: LoadReport) -> LoadReport:
    """The report, if every webhook was answered 200. Raises BenchmarkFailed."""
    if report.refused:
        raise BenchmarkFailed(f"{report.refused} of {report.answered} requests were refused: {report.statuses}")
    return report


def wait(
    condition: Callable[[], object], seconds: float, process: "subprocess.Popen[bytes]", log: Path, tick: float = _TICK
) -> None:
    """Wait until the condition holds. Raises BenchmarkFailed with the log's end if the process ends or time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            why = "ended" if process.poll() is not None else f"was not done after {seconds:.0f} s"
            raise BenchmarkFailed(f"{log.stem} {why}; its last lines:\n{_end_of(log.read_text(errors='replace'), 15)}")
        time.sleep(tick)


def wait_for_line(line: str, seconds: float, process: "subprocess.Popen[bytes]", log: Path, already: int = 0) -> None:
    """Wait until the log has the line, after its first `already` bytes. Raises BenchmarkFailed."""
    with log.open("rb") as file:
        file.seek(already)
        wait(lambda: _has(line.encode(), file), seconds, process, log)


def _has(line: bytes, file: IO[bytes]) -> bool:
    # A line may have been half written at the last look: begin there again.
    at = file.tell()
    found = line in file.read()
    file.seek(at)
    return found


def _end_of(text: str, lines: int) -> str:
    return "\n".join(text.splitlines()[-lines:])
