"""Why a sender is not believed, for the operator alone: the answer says the same to everybody."""

from collections.abc import Mapping

from headrace.providers.adapter import Adapter, Request
from headrace.providers.payload import UnreadableBody, read_payload
from headrace.providers.proofs import presented_by
from headrace.workspaces.directory import Directory
from headrace.workspaces.naming import named_workspace
from headrace.workspaces.workspace import Workspace
from ingest.refusals import RefusedBecause

#: Query parameters that name a workspace.
_NAMING = ("workspace", "clientId")


def why_unproven(adapter: Adapter, request: Request, directory: Directory) -> RefusedBecause:
    """Whom the request names, and what its proof lacks. Reads the body. Never raises for an adapter's defect."""
    try:
        read = _read(request)
        account = _named(adapter, read)
        workspace = named_workspace(adapter, read, directory)
        return RefusedBecause(account, _lack(adapter, read, workspace, directory))
    except Exception:  # A defective adapter says nothing; its failure was reported when it was asked first.
        return RefusedBecause(named_in_query(request.query))


def named_in_query(query: Mapping[str, str]) -> str:
    """The workspace that the address names; empty when it names none."""
    return next((f"workspace={query[name]}" for name in _NAMING if query.get(name)), "")


def _read(request: Request) -> Request:
    if request.payload is not None:
        return request
    try:
        payload = read_payload(request.body)
    except UnreadableBody:
        return request
    return Request(body=request.body, headers=request.headers, query=request.query, payload=payload)


def _named(adapter: Adapter, request: Request) -> str:
    hints = adapter.workspace_hints(request.payload) if request.payload is not None else ()
    hint = next(iter(hints), None)
    return f"{hint.field}={hint.value}" if hint is not None else named_in_query(request.query)


def _lack(adapter: Adapter, request: Request, workspace: Workspace | None, directory: Directory) -> str:
    proofs = adapter.proofs
    has_shown = any(presented_by(proofs, request)) or (
        proofs.hmac_header is not None and proofs.hmac_header in request.headers
    )
    if workspace is None:
        return "it names no workspace we know, and its proof is nobody's" if has_shown else "no proof, no workspace"
    if not directory.account(workspace, adapter.name).secrets:
        return f"{workspace.id} has no secret for {adapter.name}"
    return f"its proof is not one of {workspace.id}" if has_shown else f"it names {workspace.id} and shows no proof"
