"""What a workspace file says under `api:`: read, refused without a word of it, encrypted, and shown to nobody."""

import json
from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet

from headrace.events.envelope import read_envelope
from headrace.providers.registry import ADAPTERS
from headrace.workspaces.directory import Directory
from headrace.workspaces.document import WorkspaceFileError, parse_workspaces
from headrace.workspaces.encryption import SecretBox
from headrace.workspaces.records import applied_record, read_applied
from headrace.workspaces.workspace import Workspace
from operations.cli.workspace import summary

FILE = """
workspace: acme
name: Acme North
timezone: America/Chicago
providers:
  ghl:
    location_id: loc_77Qa
    secret: hook
    api: {client_id: app-1, client_secret: hush-1, refresh_token: hush-2, version: v3}
  unipile:    {account_id: acc_5f, secret: s, api: {api_key: hush-3, base_url: "https://api1.unipile.com:13111/"}}
  smartlead:  {secret: s, api: {api_key: "  hush-4\\n", base_url: "http://127.0.0.1:8091/smartlead"}}
services:
  calendly: {api: {api_key: hush-5, event_type: "https://api.calendly.com/event_types/E1", user: U1}}
"""
SECRETS = ("app-1", "hush-1", "hush-2", "hush-3", "hush-4", "hush-5")
BOX = SecretBox([Fernet.generate_key().decode()])


def parse(text: str) -> Workspace:
    (workspace,) = parse_workspaces(text, "acme.yaml", ADAPTERS)
    return workspace


def test_the_credentials_of_a_provider_stand_beside_its_accounts() -> None:
    found = Directory([parse(FILE)]).api("acme", "ghl")
    assert found is not None
    assert (found.accounts, found.settings) == ({"location_id": "loc_77Qa"}, {"version": "v3"})
    assert found.secrets == {"client_id": "app-1", "client_secret": "hush-1", "refresh_token": "hush-2"}


def test_a_service_has_credentials_too() -> None:
    found = Directory([parse(FILE)]).api("acme", "calendly")
    assert found is not None
    assert (found.settings["user"], found.secrets["api_key"]) == ("U1", "hush-5")


@pytest.mark.parametrize(("workspace", "name"), [("acme", "instantly"), ("nobody", "ghl"), ("acme", "unheard-of")])
def test_what_the_file_does_not_name_has_none(workspace: str, name: str) -> None:
    assert Directory([parse(FILE)]).api(workspace, name) is None


def test_addresses_and_keys_are_trimmed() -> None:
    directory = Directory([parse(FILE)])
    unipile, smartlead = directory.api("acme", "unipile"), directory.api("acme", "smartlead")
    assert unipile is not None
    assert smartlead is not None
    assert unipile.settings == {"base_url": "https://api1.unipile.com:13111"}
    assert smartlead.secrets == {"api_key": "hush-4"}


@pytest.mark.parametrize(
    ("provider", "api", "expected"),
    [
        ("ghl", "{api_key: hush-9}", "ghl.api has no field 'api_key'; it takes private_integration_token, client_id"),
        ("ghl", "{client_id: hush-9}", "ghl.api needs private_integration_token, or client_id and client_secret and"),
        ("ghl", "{private_integration_token: hush-9, version: hush-9}", "api.version must be one of 2021-04-15, v3"),
        ("ghl", "hush-9", "ghl.api must be a mapping"),
        ("smartlead", "{api_key: 12}", "smartlead.api.api_key must be text: write it in quotes"),
        ("smartlead", '{api_key: ""}', "smartlead.api.api_key is empty"),
        ("smartlead", '{api_key: "hush 9"}', "api_key holds a blank, a line break or a character no key has"),
        ("smartlead", "{api_key: k, base_url: http://example.com}", "api.base_url must be an https address"),
        ("smartlead", '{api_key: k, base_url: "https://a/?k=hush-9"}', "base_url must hold no user, query or fragment"),
        ("smartlead", '{api_key: k, base_url: "https://u:hush-9@a"}', "base_url must hold no user, query or fragment"),
        ("emailbison", "{api_key: k}", "emailbison.api needs api_key and base_url"),
        ("unipile", '{api_key: k, base_url: "https://a"}', "unipile.api needs account_id beside it"),
    ],
)
def test_a_wrong_entry_is_explained_without_its_values(provider: str, api: str, expected: str) -> None:
    accounts = "location_id: L, " if provider == "ghl" else ""
    text = f"workspace: a\nname: A\ntimezone: UTC\nproviders: {{{provider}: {{{accounts}secret: s, api: {api}}}}}"
    with pytest.raises(WorkspaceFileError) as caught:
        parse(text)
    assert expected in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ("{outlook: {api: {api_key: k}}}", "'outlook' is not a service; known are calendly"),
        ("{calendly: {api_key: hush-9}}", "calendly must be a mapping with api"),
        ("{calendly: {api: {api_key: hush-9}}}", "calendly.api needs api_key and event_type and organization, or"),
    ],
)
def test_a_wrong_service_is_explained(services: str, expected: str) -> None:
    with pytest.raises(WorkspaceFileError) as caught:
        parse(f"workspace: a\nname: A\ntimezone: UTC\nservices: {services}")
    assert expected in str(caught.value)
    assert "hush" not in str(caught.value)


def test_the_topic_holds_no_key_in_the_clear_and_gives_all_back_to_who_calls() -> None:
    workspace = parse(FILE)
    value, headers = applied_record(workspace, BOX, datetime(2026, 3, 2, tzinfo=UTC))
    for secret in SECRETS:
        assert secret.encode() not in value
    assert read_applied(read_envelope(headers).type, value, BOX, with_api=True) == workspace


def test_who_calls_nobody_opens_no_key() -> None:
    value, headers = applied_record(parse(FILE), BOX, datetime(2026, 3, 2, tzinfo=UTC))
    found = read_applied(read_envelope(headers).type, value, BOX)
    assert {name: account.api for name, account in found.providers.items()} == dict.fromkeys(found.providers)
    assert (found.services, found.providers["ghl"].secrets) == ({}, ("hook",))


def test_another_key_opens_nothing() -> None:
    value, headers = applied_record(parse(FILE), BOX, datetime(2026, 3, 2, tzinfo=UTC))
    other = SecretBox([Fernet.generate_key().decode()])
    directory = Directory([read_applied(read_envelope(headers).type, value, other, with_api=True)])
    assert [directory.api("acme", name) for name in ("ghl", "unipile", "smartlead", "calendly")] == [None] * 4
    assert ("acme", "ghl") in directory.unreadable()


def test_nothing_that_is_shown_holds_a_key() -> None:
    workspace = parse(FILE)
    shown = (
        json.dumps(summary(workspace, BOX.fingerprint))
        + repr(workspace)
        + repr(Directory([workspace]).api("acme", "ghl"))
    )
    assert [secret for secret in SECRETS if secret in shown] == []
    assert summary(workspace, BOX.fingerprint)["providers"]["ghl"]["api"]["secrets"].keys() == {
        "client_id",
        "client_secret",
        "refresh_token",
    }
