"""Workspaces to records of the topic `workspaces`, and back."""

from contextlib import suppress
from datetime import datetime

from headrace.events.codec import Codec
from headrace.events.envelope import Envelope, Headers
from headrace.events.ids import event_id
from headrace.events.workspaces import AppliedAccount, AppliedApi, WorkspaceApplied
from headrace.workspaces.encryption import SecretBox, UndecryptableSecret
from headrace.workspaces.workspace import ApiAccess, ProviderAccount, Workspace

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
        services={name: _sealed_api(api, box) for name, api in workspace.services.items()},
    )
    return _CODEC.encode(event), _headers(_CODEC.type_of(event), workspace.id, at)


def removed_headers(workspace_id: str, at: datetime) -> Headers:
    """Headers of the tombstone that removes a workspace."""
    return _headers("workspace.removed.v1", workspace_id, at)


def read_applied(type_: str, value: bytes, box: SecretBox | None, *, with_api: bool = False) -> Workspace:
    """The workspace of a record. Without a fitting key the accounts come back marked as not readable.

    Keys of APIs are opened only `with_api`: who calls nobody holds none.
    Raises UnknownEventType, UndecodableEvent or NewerEvent.
    """
    event: WorkspaceApplied = _CODEC.decode(type_, value)
    return Workspace(
        id=event.workspace,
        name=event.name,
        timezone=event.timezone,
        providers={provider: _opened(account, box, with_api) for provider, account in event.providers.items()},
        settings=event.jobs,
        proofs_until=event.proofs_until,
        services=_opened_services(event.services, box) if with_api else {},
    )


def _sealed(account: ProviderAccount, box: SecretBox) -> AppliedAccount:
    return AppliedAccount(
        accounts=dict(account.accounts),
        encrypted_secrets=tuple(box.encrypt(secret) for secret in account.secrets),
        allow_unsigned=account.allow_unsigned,
        api=_sealed_api(account.api, box) if account.api is not None else None,
    )


def _sealed_api(api: ApiAccess, box: SecretBox) -> AppliedApi:
    return AppliedApi(
        settings=dict(api.settings),
        encrypted_secrets={name: box.encrypt(secret) for name, secret in api.secrets.items()},
    )


def _opened(account: AppliedAccount, box: SecretBox | None, with_api: bool) -> ProviderAccount:
    try:
        secrets = _decrypted(account.encrypted_secrets, box)
        api = _opened_api(account.api, box) if with_api and account.api is not None else None
    except UndecryptableSecret:
        return ProviderAccount(accounts=account.accounts, readable=False)
    return ProviderAccount(accounts=account.accounts, secrets=secrets, allow_unsigned=account.allow_unsigned, api=api)


def _opened_api(api: AppliedApi, box: SecretBox | None) -> ApiAccess:
    tokens = _decrypted(tuple(api.encrypted_secrets.values()), box)
    return ApiAccess(settings=api.settings, secrets=dict(zip(api.encrypted_secrets, tokens, strict=True)))


def _opened_services(services: dict[str, AppliedApi], box: SecretBox | None) -> dict[str, ApiAccess]:
    """Those that can be opened here: one that can't is one the workspace has not got."""
    opened = {}
    for name, api in services.items():
        with suppress(UndecryptableSecret):
            opened[name] = _opened_api(api, box)
    return opened


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
