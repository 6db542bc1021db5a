"""Every provider behind one door: the offline one, a scripted one, and the real client against the sandbox."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from operations.dev.sandbox.ai_answers import SandboxAnswers
from operations.dev.sandbox.ai_server import DEFAULT_KEY, Sandbox, serving
from streams.ai.local_provider import LocalProvider
from streams.ai.openai_provider import OpenAIProvider
from streams.ai.provider import AIProvider
from streams.ai.scripted_provider import Scripted, ScriptedProvider
from tests.contract.ai.questions import TASKS, FixedClassifier


def local() -> LocalProvider:
    """The offline provider, with a classifier that needs no training."""
    return LocalProvider(FixedClassifier)


@pytest.fixture
async def sandbox() -> AsyncIterator[tuple[Sandbox, str]]:
    """A server of its own for each test, and its URL."""
    server = Sandbox(answers=SandboxAnswers(local()))
    async with serving(server) as url:
        yield server, url


@pytest.fixture(params=["local", "scripted", "openai"])
async def provider(request: pytest.FixtureRequest, sandbox: tuple[Sandbox, str]) -> AsyncIterator[AIProvider]:
    """Each provider in turn, able to answer the tasks of `questions.TASKS`."""
    if request.param == "local":
        made: Any = local()
    elif request.param == "scripted":
        made = ScriptedProvider(await _answers())
    else:
        made = OpenAIProvider(model="gpt-5-mini", base_url=sandbox[1], api_key=DEFAULT_KEY)
    yield made
    await made.close()


async def _answers() -> dict[Any, list[Scripted]]:
    results = [(task, await local().run(task, 5)) for task in (make() for make in TASKS)]
    return {(task.feature, "*"): [Scripted(value=result.value)] for task, result in results}
