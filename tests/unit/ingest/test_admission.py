"""What is read of a request before anybody looks at whose it is, and which keys prove a sender."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from headrace.providers.adapter import Adapter, Delivery, Normalised, Proofs
from headrace.settings import Settings
from ingest.admission import (
    InstallationKeys,
    PublicKeyError,
    accepts_content,
    read_query,
    without_secrets,
)

ADAPTER = Adapter(
    name="ghl",
    origin_path="/x",
    account_fields=("location_id",),
    unavailable_status=429,
    secret_query_parameters=("proof",),
    proofs=Proofs(presented=lambda _request: ()),
    workspace_hints=lambda _payload: (),
    query_overrides_unknown_workspace=False,
    deliver=lambda _workspace, _payload: Delivery(dedupe_key="k", lane="replies", provider_event="e"),
    normalise=lambda _payload, _receipt: Normalised(),
    retry_window=lambda _payload: None,
)


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({}, True),
        ({"content-type": ""}, True),
        ({"content-type": "application/json"}, True),
        ({"content-type": "Application/JSON; charset=UTF-8"}, True),
        ({"content-type": "application/cloudevents+json"}, True),
        ({"content-type": "text/plain"}, True),
        ({"content-type": "multipart/form-data; boundary=json"}, True),
        ({"content-encoding": "identity"}, True),
        ({"content-encoding": "br"}, False),
    ],
)
def test_what_is_not_compressed_is_accepted_whatever_it_is_called(headers: dict[str, str], accepted: bool) -> None:
    assert accepts_content(headers) is accepted


def test_the_first_value_of_a_parameter_counts() -> None:
    assert read_query(b"a=1&a=2&b=&c=%C3%A9&d=%FF") == {"a": "1", "b": "", "c": "é", "d": "\ufffd"}
    with pytest.raises(ValueError, match="fields"):
        read_query(b"&".join(b"a=1" for _ in range(60)))


@given(st.binary(max_size=60))
def test_any_query_can_be_read_and_stored(raw: bytes) -> None:
    for name, value in read_query(raw).items():
        (name + value).encode()


def test_secrets_are_left_out_whatever_their_case() -> None:
    query = {"Proof": "1", "secret": "2", "API_KEY": "3", "utm": "4"}
    assert without_secrets(query, ADAPTER) == {"utm": "4"}


def spki(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    """The public key as GoHighLevel publishes its own."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


ED25519 = spki(ed25519.Ed25519PrivateKey.generate())
RSA = spki(rsa.generate_private_key(public_exponent=65537, key_size=2048))
BOTH: dict[str, Any] = {"ghl_ed25519_public_key": ED25519, "ghl_rsa_public_key": RSA}


@pytest.mark.parametrize("changes", [{}, {"ghl_rsa_public_key": ""}, BOTH, {"ghl_ed25519_public_key": f" {ED25519}\n"}])
def test_usable_public_keys_are_taken(changes: dict[str, Any]) -> None:
    keys = InstallationKeys(Settings(**changes)).credentials(ADAPTER, ("s",))
    assert keys.ed25519_public_key == (ED25519 if "ghl_ed25519_public_key" in changes else None)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ghl_ed25519_public_key": "no key"}, "HEADRACE_GHL_ED25519_PUBLIC_KEY"),
        ({"ghl_ed25519_public_key": ED25519[:-8]}, "HEADRACE_GHL_ED25519_PUBLIC_KEY"),
        ({"ghl_ed25519_public_key": RSA}, "HEADRACE_GHL_ED25519_PUBLIC_KEY"),
        ({"ghl_rsa_public_key": ED25519}, "HEADRACE_GHL_RSA_PUBLIC_KEY"),
    ],
)
def test_a_key_that_proves_nobody_is_refused_at_start_and_not_shown(changes: dict[str, Any], named: str) -> None:
    """Otherwise every webhook would be answered 401, which GoHighLevel does not send again."""
    with pytest.raises(PublicKeyError, match=named) as refusal:
        InstallationKeys(Settings(**changes))
    assert next(iter(changes.values())) not in str(refusal.value)
