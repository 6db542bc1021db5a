"""What the resolver remembers of one workspace: who has an identity, who lives on as whom, whose a message is."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from headrace.events.inbox import Identity
from headrace.events.messages import LeadChanged

#: Leads that are remembered for one phone number or alias. It is shared from the second on: more change nothing.
MOST_CLAIMANTS = 32


class Holder(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """Whom an identity stands for."""

    #: The lead whose own it is. A phone number and an alias are nobody's own.
    owner: str = ""
    #: The leads that were named together with it, as their phone number or as an alias of theirs.
    claimants: tuple[str, ...] = ()
    #: The lead of facts that named nothing else.
    alone: str = ""


class Home(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """Whose a message is."""

    #: The lead it was first given to. Every record of the message has its key, so that one partition orders them.
    lead_id: str
    #: The lead that a split gave it to since.
    moved_to: str = ""


class Leads(Protocol):
    """The resolver's memory. A lead that was merged away is answered with the one it lives on as."""

    def holder(self, identity: Identity) -> Holder:
        """Whom an identity stands for today."""

    def hold(self, identity: Identity, holder: Holder) -> None:
        """Remember whom it stands for."""

    def survivor(self, id_: str) -> str:
        """The lead that a lead lives on as: itself, unless it was merged away."""

    def lead(self, id_: str) -> LeadChanged:
        """A lead's newest state. KeyError when there is none."""

    def put(self, lead: LeadChanged) -> None:
        """Store a lead."""

    def merge(self, id_: str, into: str) -> None:
        """Forget a lead but for what it lives on as."""

    def home(self, message_id: str) -> Home | None:
        """Whose a message is, None for one that was never seen."""

    def settle(self, message_id: str, home: Home) -> None:
        """Remember whose a message is."""


def holder_today(holder: Holder, survivor: Callable[[str], str]) -> Holder:
    """The holder with the leads that live on, each once."""
    return Holder(
        owner=holder.owner and survivor(holder.owner),
        claimants=tuple(dict.fromkeys(survivor(id_) for id_ in holder.claimants)),
        alone=holder.alone and survivor(holder.alone),
    )
