"""Shared secrets are compared as bytes, each with each."""

from headrace.providers import proofs
from headrace.providers.adapter import Request


def request(**headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(body=b"{}", headers=named, query={}, payload={})


def test_any_secret_compares_all_pairs() -> None:
    assert proofs.any_secret((None, b"x", "b"), ("a", "b"))
    assert not proofs.any_secret((None, "", "c"), ("a", "", "b"))
    assert not proofs.any_secret((), ("a",))


def test_secrets_beyond_ascii_match_their_bytes_in_a_header() -> None:
    """ASGI servers decode header bytes as Latin-1."""
    presented = "schlüssel-€".encode().decode("latin-1")
    assert proofs.any_secret((proofs.header(request(x_s=presented), "x-s"),), ("schlüssel-€",))


def test_bearer_needs_its_scheme() -> None:
    assert proofs.bearer(request(authorization="BEARER  t ")) == b"t"
    assert proofs.bearer(request(authorization="Basic t")) is None
    assert proofs.bearer(request()) is None


def test_an_empty_signature_is_none() -> None:
    assert not proofs.hmac_sha256(request(), "x-sig", ("s",))
    assert not proofs.hmac_sha256(request(x_sig="sha256="), "x-sig", ("s", ""))


def test_a_plus_that_was_not_encoded_is_one_and_a_space_stays_one() -> None:
    """Dashboards take an address as it is typed, and `a+b` in a query reads as `a b`."""
    given = Request(body=b"{}", headers={}, query={"secret": "a b c"}, payload={})
    presented = proofs.parameter(given, "secret")
    assert proofs.any_secret(presented, ("a+b+c",))
    assert proofs.any_secret(presented, ("a b c",))
    assert not proofs.any_secret(presented, ("a+b",))
    assert not proofs.any_secret(proofs.parameter(given, "other"), ("a b c",))
