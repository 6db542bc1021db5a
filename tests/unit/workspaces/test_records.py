"""What goes on the wire: everything readable but the secrets, and those only with a key."""

from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet

from headrace.events.envelope import read_envelope
from headrace.workspaces.encryption import SecretBox, SecretsKeyError
from headrace.workspaces.records import applied_record, read_applied, removed_headers
from headrace.workspaces.workspace import ProviderAccount, Workspace

AT = datetime(2026, 3, 2, tzinfo=UTC)
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
ACME = Workspace(
    id="acme",
    name="Acme",
    timezone="UTC",
    providers={
        "ghl": ProviderAccount(accounts={"location_id": "L1"}, secrets=("hush", "hush-2")),
        "unipile": ProviderAccount(allow_unsigned=True),
    },
)


def test_a_workspace_survives_the_wire() -> None:
    value, headers = applied_record(ACME, SecretBox([NEW, OLD]), AT)
    envelope = read_envelope(headers)
    assert (envelope.type, envelope.workspace, envelope.time) == ("workspace.applied.v1", "acme", AT)
    assert read_applied(envelope.type, value, SecretBox([NEW])) == ACME


def test_the_wire_shows_accounts_but_no_secret() -> None:
    value, headers = applied_record(ACME, SecretBox([NEW]), AT)
    assert b"L1" in value
    assert b"hush" not in value
    assert "hush" not in str(headers)


def test_a_rotated_key_still_opens_old_records() -> None:
    value, headers = applied_record(ACME, SecretBox([OLD]), AT)
    assert read_applied(read_envelope(headers).type, value, SecretBox([NEW, OLD])) == ACME


@pytest.mark.parametrize("box", [None, SecretBox([NEW])], ids=["no key", "another key"])
def test_without_the_key_an_account_is_known_but_not_readable(box: SecretBox | None) -> None:
    value, headers = applied_record(ACME, SecretBox([OLD]), AT)
    account = read_applied(read_envelope(headers).type, value, box).providers["ghl"]
    assert account == ProviderAccount(accounts={"location_id": "L1"}, readable=False)


def test_a_removal_names_its_workspace() -> None:
    assert read_envelope(removed_headers("acme", AT)).subject == "acme"


@pytest.mark.parametrize("keys", [[], ["not a key"]])
def test_a_missing_or_wrong_key_says_how_to_make_one(keys: list[str]) -> None:
    with pytest.raises(SecretsKeyError, match=r"HEADRACE_SECRETS_KEY .*generate_key"):
        SecretBox(keys)


def test_fingerprints_tell_secrets_apart_and_depend_on_the_key() -> None:
    box = SecretBox([NEW])
    assert box.fingerprint("a") == box.fingerprint("a") != box.fingerprint("b")
    assert box.fingerprint("a") != SecretBox([OLD]).fingerprint("a")
