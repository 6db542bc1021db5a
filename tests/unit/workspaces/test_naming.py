"""Whose webhook it is, decided without a server."""

import pytest

from headrace.providers.adapter import Adapter, Delivery, Normalised, Payload, Proofs, Request, WorkspaceHint
from headrace.workspaces.directory import Directory
from headrace.workspaces.naming import named_workspace
from headrace.workspaces.workspace import ProviderAccount, Workspace


def adapter(overrides: bool = False) -> Adapter:
    return Adapter(
        name="ghl",
        origin_path="/x",
        account_fields=("location_id",),
        unavailable_status=429,
        secret_query_parameters=("proof",),
        proofs=Proofs(presented=lambda _request: ()),
        workspace_hints=_hints,
        query_overrides_unknown_workspace=overrides,
        deliver=lambda _workspace, _payload: Delivery(dedupe_key="k", lane="replies", provider_event="e"),
        normalise=lambda _payload, _receipt: Normalised(),
        retry_window=lambda _payload: None,
    )


def _hints(payload: Payload) -> list[WorkspaceHint]:
    return [WorkspaceHint("location_id", value) for value in payload.get("locations", [])]


def _workspace(id_: str, location: str) -> Workspace:
    account = ProviderAccount(accounts={"location_id": location})
    return Workspace(id=id_, name=id_, timezone="UTC", providers={"ghl": account})


DIRECTORY = Directory([_workspace("a", "L1"), _workspace("b", "L2")])


@pytest.mark.parametrize(
    ("locations", "query", "overrides", "expected"),
    [
        (["L1"], {}, False, "a"),
        (["L1"], {"workspace": "b"}, True, "a"),
        (["L0", "L2"], {}, False, "b"),
        (["L0"], {"workspace": "b"}, False, None),
        (["L0"], {"workspace": "b"}, True, "b"),
        ([], {"workspace": "b"}, False, "b"),
        ([], {"clientId": "b"}, False, "b"),
        ([], {"workspace": "", "clientId": "b"}, False, "b"),
        ([], {"workspace": "nobody"}, False, None),
        ([], {}, False, None),
        (None, {"workspace": "b"}, False, "b"),
        (None, {}, False, None),
    ],
)
def test_the_payload_names_the_workspace_and_the_query_fills_in(
    locations: list[str] | None, query: dict[str, str], overrides: bool, expected: str | None
) -> None:
    payload = None if locations is None else {"locations": locations}
    request = Request(body=b"", headers={}, query=query, payload=payload)
    found = named_workspace(adapter(overrides), request, DIRECTORY)
    assert (found.id if found else None) == expected
