"""The real client and a server that misbehaves on request."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from operations.dev.sandbox.ai_answers import SandboxAnswers
from operations.dev.sandbox.ai_server import DEFAULT_KEY, Rule, Sandbox, serving
from streams.ai.local_provider import LocalProvider
from streams.ai.openai_provider import OpenAIProvider
from tests.contract.ai.questions import FixedClassifier

MakeProvider = Callable[..., OpenAIProvider]


class Server:
    """A sandbox and its URL."""

    def __init__(self, sandbox: Sandbox, url: str) -> None:
        self.sandbox = sandbox
        self.url = url

    def script(self, *rules: Rule) -> None:
        """Adds behaviour."""
        self.sandbox.rules.extend(rules)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A fresh sandbox."""
    local = LocalProvider(FixedClassifier)
    sandbox = Sandbox(answers=SandboxAnswers(local))
    async with serving(sandbox) as url:
        yield Server(sandbox, url)


@pytest.fixture
async def make_provider(server: Server) -> AsyncIterator[MakeProvider]:
    """Makes clients of the sandbox, and closes them."""
    made: list[OpenAIProvider] = []

    def make(**changes: object) -> OpenAIProvider:
        given: dict[str, Any] = {"model": "gpt-5-mini", "base_url": server.url, "api_key": DEFAULT_KEY} | changes
        made.append(OpenAIProvider(**given))
        return made[-1]

    yield make
    for provider in made:
        await provider.close()
