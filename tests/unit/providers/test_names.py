"""The names that stand apart from the adapters are theirs."""

from headrace.providers.names import PROVIDERS
from headrace.providers.registry import ADAPTERS


def test_every_adapter_is_named_in_its_order() -> None:
    assert tuple(ADAPTERS) == PROVIDERS
