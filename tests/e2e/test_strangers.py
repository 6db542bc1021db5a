"""Strangers at a real ingest process on a real broker: another sender is answered as ever, and memory stays bounded."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from bench.strangers import ATTACKS, Server, attacked, ingest
from headrace.settings import Settings
from operations.dev.home import Home
from tests.leftovers import delete_topics

_PREFIX = "strangers."
_MOST_MIB = 400


@pytest.fixture(scope="module")
def server(kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One process for all attacks: what one leaves behind, the next would find."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.create()
    settings = Settings(
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=_PREFIX,
        partitions=2,
        data_dir=home.tables,
        secrets_key=SecretStr(Fernet.generate_key().decode()),
    )
    with ingest(home, settings) as running:
        yield running
    assert _lines_about_requests(home.log("ingest")) == [], "a stranger could fill the disk with lines of its own"
    delete_topics(kafka_bootstrap, _PREFIX)


def _lines_about_requests(log: Path) -> list[str]:
    """Of the server itself; Headrace's own lines are about what it does."""
    return [line for line in log.read_text().splitlines() if "uvicorn" in line and "request" in line.lower()]


@pytest.mark.parametrize("name", ATTACKS)
async def test_another_sender_is_answered_and_memory_holds(server: Server, name: str) -> None:
    found = await attacked(name, server, seconds=4.0)
    assert set(found.sender.statuses) == {200}
    assert found.rss_mib < _MOST_MIB
    # Nobody who proved nothing is told that something was stored.
    assert 200 not in found.strangers or name == "endless pipelines"
