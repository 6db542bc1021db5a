"""Whose webhook is it: a pure decision over one request and one directory snapshot."""

from headrace.providers.adapter import Adapter, Request
from headrace.workspaces.directory import Directory
from headrace.workspaces.workspace import Workspace


def named_workspace(adapter: Adapter, request: Request, directory: Directory) -> Workspace | None:
    """The workspace a webhook is for: named by the payload, or by the query where the payload names none."""
    hints = adapter.workspace_hints(request.payload) if request.payload is not None else ()
    for hint in hints:
        found = directory.find(adapter.name, hint.field, hint.value)
        if found is not None:
            return found
    if hints and not adapter.query_overrides_unknown_workspace:
        return None
    named = request.query.get("workspace") or request.query.get("clientId")
    return directory.get(named) if named else None
