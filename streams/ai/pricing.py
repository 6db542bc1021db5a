"""What a call cost: tokens times a price table that is a setting. An unknown price is unknown, never nothing."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from math import ceil

from streams.ai.provider import Call, Usage

#: Names under which a model of ours answers: no money changes hands.
FREE_PROVIDERS = frozenset({"local", "scripted"})
_DATE_SUFFIX = re.compile(r"-20\d\d-?\d\d-?\d\d$")


@dataclass(frozen=True, kw_only=True)
class ModelPrice:
    """US dollars per million tokens, which is the same number as micro-dollars per token."""

    input: Decimal
    output: Decimal
    #: None: cached tokens cost as much as others.
    cached: Decimal | None = None


@dataclass(frozen=True)
class PriceTable:
    """Prices by model name. A name matches with and without its date suffix, and without a vendor prefix."""

    models: Mapping[str, ModelPrice]

    @cached_property
    def version(self) -> str:
        """Twelve hex digits that name this table's content."""
        rows = {name: [str(p.input), str(p.cached), str(p.output)] for name, p in sorted(self.models.items())}
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:12]

    def price(self, model: str) -> ModelPrice | None:
        """The model's price; None when the table doesn't know it."""
        bare = model.rpartition("/")[2]
        names = (model, _DATE_SUFFIX.sub("", model), bare, _DATE_SUFFIX.sub("", bare))
        return next((self.models[name] for name in names if name in self.models), None)

    def cost_micro_usd(self, provider: str, call: Call, asked_model: str) -> int | None:
        """What the call cost, in millionths of a dollar; None when that can't be known.

        `asked_model` prices a reply under a name the table doesn't know, such as an alias of the server.
        """
        if provider in FREE_PROVIDERS or call.billing == "none":
            return 0
        price = self.price(call.model) or self.price(asked_model)
        if price is None or call.usage.source == "none":
            return None
        return _cost(call.usage, price)

    def most_micro_usd(self, model: str, prompt_bytes: int, max_output_tokens: int) -> int | None:
        """An upper bound for one try, to reserve before it; None when the model has no price."""
        price = self.price(model)
        if price is None:
            return None
        # Half a token a byte: more than any tokenizer needs for the languages of our messages.
        return _cost(Usage(input=ceil(prompt_bytes / 2), output=max_output_tokens), price)


def _cost(usage: Usage, price: ModelPrice) -> int:
    """Cached tokens are part of the input and reasoning of the output: neither is paid twice."""
    cached_price = price.input if price.cached is None else price.cached
    cached = min(usage.cached, usage.input)
    total = (usage.input - cached) * price.input + cached * cached_price + usage.output * price.output
    return int(total.quantize(Decimal(1), ROUND_HALF_UP))
