"""A broker and a Postgres of its own with topics and tables, for benchmarks that need no other process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from bench.place import START_SECONDS, broker, running, temporary_home, wait
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from operations.dev.home import Home
from operations.dev.ports import free_ports
from operations.dev.postgres import local_url, postgres, postgres_answers
from projections.migrate import upgrade


class Services(msgspec.Struct, frozen=True):
    """What runs, and how to reach it."""

    home: Home
    settings: Settings
    #: Of Postgres' first process; its backends are its children.
    postgres_pid: int


@contextmanager
def services() -> Iterator[Services]:
    """Both, durable as in production, empty; wiped afterwards. Raises BenchmarkFailed and CannotStart."""
    with temporary_home() as home, broker(home) as settings:
        (port,) = free_ports(1)
        program = postgres(home.postgres, home.postgres_password, port, os.environ)
        with running(program, home) as process:
            url = local_url(port, home.postgres_password, "postgres")
            wait(lambda: postgres_answers(url), START_SECONDS, process, home.log("postgres"))
            upgrade(url)
            ready = settings.model_copy(update={"database_url": url})
            create_topics(ready)
            yield Services(home, ready, process.pid)
