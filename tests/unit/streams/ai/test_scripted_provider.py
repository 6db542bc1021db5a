"""Scripts play in turn, fail like a server, and never answer what nobody wrote."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from headrace.events.ai import AiCalled
from streams.ai.answers import Classified
from streams.ai.asking import Desk, ask
from streams.ai.pricing import PriceTable
from streams.ai.provider import AIConfig, AIError, AIPermanent, AIRetryable, Usage
from streams.ai.scripted_provider import Scripted, ScriptedProvider
from tests.contract.ai.questions import classify_task

INTERESTED = Classified(
    label="Interested", opt_out=False, bounce=False, contains_phone=None, proposed_time=False, confidence=0.9
)


async def test_answers_come_in_turn_and_the_last_stays() -> None:
    neutral = INTERESTED.model_copy(update={"label": "Neutral"})
    provider = ScriptedProvider(
        {("sentiment.classify", "message-1"): [Scripted(value=INTERESTED), Scripted(value=neutral)]}
    )
    labels = [(await provider.run(classify_task(), 1)).value.label for _ in range(3)]
    assert labels == ["Interested", "Neutral", "Neutral"]
    assert len(provider.asked) == 3


async def test_unscripted_task_fails() -> None:
    with pytest.raises(AIPermanent, match="did not say"):
        await ScriptedProvider({}).run(classify_task(), 1)


async def test_delay_beyond_the_budget_is_a_time_out() -> None:
    provider = ScriptedProvider({("sentiment.classify", "*"): [Scripted(value=INTERESTED, delay_s=60)]})
    with pytest.raises(AIRetryable) as raised:
        await provider.run(classify_task(), 0.01)
    assert raised.value.reason == "timeout"


@pytest.mark.parametrize("body", ["", "no", '{"label":"Snoozed"}'])
async def test_bad_bodies_are_refused_like_a_servers(body: str) -> None:
    provider = ScriptedProvider({("sentiment.classify", "*"): [Scripted(body=body)]})
    with pytest.raises(AIPermanent) as raised:
        await provider.run(classify_task(), 1)
    assert raised.value.reason == "schema_invalid"


@pytest.mark.parametrize(
    ("kind", "reason", "error_class"),
    [
        (AIRetryable, "timeout", "transient"),
        (AIRetryable, "rate_limited", "rate_limited"),
        (AIPermanent, "refusal", "permanent"),
        (AIConfig, "bad_key", "dependency_down"),
    ],
)
async def test_failed_calls_are_recorded_with_their_class(kind: type[AIError], reason: str, error_class: str) -> None:
    script = Scripted(error=(kind, reason), usage=Usage(input=7, source="reported"), retry_after=3.0)
    desk = Desk(
        provider=ScriptedProvider({("sentiment.classify", "*"): [script]}),
        prices=PriceTable({}),
        now=lambda: datetime(2026, 3, 2, tzinfo=UTC),
    )
    events: list[AiCalled] = []
    with pytest.raises(kind) as raised:
        await ask(desk, classify_task(), timeout_s=1, record=events.append)
    assert (raised.value.error_class, raised.value.retry_after) == (error_class, 3.0)
    (event,) = events
    assert (event.status, event.error, event.error_class, event.input_tokens) == ("error", reason, error_class, 7)


def test_nobody_waits_for_the_sdk_who_does_not_use_it() -> None:
    program = "import sys, streams.ai.chosen; print(sorted({'openai', 'numpy', 'httpx2'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
