"""The providers Headrace knows. Adding one is a file, a line here and its name in `headrace.providers.names`."""

from collections.abc import Mapping

import msgspec

from headrace.events.caps import capped
from headrace.providers import emailbison, ghl, instantly, smartlead, unipile
from headrace.providers.adapter import Adapter, Normalised, Payload, Receipt


def within_caps(adapter: Adapter) -> Adapter:
    """The adapter with the fields of its facts within their caps, whatever a webhook holds (`headrace.events.caps`)."""

    def normalise(payload: Payload, receipt: Receipt) -> Normalised:
        normalised = adapter.normalise(payload, receipt)
        facts = tuple(capped(fact) for fact in normalised.facts)
        return msgspec.structs.replace(normalised, facts=facts)

    return msgspec.structs.replace(adapter, normalise=normalise)


ADAPTERS: Mapping[str, Adapter] = {
    adapter.name: within_caps(adapter)
    for adapter in (
        ghl.ADAPTER,
        unipile.ADAPTER,
        smartlead.ADAPTER,
        instantly.ADAPTER,
        emailbison.ADAPTER,
    )
}
