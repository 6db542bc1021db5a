"""A scripted model that costs something: every call is billed by its tokens, as a real one's would be."""

from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel

from streams.ai.pricing import ModelPrice, PriceTable
from streams.ai.provider import AIResult, AITask
from streams.ai.scripted_provider import ScriptedProvider

T = TypeVar("T", bound=BaseModel)
#: A micro-dollar a token.
PRICES = PriceTable({"scripted": ModelPrice(input=Decimal(1), cached=Decimal(1), output=Decimal(1))})


class PaidProvider(ScriptedProvider):
    """Its name is none of those whose calls are free."""

    name = "openai"

    async def run(self, task: AITask[T], budget_s: float) -> AIResult[T]:
        """See `AIProvider.run`."""
        result = await super().run(task, budget_s)
        return replace(result, calls=tuple(replace(call, billing="metered") for call in result.calls))
