"""One installation a test, with topics and a database of its own."""

from collections.abc import Iterator

import pytest

from headrace.settings import Settings
from tests.integration.operations.ai_server import Server, running
from tests.integration.operations.installation import Installation, receipt_id


@pytest.fixture
def installation(settings: Settings) -> Installation:
    return Installation(settings)


@pytest.fixture
def finished(installation: Installation) -> Installation:
    """Three webhooks of every kind, with all that follows from them."""
    for number in range(3):
        installation.webhook(number)
    installation.verdict(0, 0)
    installation.message(0)
    installation.verdict(1, 1, verdict="duplicate", first_receipt_id=receipt_id(0), message_ids=(), fact_count=0)
    installation.verdict(2, 2, fact_count=2)
    installation.message(2)
    installation.suppression(2)
    installation.judge_and_resolve()
    return installation


@pytest.fixture
def server() -> Iterator[Server]:
    """An AI server that costs money."""
    with running() as found:
        yield found
