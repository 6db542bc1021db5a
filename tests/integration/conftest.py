"""One broker for all workers of a parallel run: each test has topics of its own, and a Java of its own costs a lot."""

from contextlib import ExitStack
from typing import Any

import pytest

from tests.services import running_kafka, temporary_home

_BOOTSTRAP = pytest.StashKey[str]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Called by xdist in the process that hands out the tests, once for each of its workers."""
    if _BOOTSTRAP not in node.config.stash:
        services = ExitStack()
        node.config.add_cleanup(services.close)
        home = services.enter_context(temporary_home())
        node.config.stash[_BOOTSTRAP] = services.enter_context(running_kafka(home))
    node.workerinput["kafka_bootstrap"] = node.config.stash[_BOOTSTRAP]
