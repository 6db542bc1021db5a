"""Makes the provider the settings choose, and says what is missing before the first message needs it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

from headrace.settings import Settings
from streams.ai.asking import Desk
from streams.ai.local_provider import LocalProvider
from streams.ai.openai_provider import DEFAULT_BASE_URL, OpenAIProvider
from streams.ai.pricing import ModelPrice, PriceTable
from streams.ai.provider import AIProvider, Feature
from streams.ai.reading import ReadOf, aside
from streams.ai.tasks import DEFAULT_TIMEOUTS


class AISettingsError(ValueError):
    """The settings don't add up; the message says which to change."""


def _price(input_: str, cached: str, output: str) -> ModelPrice:
    return ModelPrice(input=Decimal(input_), cached=Decimal(cached), output=Decimal(output))


#: US dollars per million tokens, as OpenAI's price page gives them; `HEADRACE_AI_PRICES` adds and overrides.
KNOWN_PRICES: Mapping[str, ModelPrice] = MappingProxyType(
    {
        "gpt-5": _price("1.25", "0.125", "10"),
        "gpt-5.1": _price("1.25", "0.125", "10"),
        "gpt-5.2": _price("1.75", "0.175", "14"),
        "gpt-5-mini": _price("0.25", "0.025", "2"),
        "gpt-5-nano": _price("0.05", "0.005", "0.40"),
    }
)


def ai_desk(settings: Settings, read_of: ReadOf = aside) -> Desk:
    """What `asking.ask` needs, by the settings. Raises AISettingsError. `read_of`: where a local provider reads."""
    return Desk(provider=ai_provider(settings, read_of), prices=price_table(settings), now=lambda: datetime.now(UTC))


def ai_provider(settings: Settings, read_of: ReadOf = aside) -> AIProvider:
    """The provider. Raises AISettingsError."""
    if settings.ai_provider == "local":
        return LocalProvider(read_of=read_of)
    if settings.openai_api_key is None and settings.ai_base_url is None:
        raise AISettingsError(
            "AI_PROVIDER=openai needs OPENAI_API_KEY; or AI_BASE_URL of a server that asks for none. "
            "AI_PROVIDER=local works without either."
        )
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key is not None else ""
    base_url = settings.ai_base_url or DEFAULT_BASE_URL
    return OpenAIProvider(model=settings.ai_model, base_url=base_url, api_key=key)


def price_table(settings: Settings) -> PriceTable:
    """Known prices with those of the settings over them."""
    own = {
        name: ModelPrice(input=price.input, cached=price.cached, output=price.output)
        for name, price in settings.ai_prices.items()
    }
    return PriceTable({**KNOWN_PRICES, **own})


def timeouts(settings: Settings) -> dict[Feature, float]:
    """Seconds each feature may take. Raises AISettingsError for a feature there is not."""
    unknown = set(settings.ai_timeouts) - set(DEFAULT_TIMEOUTS)
    if unknown:
        raise AISettingsError(
            f"HEADRACE_AI_TIMEOUTS names {sorted(unknown)[0]!r}; the features are {', '.join(DEFAULT_TIMEOUTS)}"
        )
    return {feature: settings.ai_timeouts.get(feature, default) for feature, default in DEFAULT_TIMEOUTS.items()}
