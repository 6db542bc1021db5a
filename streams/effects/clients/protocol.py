"""What every provider's client offers."""

from typing import Protocol, runtime_checkable

from headrace.workspaces.api_credentials import ApiCredentials
from streams.effects.clients.allowances import Limit
from streams.effects.clients.concerned import Concerned
from streams.effects.clients.reply import Reply
from streams.effects.outcome import LookUp, Outcome


class ProviderClient(Protocol):
    """Calls one provider. No method raises for anything a provider or a network does; cancelling one is allowed.

    `deadline` is seconds for the whole call: connecting, TLS, writing and reading together, all pages of a look-up.
    A cancelled `send_reply` has an unknown outcome.
    """

    #: What the provider's documents allow; answers correct it (`Caller.allowances`, by provider and `limited_as`).
    limits: tuple[Limit, ...]
    #: The route of `send_reply`; a limit of other routes is one of look-ups.
    send_route: str

    def limited_as(self, credentials: ApiCredentials) -> str:
        """Names what shares the limits: a location, an account, a key. Nothing secret can be read out of it."""
        ...

    async def send_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> Outcome:
        """Sends it, at most once: there is no retry below this call."""
        ...

    async def find_reply(self, reply: Reply, credentials: ApiCredentials, deadline: float) -> LookUp:
        """Asks whether the provider has it: same account and thread, outbound, equal text, a time around the claim."""
        ...


@runtime_checkable
class Suppressing(Protocol):
    """A provider that can be told to write to somebody no more. Doing it again changes nothing."""

    async def suppress(self, who: Concerned, credentials: ApiCredentials, deadline: float) -> Outcome:
        """On every channel of the provider. Sent means it took the order, not that it has carried it out."""
        ...

    async def confirm_suppressed(self, who: Concerned, credentials: ApiCredentials, deadline: float) -> LookUp:
        """Found: the provider itself says so. NotFound: it surely does not."""
        ...


@runtime_checkable
class Pausing(Protocol):
    """A provider whose campaign can be stopped for one lead. Doing it again changes nothing."""

    async def pause(self, who: Concerned, credentials: ApiCredentials, deadline: float) -> Outcome:
        """No further e-mail of the campaign goes to the lead."""
        ...


@runtime_checkable
class Labelling(Protocol):
    """A provider that keeps a label of a lead. Doing it again changes nothing."""

    async def write_label(self, who: Concerned, value: str, credentials: ApiCredentials, deadline: float) -> Outcome:
        """`value` is the provider's own: a category's number, an interest status, a tag; docs/sending-setup.md."""
        ...
