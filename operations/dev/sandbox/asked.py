"""A request and its answer as the sandbox's providers see them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from headrace.workspaces.workspace import Workspace
from operations.dev.sandbox.store import Message, Store


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request that is as documented."""

    number: int
    route: str
    #: What stands at the path's placeholders.
    at: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: dict[str, Any]
    #: The key as it was shown.
    key: str
    #: Account fields of the workspace that the key belongs to; empty when no workspace was given.
    accounts: Mapping[str, str] = {}
    #: The address of this server with the provider's prefix.
    url: str


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What comes back, and what is told by webhook."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = {}
    #: Webhooks that follow.
    echoes: tuple["Echo", ...] = ()
    #: What was added to a thread, so that faults can delay its showing.
    sent: Message | None = None


class Echo(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as the provider sends it, before it is proven."""

    body: dict[str, Any]


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook ready to be posted."""

    path: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes


class Complaint(Exception):
    """The provider refuses: its handlers raise this."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message


class StandIn(Protocol):
    """What stands in for a provider."""

    name: str
    #: Route → what does its work.
    work: Mapping[str, Callable[[Asked, Store], Answered]]

    def key_of(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
        """The key a request shows; empty when it shows none."""
        ...

    def refusal(self, status: int, kind: str, message: str) -> Answered:
        """An error in the provider's own shape."""
        ...

    def limit_headers(self, remaining: int | None, wait: float) -> Mapping[str, str]:
        """What answers say about limits; `wait` is 0 in those to what was let through."""
        ...

    def invalid(self, complaints: list[str]) -> Answered:
        """How it refuses what is not as documented."""
        ...

    def prove(self, echo: Echo, workspace: Workspace) -> Webhook:
        """The webhook with one of the proofs that the provider's own would have."""
        ...


def posted(
    provider: str,
    workspace: Workspace,
    body: dict[str, Any],
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> Webhook:
    """A webhook to the provider's route, which names the workspace."""
    return Webhook(
        path=f"/webhooks/{provider}",
        query={"workspace": workspace.id, **(query or {})},
        headers={"content-type": "application/json", **(headers or {})},
        body=msgspec.json.encode(body),
    )


def secret_of(provider: str, workspace: Workspace) -> str:
    """The newest of the workspace's secrets for webhooks of the provider."""
    account = workspace.providers.get(provider)
    return account.secrets[0] if account and account.secrets else ""


def retry_header(wait: float) -> dict[str, str]:
    """`Retry-After`, for who came too early."""
    return {"Retry-After": str(int(wait) + 1)} if wait > 0 else {}


def iso(moment: datetime) -> str:
    """UTC with milliseconds, as most of them write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def bearer(headers: Mapping[str, str]) -> str:
    """The token of `Authorization: Bearer …`."""
    return headers.get("authorization", "").removeprefix("Bearer ")
