"""Costs in millionths of a dollar: exact, and unknown rather than nothing."""

from decimal import Decimal

import pytest

from headrace.settings import Settings
from streams.ai.chosen import price_table
from streams.ai.pricing import ModelPrice, PriceTable
from streams.ai.provider import Billing, Call, Usage

TABLE = PriceTable(
    {
        "small": ModelPrice(input=Decimal("0.05"), cached=Decimal("0.005"), output=Decimal("0.40")),
        "plain": ModelPrice(input=Decimal(1), output=Decimal(2)),
    }
)


def call(model: str, usage: Usage, billing: Billing = "metered") -> Call:
    return Call(model=model, latency_ms=1, status="ok", usage=usage, billing=billing)


REPORTED = Usage(input=1000, cached=400, output=100, reasoning=80, source="reported")


def test_cached_is_inside_input_and_reasoning_inside_output() -> None:
    # 600 x 0.05 + 400 x 0.005 + 100 x 0.40
    assert TABLE.cost_micro_usd("openai", call("small", REPORTED), "small") == 72


def test_cached_costs_as_much_as_input_without_a_price_of_its_own() -> None:
    assert TABLE.cost_micro_usd("openai", call("plain", REPORTED), "plain") == 1200


@pytest.mark.parametrize(
    "name", ["small", "small-2025-08-07", "openai/small", "openai/small-2025-08-07", "small-20250807"]
)
def test_names_with_dates_and_vendors(name: str) -> None:
    assert TABLE.price(name) == TABLE.models["small"]


def test_unknown_model_costs_an_unknown_amount() -> None:
    assert TABLE.cost_micro_usd("openai", call("huge", REPORTED), "huge") is None
    assert TABLE.cost_micro_usd("openai", call("alias", REPORTED), "plain") == 1200


def test_unknown_usage_costs_an_unknown_amount_unless_nothing_was_billed() -> None:
    assert TABLE.cost_micro_usd("openai", call("small", Usage(), "unknown"), "small") is None
    assert TABLE.cost_micro_usd("openai", call("small", Usage(), "none"), "small") == 0


@pytest.mark.parametrize("provider", ["local", "scripted"])
def test_what_runs_here_is_free(provider: str) -> None:
    assert TABLE.cost_micro_usd(provider, call("huge", REPORTED), "huge") == 0


def test_version_follows_the_content() -> None:
    same = PriceTable(dict(reversed(list(TABLE.models.items()))))
    dearer = PriceTable({**TABLE.models, "plain": ModelPrice(input=Decimal(1), output=Decimal(3))})
    assert TABLE.version == same.version
    assert TABLE.version != dearer.version


def test_prices_of_the_settings_come_over_the_known_ones() -> None:
    settings = Settings(ai_prices={"gpt-5": {"input": "2", "output": "3"}, "mine": {"input": 0, "output": 0}})
    table = price_table(settings)
    assert table.models["gpt-5"] == ModelPrice(input=Decimal(2), output=Decimal(3))
    assert table.cost_micro_usd("openai", call("mine", REPORTED), "mine") == 0
    assert "gpt-5-mini" in table.models
