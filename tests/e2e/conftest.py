"""Stacks of their own for tests that break or fill one."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.databases import new_database
from tests.e2e.stack import Stack
from tests.leftovers import delete_topics
from tests.lifeline import lifeline


@contextmanager
def running_stack(environment: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """A stack that is up, with the workspace `acme`; wiped afterwards."""
    home = Path(tempfile.mkdtemp(prefix="headrace-e2e-"))
    stack = Stack(home, environment or {})
    try:
        end = f"{stack.command} dev down; {stack.command} dev reset; rm -rf {home}"
        with lifeline(end, stack.environment):
            stack.up()
            yield stack
    finally:
        stack.headrace("dev", "down", check=False)
        stack.headrace("dev", "reset", check=False)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def shared_services(kafka_bootstrap: str, postgres_url: str) -> Iterator[Mapping[str, str]]:
    """The environment of a stack on the services that all tests share: for those that break neither."""
    prefix = f"t{uuid.uuid4().hex[:10]}."
    with new_database(postgres_url) as url:
        yield {"KAFKA_BOOTSTRAP": kafka_bootstrap, "DATABASE_URL": url, "HEADRACE_TOPIC_PREFIX": prefix}
    delete_topics(kafka_bootstrap, prefix)


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A fresh stack with services of its own."""
    with running_stack() as found:
        yield found
