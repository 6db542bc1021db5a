"""The adapters of the providers Headrace knows (`headrace.events.providers`): each is the file of its name here."""

from collections.abc import Mapping
from importlib import import_module

import msgspec

from headrace.events.caps import capped
from headrace.events.providers import PROVIDERS
from headrace.providers.adapter import Adapter, Normalised, Payload, Receipt


def within_caps(adapter: Adapter) -> Adapter:
    """The adapter with the fields of its facts within their caps, whatever a webhook holds (`headrace.events.caps`)."""

    def normalise(payload: Payload, receipt: Receipt) -> Normalised:
        normalised = adapter.normalise(payload, receipt)
        facts = tuple(capped(fact) for fact in normalised.facts)
        return msgspec.structs.replace(normalised, facts=facts)

    return msgspec.structs.replace(adapter, normalise=normalise)


def _adapter(name: str) -> Adapter:
    adapter = import_module(f"headrace.providers.{name}").ADAPTER
    if not isinstance(adapter, Adapter) or adapter.name != name:
        raise TypeError(f"ADAPTER in headrace/providers/{name}.py must be the Adapter named {name!r}")
    return adapter


ADAPTERS: Mapping[str, Adapter] = {name: within_caps(_adapter(name)) for name in PROVIDERS}
