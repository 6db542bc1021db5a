"""A run's budget: reserved before a call, spent after it, and never overdrawn by calls under way together."""

import asyncio
from typing import Any

import pytest

from operations.runs.run_budget import BudgetSpent, RunBudget, SpendingRefused
from streams.jobs.step import StepFailed

ACME: Any = None


class Call:
    def __init__(self, cost: int | None, most: int | None = None) -> None:
        self.cost_micro_usd, self.most_micro_usd = cost, most


async def test_what_may_cost_more_than_is_left_is_refused() -> None:
    budget = RunBudget(100, spent=40)
    with pytest.raises(StepFailed, match="over_budget"):
        budget.reserve(ACME, "a", 61)
    budget.reserve(ACME, "a", 60)
    with pytest.raises(StepFailed):
        budget.reserve(ACME, "b", 1)
    budget.settle(ACME, "a", [Call(5)])  # type: ignore[list-item]
    assert budget.spent == 45
    budget.reserve(ACME, "b", 55)


async def test_a_call_waits_for_those_under_way_but_not_for_ever() -> None:
    budget = RunBudget(100)
    budget.reserve(ACME, "a", 100)
    waiting = asyncio.create_task(budget.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    budget.settle(ACME, "a", [Call(None, most=70)])  # type: ignore[list-item]
    await waiting
    assert budget.spent == 70, "of unknown cost counts all it may have cost"
    with pytest.raises(BudgetSpent, match="70 of 100"):
        await budget.room()


async def test_without_a_price_there_is_no_budget() -> None:
    with pytest.raises(SpendingRefused, match="HEADRACE_AI_PRICES"):
        RunBudget(100).reserve(ACME, "a", None)
