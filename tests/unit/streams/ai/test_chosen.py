"""The provider that the settings choose, and what is said when they don't add up."""

import pytest
from pydantic import ValidationError

from headrace.settings import Settings
from streams.ai.chosen import AISettingsError, ai_desk, ai_provider, timeouts
from streams.ai.openai_provider import OpenAIProvider


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "AI_PROVIDER",
        "AI_BASE_URL",
        "OPENAI_API_KEY",
        "AI_MODEL",
        "HEADRACE_AI_PRICES",
        "HEADRACE_AI_TIMEOUTS",
    ):
        monkeypatch.delenv(name, raising=False)


def test_offline_by_default() -> None:
    assert ai_desk(Settings()).provider.name == "local"


def test_openai_needs_a_key_or_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_PROVIDER", "openai")
    with pytest.raises(AISettingsError, match="OPENAI_API_KEY"):
        ai_provider(Settings())
    # As compose files pass on what nobody set.
    monkeypatch.setenv("OPENAI_API_KEY", " ")
    with pytest.raises(AISettingsError, match="OPENAI_API_KEY"):
        ai_provider(Settings())
    monkeypatch.setenv("AI_BASE_URL", "http://127.0.0.1:8000/v1/")
    monkeypatch.setenv("AI_MODEL", "llama")
    provider = ai_provider(Settings())
    assert isinstance(provider, OpenAIProvider)
    assert provider.model == "llama"


def test_key_is_trimmed_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " sk-giraffe\n")
    settings = Settings()
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == "sk-giraffe"
    assert "giraffe" not in repr(settings)
    monkeypatch.setenv("OPENAI_API_KEY", "sk giraffe")
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert "giraffe" not in str(refused.value)


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "https://user:secret@x/v1", "https://x/v1?key=1"])
def test_base_urls_that_cannot_be(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AI_BASE_URL", url)
    with pytest.raises(ValidationError):
        Settings()


def test_timeouts_of_single_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_AI_TIMEOUTS", '{"draft.generate": 90}')
    found = timeouts(Settings())
    assert (found["draft.generate"], found["sentiment.classify"]) == (90.0, 25.0)
    monkeypatch.setenv("HEADRACE_AI_TIMEOUTS", '{"draft": 90}')
    with pytest.raises(AISettingsError, match=r"draft\.generate"):
        timeouts(Settings())
