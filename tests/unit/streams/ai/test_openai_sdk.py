"""What the client relies on in the installed SDK: an upgrade that changes one of these fails here first."""

import importlib.metadata

import httpx2
import openai
import pytest

from streams.ai.openai_provider import OpenAIProvider
from streams.ai.provider import AIRetryable
from tests.contract.ai.questions import classify_task

ANSWER = (
    '{"label":"Interested","opt_out":false,"bounce":false,"contains_phone":null,"proposed_time":false,"confidence":0.9}'
)


def completion(request: httpx2.Request) -> httpx2.Response:
    assert request.headers["authorization"] == "Bearer key"
    message = {"role": "assistant", "content": ANSWER}
    return httpx2.Response(200, json={"choices": [{"message": message, "finish_reason": "stop"}]})


def test_version_is_the_one_these_facts_were_read_from() -> None:
    assert importlib.metadata.version("openai") == "3.54.0"


def test_defaults_that_must_not_be_used() -> None:
    client = openai.AsyncOpenAI(api_key="key", base_url="http://localhost/v1")
    assert client.max_retries == 2
    assert isinstance(client.timeout, openai.Timeout)
    assert client.timeout.read == 600


def test_hierarchy_of_errors() -> None:
    assert issubclass(openai.APITimeoutError, openai.APIConnectionError)
    for error in (openai.RateLimitError, openai.AuthenticationError, openai.InternalServerError, openai.ConflictError):
        assert issubclass(error, openai.APIStatusError)
    assert not issubclass(openai.APIConnectionError, openai.APIStatusError)


async def test_environment_does_not_move_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere.example/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "other-key")
    hosts: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        hosts.append(str(request.url))
        return completion(request)

    provider = OpenAIProvider(
        model="m", base_url="http://here.example/v1", api_key="key\n", transport=httpx2.MockTransport(answer)
    )
    result = await provider.run(classify_task(), 5)
    await provider.close()
    assert hosts == ["http://here.example/v1/chat/completions"]
    assert (result.usage.source, result.model) == ("estimated", "m")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"choices": null}', b'{"choices": []}', b'{"choices": [{}]}', b"\xff\xfe", b'"text"',
     b'{"choices": [{"message": {"content": null}}]}', b'{"choices": [{"message": {"content": ["a"]}}]}',
     b"[" * 100_000],
)  # fmt: skip
async def test_bodies_the_sdk_would_pass_on(body: bytes) -> None:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=body, headers={"content-type": "application/json"})

    provider = OpenAIProvider(model="m", base_url="http://here/v1", transport=httpx2.MockTransport(answer))
    with pytest.raises(AIRetryable) as raised:
        await provider.run(classify_task(), 5)
    await provider.close()
    assert raised.value.reason == "bad_body"
