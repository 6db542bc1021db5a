"""Fixtures of a running ingest."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from headrace.events.topics import ALL_TOPICS
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from headrace.workspaces.document import parse_workspaces
from headrace.workspaces.store import apply_workspaces
from tests.integration.ingest.harness import Broker, Ingest, running_ingest

ACME = """
workspace: acme
name: Acme
timezone: America/Chicago
providers:
  ghl: {location_id: loc-1, secret: [ghl-new, ghl-old]}
  unipile: {account_id: acc-1, secret: unipile-secret}
  smartlead: {secret: smartlead-secret}
  instantly: {secret: instantly-secret}
  emailbison: {workspace_id: "12", workspace_name: Acme, secret: emailbison-secret}
"""


@pytest.fixture
def ingest_settings(kafka_settings: Settings) -> Settings:
    """Settings with a secrets key, no topics yet."""
    return kafka_settings.model_copy(update={"secrets_key": SecretStr(Fernet.generate_key().decode())})


@pytest.fixture
def apply_workspace(ingest_settings: Settings) -> Callable[[str], None]:
    """Applies a workspace file."""
    return partial(_apply, ingest_settings)


@pytest.fixture
def apply_acme() -> Callable[[Settings], None]:
    """Applies the workspace acme to an installation of the test's choice."""
    return partial(_apply, text=ACME)


@pytest.fixture
def broker(ingest_settings: Settings) -> Broker:
    """Reads the test's topics."""
    return Broker(ingest_settings)


@pytest.fixture
async def ingest(
    topics_created: tuple[str, ...], ingest_settings: Settings, apply_workspace: Callable[[str], None]
) -> AsyncIterator[Ingest]:
    """A ready server that knows one workspace, acme."""
    assert len(topics_created) == len(ALL_TOPICS)
    await asyncio.to_thread(apply_workspace, ACME)
    async with running_ingest(ingest_settings) as server:
        await server.until_ready()
        yield server


def _apply(settings: Settings, text: str) -> None:
    apply_workspaces(settings, parse_workspaces(text, "test.yaml", ADAPTERS), datetime.now(UTC))
