"""The clients of the providers Headrace knows (`headrace.events.providers`): each is the file of its name here."""

from collections.abc import Mapping
from importlib import import_module

import httpx

from headrace.events.providers import PROVIDERS
from streams.effects.clients.protocol import ProviderClient


def provider_clients(http: httpx.AsyncClient) -> Mapping[str, ProviderClient]:
    """Provider → its client; all of them share `http` (`streams.effects.clients.calling.http_client`)."""
    return {name: import_module(f"streams.effects.clients.{name}").client(http) for name in PROVIDERS}
