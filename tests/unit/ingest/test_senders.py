"""Who is known by what: header, query and signature before the body, the payload's secret after it."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from headrace.providers.adapter import Request
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from headrace.workspaces.directory import Directory
from headrace.workspaces.workspace import ProviderAccount, Workspace
from ingest.admission import InstallationKeys
from ingest.senders import KnownSenders

NOW = datetime(2026, 3, 2, tzinfo=UTC)
KEY = ed25519.Ed25519PrivateKey.generate()
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
KEYS = InstallationKeys(Settings(ghl_ed25519_public_key=PUBLIC))
BODY = b'{"secret_key":"s"}'


def directory(provider: str, *accounts: ProviderAccount) -> Directory:
    return Directory(
        Workspace(id=f"w{number}", name="W", timezone="UTC", providers={provider: account})
        for number, account in enumerate(accounts)
    )


def request(headers: dict[str, str], query: dict[str, str] | None = None, *, read: bool = False) -> Request:
    payload: dict[str, Any] | None = json.loads(BODY) if read else None
    return Request(body=BODY, headers=headers, query=query or {}, payload=payload)


SHARED = {
    "ghl": ({"x-headrace-secret": "s"}, {"secret": "s"}),
    "unipile": ({"x-unipile-secret": "s"}, None),
    "smartlead": ({"x-smartlead-secret": "s"}, None),
    "instantly": ({"x-instantly-secret": "s"}, None),
    "emailbison": ({"x-headrace-secret": "s"}, {"secret": "s"}),
}


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_secret_outside_of_the_body_is_known_before_it_is_read(name: str) -> None:
    senders = KnownSenders(ADAPTERS[name], KEYS, lambda: NOW)
    known = directory(name, ProviderAccount(secrets=("other",)), ProviderAccount(secrets=("new", "s")))
    headers, query = SHARED[name]
    assert senders.is_known(request(headers), known)
    assert query is None or senders.is_known(request({}, query), known)
    for wrong in ({}, dict.fromkeys(headers, "guess"), dict.fromkeys(headers, "")):
        assert not senders.is_known(request(wrong), known)
        assert not senders.is_known(request(wrong), directory(name, ProviderAccount(secrets=("",))))


def test_what_the_directory_drops_is_known_no_more() -> None:
    senders = KnownSenders(ADAPTERS["unipile"], KEYS, lambda: NOW)
    asked = request({"x-unipile-secret": "s"})
    assert senders.is_known(asked, directory("unipile", ProviderAccount(secrets=("s",))))
    assert not senders.is_known(asked, directory("unipile", ProviderAccount(secrets=("t",))))


def test_the_provider_is_known_by_its_signature() -> None:
    senders = KnownSenders(ADAPTERS["ghl"], KEYS, lambda: NOW)
    signature = base64.b64encode(KEY.sign(BODY)).decode()
    assert senders.is_known(request({"x-ghl-signature": signature}), directory("ghl"))
    assert not senders.is_known(request({"x-ghl-signature": signature[:-8] + "AAAAAAA="}), directory("ghl"))


def test_only_the_provider_whose_proof_stands_in_the_body_is_read_unproven() -> None:
    must_be_read = {
        name for name in ADAPTERS if KnownSenders(ADAPTERS[name], KEYS, lambda: NOW).must_be_read(directory(name))
    }
    assert must_be_read == {"smartlead"}
    senders = KnownSenders(ADAPTERS["smartlead"], KEYS, lambda: NOW)
    known = directory("smartlead", ProviderAccount(secrets=("s",)))
    assert not senders.is_known(request({}), known)
    assert senders.is_known(request({}, read=True), known)


@pytest.mark.parametrize("account", [ProviderAccount(allow_unsigned=True), ProviderAccount(readable=False)])
def test_an_account_that_decides_otherwise_makes_bodies_worth_reading(account: ProviderAccount) -> None:
    senders = KnownSenders(ADAPTERS["ghl"], KEYS, lambda: NOW)
    assert senders.must_be_read(directory("ghl", ProviderAccount(secrets=("s",)), account))
    assert not senders.must_be_read(directory("unipile", account))


def test_a_body_signed_with_a_secret_of_the_account_may_be_written() -> None:
    senders = KnownSenders(ADAPTERS["smartlead"], KEYS, lambda: NOW)
    signed = request({"x-smartlead-signature": hmac.new(b"t", BODY, hashlib.sha256).hexdigest()})
    assert senders.is_signed(signed)
    assert senders.may_write(signed, ProviderAccount(secrets=("u", "t")))
    assert not senders.may_write(signed, ProviderAccount(secrets=("u",)))
    assert not senders.may_write(request({}), ProviderAccount(secrets=("",)))


@given(st.lists(st.text(max_size=8), max_size=5), st.text(max_size=8))
def test_known_is_who_presents_one_of_the_secrets_and_nobody_else(secrets: list[str], presented: str) -> None:
    senders = KnownSenders(ADAPTERS["emailbison"], KEYS, lambda: NOW)
    found = senders.is_known(
        request({}, {"secret": presented}), directory("emailbison", ProviderAccount(secrets=tuple(secrets)))
    )
    # A `+` that nobody encoded reads as a blank.
    assert found == bool({presented, presented.replace(" ", "+")} & {secret for secret in secrets if secret})


def test_the_senders_of_a_removed_workspace_are_known_until_their_time_is_over() -> None:
    now = NOW
    senders = KnownSenders(ADAPTERS["unipile"], KEYS, lambda: now)
    proofs = {"unipile": ProviderAccount(secrets=("s",))}
    end = NOW + timedelta(days=7)
    removed = Directory([Workspace(id="gone", name="", timezone="UTC", providers=proofs, proofs_until=end)])
    sent = request({"x-unipile-secret": "s"})
    assert senders.is_known(sent, removed)
    now = end - timedelta(seconds=1)
    assert senders.is_known(sent, removed)
    now = end
    assert not senders.is_known(sent, removed)
