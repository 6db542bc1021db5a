"""What happens to a running stack in the fault tests: each fault is done to it and undone, while traffic goes on."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from operations.dev.postgres import DATABASE
from tests.e2e.poison import produce_poison
from tests.e2e.stack import Stack
from tests.lifeline import end, kill_group, lifeline
from tests.log_cutter import cut_logs

Fault = Callable[[Stack], None]

#: Longer than the ten seconds after which a consumer group gives a silent member's partitions to another one.
STOPPED_SECONDS = float(os.environ.get("HEADRACE_CHAOS_STOPPED_SECONDS", "15"))
#: Long enough that a second worker has partitions, and has worked on them.
SCALED_SECONDS = 8.0
#: Taken off the newest segment of every partition that is cut.
CUT_BYTES = 20_000
#: A worker of a stack says this in its log once it has its partitions.
_READY = b"worker.ready"


def kill(victim: str) -> Fault:
    """kill -9, and started again by the supervisor."""
    return lambda stack: stack.kill(victim)


def stop_and_continue(victim: str) -> Fault:
    """SIGSTOP for longer than the group waits, while a second worker takes the partitions over; then SIGCONT."""

    def fault(stack: Stack) -> None:
        with second_worker(stack, victim, instance="second"):
            pid = stack.child(victim)["pid"]
            os.kill(pid, signal.SIGSTOP)
            time.sleep(STOPPED_SECONDS)
            os.kill(pid, signal.SIGCONT)
            # Together for a while: what the stopped one still had in its hands comes out now.
            time.sleep(2)

    return fault


def hang(service: str) -> Fault:
    """A hung Kafka or Postgres: connections stand, nothing answers."""

    def fault(stack: Stack) -> None:
        with stack.hung(service):
            time.sleep(STOPPED_SECONDS)

    return fault


def scale_out_and_in(victim: str) -> Fault:
    """A second worker comes, works, and goes in order."""

    def fault(stack: Stack) -> None:
        with second_worker(stack, victim, instance="second"):
            time.sleep(SCALED_SECONDS)

    return fault


def scale_out_and_die(victim: str) -> Fault:
    """A second worker comes, works, and is killed."""

    def fault(stack: Stack) -> None:
        with second_worker(stack, victim, instance="second") as process:
            time.sleep(SCALED_SECONDS)
            os.killpg(process.pid, signal.SIGKILL)

    return fault


def double_instance(victim: str) -> Fault:
    """A second worker under the first one's instance id, as when somebody copies a configuration."""

    def fault(stack: Stack) -> None:
        with second_worker(stack, victim, instance="0", must_be_ready=False):
            time.sleep(SCALED_SECONDS)

    return fault


def drop_database(stack: Stack) -> None:
    """The database is gone, with everything in it; an operator makes it again and migrates."""
    with psycopg.connect(stack.database_url, dbname="postgres", autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    stack.headrace("db", "migrate")


def cut_changelogs(stack: Stack) -> None:
    """A broker comes back without the newest records of the tables' changelogs."""
    stack.headrace("dev", "down")
    cut_logs(_kafka_data(stack), CUT_BYTES, lambda topic: topic.endswith("-changelog"))
    stack.headrace("dev", "up", "--detach")


@contextmanager
def cut_log(stack: Stack) -> Iterator[None]:
    """Within the block the broker is back without the end of any topic. Workers that had read further don't start."""
    stack.headrace("dev", "down")
    cut_logs(_kafka_data(stack), CUT_BYTES)
    with stack.in_the_foreground():
        yield


def _kafka_data(stack: Stack) -> Path:
    return stack.home / "kafka" / "data"


def poison(stack: Stack) -> None:
    """A record nobody can read, of each kind, in every topic. No program may end for it."""
    before = stack.restarts()
    produce_poison(stack.settings())
    time.sleep(3)
    assert stack.restarts() == before, "a poisoned record ended a program"


KILLS: dict[str, Fault] = {
    f"{victim} killed": kill(victim)
    for victim in ("ingest", "jobs", "pipeline", "projections", "kafka", "postgres", "bulk")
}
RARE: dict[str, Fault] = {
    "jobs stopped and continued": stop_and_continue("jobs"),
    "database dropped": drop_database,
    "pipeline scaled out and in": scale_out_and_in("pipeline"),
    "poison": poison,
    "jobs doubled under one id": double_instance("jobs"),
    "pipeline stopped and continued": stop_and_continue("pipeline"),
    "kafka hung": hang("kafka"),
    "jobs scaled out and in": scale_out_and_in("jobs"),
    "projections stopped and continued": stop_and_continue("projections"),
    "pipeline doubled under one id": double_instance("pipeline"),
    "jobs scaled out, second killed": scale_out_and_die("jobs"),
    "postgres hung": hang("postgres"),
    "projections scaled out and in": scale_out_and_in("projections"),
    "changelogs cut": cut_changelogs,
    "bulk stopped and continued": stop_and_continue("bulk"),
    "projections doubled under one id": double_instance("projections"),
    "pipeline scaled out, second killed": scale_out_and_die("pipeline"),
}


@contextmanager
def second_worker(
    stack: Stack, name: str, *, instance: str, must_be_ready: bool = True
) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker beside the stack's own, with a data directory of its own, while the block runs."""
    log = stack.home / f"second-{name}.log"
    environment = stack.worker_environment() | {
        "HEADRACE_INSTANCE_ID": instance,
        "HEADRACE_DATA_DIR": str(stack.home / "second"),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [stack.command, "run", name],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with lifeline(kill_group(process.pid)):
        try:
            if must_be_ready:
                _wait_until_ready(process, log)
            yield process
        finally:
            end(process)


def _wait_until_ready(process: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up = time.monotonic() + 90
    while _READY not in log.read_bytes():
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < give_up, log.read_text()[-2000:]
        time.sleep(0.1)
