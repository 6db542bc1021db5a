"""The sandbox as a program: controlled over HTTP, and answering with the shipped classifier."""

import httpx
import pytest

from operations.dev.sandbox.ai_server import DEFAULT_KEY, Sandbox, serving
from streams.ai.local_provider import LocalProvider
from streams.ai.openai_provider import OpenAIProvider
from streams.ai.provider import AIRetryable
from tests.contract.ai.questions import TASKS, classify_task


async def test_answers_are_those_of_the_offline_provider() -> None:
    local = LocalProvider()
    async with serving(Sandbox()) as url:
        remote = OpenAIProvider(model="gpt-5-mini", base_url=url, api_key=DEFAULT_KEY)
        for make in TASKS:
            asked = make()
            there, here = await remote.run(asked, 60), await local.run(asked, 60)
            if asked.feature != "draft.generate":  # the draft's variant follows the message's id, which is not sent
                assert there.value == here.value
        await remote.close()


async def test_control_over_http() -> None:
    async with serving(Sandbox()) as url, httpx.AsyncClient(base_url=url.removesuffix("/v1")) as control:
        provider = OpenAIProvider(model="gpt-5-mini", base_url=url, api_key="second-key")
        await control.patch("/control", json={"key": "second-key"})
        await control.post("/control", json=[{"fault": "status", "status": 503, "times": 1}])
        with pytest.raises(AIRetryable):
            await provider.run(classify_task(), 60)
        assert (await provider.run(classify_task(), 60)).value.label
        state = (await control.get("/control")).json()
        assert (state["requests"], state["rules"], state["schemas"]) == (2, 0, ["classify", "classify"])
        assert (await control.delete("/control")).json()["requests"] == 0
        assert (await control.get("/v1/models")).json()["data"]
        await provider.close()


async def test_a_stranger_is_told_what_is_missing() -> None:
    async with serving(Sandbox()) as url, httpx.AsyncClient(base_url=url) as client:
        body = {"model": "gpt-5", "messages": [{"role": "user", "content": "hello"}]}
        reply = await client.post("/chat/completions", json=body, headers={"authorization": f"Bearer {DEFAULT_KEY}"})
        assert reply.status_code == 400
        assert "script an answer" in reply.json()["error"]["message"]
