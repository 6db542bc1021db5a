"""Look-ups over all workspaces: an immutable snapshot, so that a request sees one state from start to end."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from headrace.workspaces.api_credentials import ApiCredentials
from headrace.workspaces.workspace import ProviderAccount, Workspace

_NO_ACCOUNT = ProviderAccount()


class Claim(NamedTuple):
    """A provider's account value that a workspace says is its own."""

    provider: str
    field: str
    value: str

    def __str__(self) -> str:
        return f"{self.provider} {self.field} {self.value}"


class Directory:
    """All workspaces at one moment."""

    def __init__(self, workspaces: Iterable[Workspace] = ()) -> None:
        found = {workspace.id: workspace for workspace in workspaces}
        self._workspaces: dict[str, Workspace] = {id_: one for id_, one in found.items() if one.proofs_until is None}
        #: Removed ones whose senders are still known by their secrets.
        self.retired: Mapping[str, Workspace] = {id_: one for id_, one in found.items() if id_ not in self._workspaces}
        owners = _owners(self._workspaces.values())
        self._by_claim = {claim: self._workspaces[ids[0]] for claim, ids in owners.items() if len(ids) == 1}
        #: Account values that several workspaces claim → those workspaces. Looked up, they find nobody.
        self.conflicts: Mapping[Claim, tuple[str, ...]] = {c: tuple(ids) for c, ids in owners.items() if len(ids) > 1}

    def __len__(self) -> int:
        return len(self._workspaces)

    def __iter__(self) -> Iterator[Workspace]:
        return iter(self._workspaces.values())

    def get(self, workspace_id: str) -> Workspace | None:
        """The workspace of an id."""
        return self._workspaces.get(workspace_id)

    def find(self, provider: str, field: str, value: str) -> Workspace | None:
        """The workspace that owns an account value; `workspace` as field means the value is the id itself.

        None when nobody owns it, and when several claim to.
        """
        if field == "workspace":
            return self._workspaces.get(value)
        return self._by_claim.get(_claim(provider, field, value))

    def account(self, workspace: Workspace, provider: str) -> ProviderAccount:
        """The workspace's account at a provider; one without any proof when it has none."""
        return workspace.providers.get(provider, _NO_ACCOUNT)

    def api(self, workspace_id: str, name: str) -> ApiCredentials | None:
        """What a provider or service is called with for a workspace; None when it has no `api` for it."""
        workspace = self._workspaces.get(workspace_id)
        if workspace is None:
            return None
        account = workspace.providers.get(name, _NO_ACCOUNT)
        access = account.api or workspace.services.get(name)
        if access is None:
            return None
        return ApiCredentials(
            workspace=workspace_id,
            provider=name,
            accounts=account.accounts,
            settings=access.settings,
            secrets=access.secrets,
        )

    def secrets(self, provider: str, at: datetime | None = None) -> tuple[str, ...]:
        """Every secret any workspace has for a provider; with a moment, those of removed ones that count then, too."""
        removed = (one for one in self.retired.values() if at is not None and not _is_over(one, at))
        accounts = (one.providers.get(provider, _NO_ACCOUNT) for one in (*self._workspaces.values(), *removed))
        return tuple(dict.fromkeys(secret for account in accounts for secret in account.secrets))

    def next_end(self, after: datetime) -> datetime | None:
        """When the proofs of a removed workspace end next; None when none is left."""
        ends = (one.proofs_until for one in self.retired.values() if one.proofs_until is not None)
        return min((end for end in ends if end > after), default=None)

    def forgotten(self, at: datetime) -> list[str]:
        """Removed workspaces whose proofs count no more."""
        return [id_ for id_, workspace in self.retired.items() if _is_over(workspace, at)]

    def unsigned(self) -> list[tuple[str, str]]:
        """(workspace, provider) pairs whose webhooks need no proof."""
        return [
            (workspace.id, provider)
            for workspace in self._workspaces.values()
            for provider, account in workspace.providers.items()
            if account.allow_unsigned
        ]

    def unreadable(self) -> list[tuple[str, str]]:
        """(workspace, provider) pairs whose secrets no configured key opens."""
        return [
            (workspace.id, provider)
            for workspace in self._workspaces.values()
            for provider, account in workspace.providers.items()
            if not account.readable
        ]

    def changed(self, applied: Iterable[Workspace], removed: Iterable[str] = ()) -> "Directory":
        """The directory after workspaces were applied and ids removed."""
        gone = set(removed)
        before = {**self._workspaces, **self.retired}
        kept = {id_: workspace for id_, workspace in before.items() if id_ not in gone}
        return Directory((kept | {workspace.id: workspace for workspace in applied}).values())


def _is_over(removed: Workspace, at: datetime) -> bool:
    return removed.proofs_until is None or removed.proofs_until <= at


def _owners(workspaces: Iterable[Workspace]) -> dict[Claim, list[str]]:
    owners: dict[Claim, list[str]] = defaultdict(list)
    for workspace in workspaces:
        for provider, account in workspace.providers.items():
            for field, value in account.accounts.items():
                owners[_claim(provider, field, value)].append(workspace.id)
    return owners


def _claim(provider: str, field: str, value: str) -> Claim:
    # Names are typed by people, so case doesn't tell them apart; ids are compared as they are.
    comparable = value.strip()
    return Claim(provider, field, comparable.casefold() if field.endswith("_name") else comparable)
