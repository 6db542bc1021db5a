"""Workspace files: what is read from them, and what an operator hears about a wrong one."""

from pathlib import Path

import pytest

from headrace.providers.registry import ADAPTERS
from headrace.workspaces.document import WorkspaceFileError, parse_workspaces, read_workspace_files
from headrace.workspaces.workspace import Workspace

FILE = """
workspace: acme
name: Acme North
timezone: America/Chicago
providers:
  ghl:        {location_id: loc_77Qa, secret: [new, old]}
  unipile:    {account_id: acc_5f, secret: "  s3cret\\n"}
  smartlead:  {secret: s}
  emailbison: {workspace_id: "12", workspace_name: Acme, allow_unsigned: true}
"""


def parse(text: str) -> Workspace:
    (workspace,) = parse_workspaces(text, "acme.yaml", ADAPTERS)
    return workspace


def with_providers(text: str) -> str:
    return f"workspace: acme\nname: Acme\ntimezone: UTC\nproviders: {text}\n"


def test_a_file_becomes_a_workspace() -> None:
    workspace = parse(FILE)
    assert (workspace.id, workspace.name, workspace.timezone) == ("acme", "Acme North", "America/Chicago")
    assert workspace.providers["ghl"].accounts == {"location_id": "loc_77Qa"}
    assert workspace.providers["ghl"].secrets == ("new", "old")
    assert workspace.providers["unipile"].secrets == ("s3cret",)
    assert workspace.providers["emailbison"].secrets == ()
    assert workspace.providers["emailbison"].allow_unsigned
    assert not workspace.providers["smartlead"].allow_unsigned


def test_secrets_are_not_in_repr() -> None:
    assert "s3cret" not in repr(parse(FILE))


def test_a_file_may_hold_several_workspaces() -> None:
    second = FILE.replace("workspace: acme", "workspace: beta")
    assert [one.id for one in parse_workspaces(f"{FILE}---{second}", "x", ADAPTERS)] == ["acme", "beta"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty"),
        ("- acme", "expected a mapping"),
        ("workspace: [", "not YAML at line 1"),
        ("workspace: acme\ntimezone: UTC", "acme.yaml: name: Field required"),
        ("workspace: 'a:b'\nname: A\ntimezone: UTC", "acme.yaml: workspace: "),
        ("workspace: acme\nname: A\ntimezone: Mars/Olympus", "timezone: not an IANA time zone"),
        ("workspace: acme\nname: A\ntimezone: UTC\ncolour: red", "acme.yaml: colour: Extra inputs"),
        ("workspace: a\nworkspace: b\nname: A\ntimezone: UTC", "written twice"),
        (with_providers("{hubspot: {secret: s}}"), "'hubspot' is not a provider; known are ghl, unipile"),
        (with_providers("{ghl: {account: x, secret: s}}"), "ghl has no field 'account'; it takes location_id, secret"),
        (with_providers("{ghl: s}"), "providers.ghl: must be a mapping"),
        (with_providers("{ghl: {location_id: 12, secret: s}}"), "location_id must be text: write it in quotes"),
        (with_providers("{ghl: {secret: 12}}"), "providers.ghl.secret: a secret must be text"),
        (with_providers("{ghl: {secret: []}}"), "an empty list"),
        (with_providers("{ghl: {secret: ['ok', '  ']}}"), "a secret is empty"),
        (with_providers('{ghl: {secret: "a\\nb"}}'), "control character"),
        (with_providers("{ghl: {secret: s, allow_unsigned: 'yes'}}"), "providers.ghl.allow_unsigned"),
    ],
)
def test_errors_name_the_file_the_place_and_the_way_out(text: str, expected: str) -> None:
    with pytest.raises(WorkspaceFileError) as caught:
        parse(text)
    assert str(caught.value).startswith("acme.yaml: ")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        with_providers("{ghl: {secret: [hush-hush, 12]}}"),
        with_providers("{ghl: {secret: hush-hush, nope: 1}}"),
        with_providers("{ghl: {secret: hush-hush"),
        with_providers("{ghl: {secret: hush-hush, secret: hush-hush}}"),
        with_providers("{ghl: hush-hush}"),
    ],
)
def test_errors_never_show_a_secret(text: str) -> None:
    with pytest.raises(WorkspaceFileError) as caught:
        parse(text)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_files_that_cannot_be_read_or_repeat_a_workspace(tmp_path: Path) -> None:

    with pytest.raises(WorkspaceFileError, match="can't be read"):
        read_workspace_files([tmp_path / "missing.yaml"], ADAPTERS)
    (tmp_path / "a.yaml").write_text(FILE)
    with pytest.raises(WorkspaceFileError, match="acme is described twice"):
        read_workspace_files([tmp_path / "a.yaml", tmp_path / "a.yaml"], ADAPTERS)
