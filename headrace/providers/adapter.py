"""What every provider file offers, and the values that go in and out of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from headrace.events.inbox import InboxFact
from headrace.events.receipts import Lane

#: A webhook's JSON object.
Payload = dict[str, Any]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook request as the adapters see it. Header names are lower-case; query values are the first of a name."""

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    #: None until, or unless, the body reads as a JSON object.
    payload: Payload | None


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender may prove itself with: a workspace's secrets, and keys that hold for the whole installation."""

    secrets: tuple[str, ...] = ()
    #: Base64 of the SPKI DER; of a provider that signs for all workspaces (`Adapter.signer`).
    ed25519_public_key: str | None = None
    rsa_public_key: str | None = None


#: What somebody shows to be let in: compared with secrets, never stored.
Presented = Sequence[str | bytes | None]


class Proofs(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider's senders prove themselves, told apart by what must be read for it.

    All but `presented_in_body` need only the request's head and its raw bytes, so that a stranger's body is not parsed.
    """

    #: Shared secrets in header or query.
    presented: Callable[[Request], Presented]
    #: Shared secrets in the payload.
    presented_in_body: Callable[[Payload], Presented] | None = None
    #: The header with the hex HMAC-SHA256 of the body, made with a shared secret.
    hmac_header: str | None = None
    #: True when the provider itself has signed the body: that holds for all workspaces.
    signed_by_provider: Callable[[Request, Credentials], bool] | None = None


class WorkspaceHint(msgspec.Struct, frozen=True):
    """One way a webhook names its workspace: an account field of the workspace file (`location_id` …) and its value."""

    #: `workspace` means the value is the workspace's own id.
    field: str
    value: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What ingest must know to store a webhook: its idempotency key and its lane."""

    dedupe_key: str
    lane: Lane
    #: The provider's event name as read, for verdicts and metrics.
    provider_event: str


class RetryWindow(msgspec.Struct, frozen=True, kw_only=True):
    """When a repeated key is the provider's retry and when it happened again.

    A repeat is a retry while it comes at most `gap` after the last one and `span` after the first one.
    """

    gap: timedelta
    span: timedelta


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The accepted webhook an adapter normalises: everything it may depend on besides the payload."""

    receipt_id: str
    workspace: str
    dedupe_key: str
    received_at: datetime
    timezone: str
    query: Mapping[str, str] = {}


class Normalised(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook means. Without facts, `verdict` and `reason` say why there are none."""

    facts: tuple[InboxFact, ...] = ()
    verdict: Literal["fresh", "ignored", "malformed"] = "fresh"
    reason: str = ""
    provider_event: str = ""


class ApiForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a workspace file says under `api:` so that Headrace may call a provider or service."""

    #: Keys and tokens, by name: encrypted before they leave the operator's machine.
    secrets: tuple[str, ...]
    #: What else it takes. Names that end in `_url` are addresses.
    settings: tuple[str, ...] = ()
    #: Settings of which only some words are known.
    choices: Mapping[str, tuple[str, ...]] = {}
    #: Sets of names, each of which is enough: the alternatives of getting in.
    enough: tuple[tuple[str, ...], ...] = ()
    #: Account fields the calls need.
    accounts: tuple[str, ...] = ()


def names_no_workspace(_payload: Payload) -> Sequence[WorkspaceHint]:
    """For a provider whose webhooks say nothing of the workspace: the URL has to."""
    return ()


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """A provider: a few pure functions and facts. None of the functions raises for any JSON object."""

    name: str
    #: The path of the predecessor, so that an installation can move by changing only the host.
    origin_path: str
    #: Account fields of the workspace file that `workspace_hints` may name, `workspace` aside.
    account_fields: tuple[str, ...] = ()
    #: The status that makes this provider retry later when nothing can be stored.
    unavailable_status: Literal[429, 503] = 503
    #: Query parameters and body fields that hold secrets; ingest keeps the former out of headers and logs.
    secret_query_parameters: tuple[str, ...] = ()
    #: How the provider is called; None: it never is.
    api: ApiForm | None = None
    proofs: Proofs
    #: How the payload names its workspace, most trusted first; empty when it names none.
    workspace_hints: Callable[[Payload], Sequence[WorkspaceHint]] = names_no_workspace
    #: True when a payload that names an unknown workspace may still be assigned by the query.
    query_overrides_unknown_workspace: bool = False
    deliver: Callable[[str, Payload], Delivery]
    normalise: Callable[[Payload, Receipt], Normalised]
    #: None: the key carries the provider's own id, so a repeat is always a retry.
    retry_window: Callable[[Payload], RetryWindow | None]
    #: Who signs webhooks for all workspaces, by the name people know it by. Its public keys are the settings
    #: `<name>_ed25519_public_key` and `<name>_rsa_public_key`. None: nobody does.
    signer: str | None = None
