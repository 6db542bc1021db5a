"""The clients of the providers Headrace knows (`headrace.events.providers`): each is the file of its name here."""

from collections.abc import Mapping
from importlib import import_module

from headrace.events.providers import PROVIDERS
from streams.effects.clients.calling import Caller
from streams.effects.clients.protocol import ProviderClient


def provider_clients(caller: Caller) -> Mapping[str, ProviderClient]:
    """Provider → its client; all of them call through `caller`."""
    return {name: import_module(f"streams.effects.clients.{name}").client(caller) for name in PROVIDERS}
