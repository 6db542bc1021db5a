"""A whole local stack of its own, with the sample workspace, for benchmarks from POST to row."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec

from bench.failure import BenchmarkFailed
from bench.place import PARTITIONS, temporary_home
from bench.progress import Say
from bench.webhooks import FILE
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from headrace.workspaces.document import read_workspace_files
from headrace.workspaces.store import apply_workspaces
from operations.dev import stack
from operations.dev.environment import database_url, secrets_key
from operations.dev.ports import free_ports
from operations.dev.settings import DevSettings


class Stack(msgspec.Struct, frozen=True):
    """A running stack. `settings` are those its processes have."""

    dev: DevSettings
    settings: Settings

    @property
    def pids(self) -> dict[str, int]:
        """The running programs by name. Raises BenchmarkFailed when one of them had to be restarted."""
        state = stack.status(self.dev)
        children = state.children if state is not None else ()
        restarted = [child.name for child in children if child.restarts or child.pid is None]
        if restarted or not children:
            raise BenchmarkFailed(f"the stack did not run through: {', '.join(restarted) or 'everything'} ended")
        return {child.name: child.pid for child in children if child.pid is not None}


@contextmanager
def running_stack(say: Say) -> Iterator[Stack]:
    """Started, with the workspace applied; stopped and wiped afterwards. Raises CannotStart."""
    with temporary_home() as home:
        kafka, controller, postgres, ingest = free_ports(4)
        dev = DevSettings(
            home=home.root,
            kafka_port=kafka,
            kafka_controller_port=controller,
            postgres_port=postgres,
            ingest_port=ingest,
            sandbox_port=0,
            kafka_bootstrap=None,
            database_url=None,
            secrets_key=None,
        )
        try:
            for phase in stack.start_in_background(dev, _environment(dev)):
                say(f"stack: {phase}")
            yield Stack(dev, _with_workspace(dev))
        finally:
            stack.stop(dev)
            stack.reset(dev)


def _environment(dev: DevSettings) -> dict[str, str]:
    given = {
        "HEADRACE_HOME": str(dev.home),
        "HEADRACE_KAFKA_PORT": str(dev.kafka_port),
        "HEADRACE_KAFKA_CONTROLLER_PORT": str(dev.kafka_controller_port),
        "HEADRACE_POSTGRES_PORT": str(dev.postgres_port),
        "HEADRACE_INGEST_PORT": str(dev.ingest_port),
        "HEADRACE_PARTITIONS": str(PARTITIONS),
    }
    # What the caller's shell points to is not what is measured.
    foreign = ("KAFKA_BOOTSTRAP", "DATABASE_URL", "HEADRACE_SECRETS_KEY", "HEADRACE_TOPIC_PREFIX", "HEADRACE_DATA_DIR")
    return {name: value for name, value in os.environ.items() if name not in foreign} | given


def _with_workspace(dev: DevSettings) -> Settings:
    settings = Settings(
        kafka_bootstrap=dev.bootstrap,
        database_url=database_url(dev),
        topic_prefix="",
        partitions=PARTITIONS,
        ingest_port=dev.ingest_port,
        secrets_key=secrets_key(dev),
    )
    apply_workspaces(settings, read_workspace_files([FILE], ADAPTERS), datetime.now(UTC))
    return settings
