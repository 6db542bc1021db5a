"""A model behind the real client is measured like the embedded ones: rules first, and a failure is no label."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from operations.dev.sandbox.ai_server import Rule
from streams.ai.asked_labels import evaluate_asked
from streams.ai.asking import Desk
from streams.ai.evaluation import load_labelled
from streams.ai.pricing import ModelPrice, PriceTable
from streams.ai.provider import AIConfig
from tests.integration.ai.conftest import MakeProvider, Server

PRICES = PriceTable({"gpt-5-mini": ModelPrice(input=Decimal("0.25"), cached=Decimal("0.025"), output=Decimal(2))})
LINE = {"channel": "sms", "opt_out": False, "bounce": False, "sentiment": "Interested"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    lines = [
        LINE | {"id": "a", "text": "sounds good"},
        LINE | {"id": "b", "text": "how much", "sentiment": "Information Requested"},
        LINE | {"id": "c", "text": "STOP", "sentiment": "Blacklist", "opt_out": True},
    ]
    path = tmp_path / "labelled.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def desk(make_provider: MakeProvider, **changes: object) -> Desk:
    return Desk(provider=make_provider(**changes), prices=PRICES, now=lambda: datetime.now(UTC))


async def test_rules_decide_first_and_the_rest_is_asked(
    make_provider: MakeProvider, server: Server, file: Path
) -> None:
    report = await evaluate_asked(desk(make_provider), load_labelled(file), timeout_s=10)
    assert (report.messages, report.accuracy, report.provider) == (3, 0.6667, "openai")
    assert (report.opt_out.recall, report.opt_out.precision) == (1.0, 1.0)
    assert [mistake.id for mistake in report.worst] == ["b"]
    assert report.model == "gpt-5-mini-2025-08-07"
    assert len(server.sandbox.seen) == 2, "nobody asks a model about STOP"
    assert report.cost_micro_usd is not None
    assert report.cost_micro_usd > 0


async def test_a_failure_measures_nothing(make_provider: MakeProvider, server: Server, file: Path) -> None:
    with pytest.raises(AIConfig, match="OPENAI_API_KEY"):
        await evaluate_asked(desk(make_provider, api_key="wrong"), load_labelled(file), timeout_s=10)
    server.script(Rule(fault="no_usage"))
    unpriced = Desk(provider=make_provider(), prices=PriceTable({}), now=lambda: datetime.now(UTC))
    assert (await evaluate_asked(unpriced, load_labelled(file), timeout_s=10)).cost_micro_usd is None
