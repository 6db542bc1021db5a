"""The providers Headrace knows. Adding one is a file and a line here."""

from collections.abc import Mapping

from providers import emailbison, ghl, instantly, smartlead, unipile
from providers.adapter import Adapter

ADAPTERS: Mapping[str, Adapter] = {
    adapter.name: adapter
    for adapter in (
        ghl.ADAPTER,
        unipile.ADAPTER,
        smartlead.ADAPTER,
        instantly.ADAPTER,
        emailbison.ADAPTER,
    )
}
