"""Look-ups over all workspaces: an immutable snapshot, so that a request sees one state from start to end."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

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
        self._workspaces: dict[str, Workspace] = {workspace.id: workspace for workspace in workspaces}
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

    def secrets(self, provider: str) -> tuple[str, ...]:
        """Every secret any workspace has for a provider."""
        accounts = (workspace.providers.get(provider, _NO_ACCOUNT) for workspace in self._workspaces.values())
        return tuple(dict.fromkeys(secret for account in accounts for secret in account.secrets))

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
        kept = {id_: workspace for id_, workspace in self._workspaces.items() if id_ not in gone}
        return Directory((kept | {workspace.id: workspace for workspace in applied}).values())


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
