"""Stacks of their own for tests that break or fill one."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.stack import Stack
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


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A fresh stack."""
    with running_stack() as found:
        yield found
