"""What every provider's client offers."""

from typing import Protocol

from headrace.workspaces.api_credentials import ApiCredentials
from streams.effects.clients.allowances import Limit
from streams.effects.clients.reply import Reply
from streams.effects.outcome import LookUp, Outcome


class ProviderClient(Protocol):
    """Calls one provider. No method raises for anything a provider or a network does; cancelling one is allowed.

    `deadline` is seconds for the whole call: connecting, TLS, writing and reading together, all pages of a look-up.
    A cancelled `send_reply` has an unknown outcome.
    """

    #: What the provider's documents allow; answers correct it (`Caller.allowances`, by provider and `limited_as`).
    limits: tuple[Limit, ...]

    def limited_as(self, credentials: ApiCredentials) -> str:
        """Names what shares the limits: a location, an account, a key. Nothing secret can be read out of it."""
        ...

    async def send_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> Outcome:
        """Sends it, at most once: there is no retry below this call."""
        ...

    async def find_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> LookUp:
        """Asks whether the provider has it: same account and thread, outbound, equal text, a time around the claim."""
        ...
