"""Workspaces to records of the topic `workspaces`, and back."""

from datetime import datetime

from headrace.events.codec import Codec
from headrace.events.envelope import Envelope, Headers
from headrace.events.ids import event_id
from headrace.events.workspaces import AppliedAccount, WorkspaceApplied
from headrace.workspaces.encryption import SecretBox, UndecryptableSecret
from headrace.workspaces.workspace import ProviderAccount, Workspace

_CODEC = Codec()
_SOURCE = "/cli/workspace"


def applied_record(workspace: Workspace, box: SecretBox, at: datetime) -> tuple[bytes, Headers]:
    """Value and headers of a workspace's newest state; the key is its id. `at` is the operator's clock, aware."""
    event = WorkspaceApplied(
        workspace=workspace.id,
        name=workspace.name,
        timezone=workspace.timezone,
        providers={provider: _sealed(account, box) for provider, account in workspace.providers.items()},
        jobs=workspace.settings,
        proofs_until=workspace.proofs_until,
    )
    return _CODEC.encode(event), _headers(_CODEC.type_of(event), workspace.id, at)


def removed_headers(workspace_id: str, at: datetime) -> Headers:
    """Headers of the tombstone that removes a workspace."""
    return _headers("workspace.removed.v1", workspace_id, at)


def read_applied(type_: str, value: bytes, box: SecretBox | None) -> Workspace:
    """The workspace of a record. Without a fitting key the accounts come back marked as not readable.

    Raises UnknownEventType, UndecodableEvent or NewerEvent.
    """
    event: WorkspaceApplied = _CODEC.decode(type_, value)
    return Workspace(
        id=event.workspace,
        name=event.name,
        timezone=event.timezone,
        providers={provider: _opened(account, box) for provider, account in event.providers.items()},
        settings=event.jobs,
        proofs_until=event.proofs_until,
    )


def _sealed(account: ProviderAccount, box: SecretBox) -> AppliedAccount:
    return AppliedAccount(
        accounts=dict(account.accounts),
        encrypted_secrets=tuple(box.encrypt(secret) for secret in account.secrets),
        allow_unsigned=account.allow_unsigned,
    )


def _opened(account: AppliedAccount, box: SecretBox | None) -> ProviderAccount:
    try:
        secrets = _decrypted(account.encrypted_secrets, box)
    except UndecryptableSecret:
        return ProviderAccount(accounts=account.accounts, readable=False)
    return ProviderAccount(accounts=account.accounts, secrets=secrets, allow_unsigned=account.allow_unsigned)


def _decrypted(tokens: tuple[str, ...], box: SecretBox | None) -> tuple[str, ...]:
    if tokens and box is None:
        raise UndecryptableSecret("HEADRACE_SECRETS_KEY is not set")
    return tuple(box.decrypt(token) for token in tokens) if box else ()


def _headers(type_: str, workspace_id: str, at: datetime) -> Headers:
    envelope = Envelope(
        id=event_id(type_, workspace_id, at.isoformat()),
        type=type_,
        source=_SOURCE,
        time=at,
        subject=workspace_id,
        workspace=workspace_id,
    )
    return envelope.headers()
