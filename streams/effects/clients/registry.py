"""The clients of the providers Headrace knows (`headrace.events.providers`): each is the file of its name here."""

from collections.abc import Mapping
from importlib import import_module

from headrace.events.providers import PROVIDERS
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from headrace.workspaces.encryption import SecretBox
from projections.connection import connector
from streams.effects.clients.calling import Caller
from streams.effects.clients.oauth import OAuthTokens
from streams.effects.clients.oauth_pairs import PairStore
from streams.effects.clients.protocol import ProviderClient


def provider_clients(caller: Caller, tokens: OAuthTokens | None = None) -> Mapping[str, ProviderClient]:
    """Provider → its client, where it has one: its adapter's `api` says so. All of them call through `caller`.

    Without `tokens` accounts with OAuth are held.
    """
    called = [name for name in PROVIDERS if ADAPTERS[name].api is not None]
    return {name: import_module(f"streams.effects.clients.{name}").client(caller, tokens) for name in called}


def oauth_tokens(settings: Settings, caller: Caller) -> OAuthTokens | None:
    """The tokens of an installation; None without a key to encrypt them with."""
    if settings.secrets_key is None:
        return None
    connect = connector(settings.database_url, "headrace-effects-tokens")
    return OAuthTokens(caller, PairStore(connect, SecretBox.of(settings)))
