"""Checks that a sender is who it says: shared secrets and signatures, compared in constant time."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from headrace.providers.adapter import Credentials, Presented, Proofs, Request


def is_proven(proofs: Proofs, request: Request, credentials: Credentials) -> bool:
    """True when the request carries any valid proof for these credentials; False without credentials."""
    return (
        any_secret(presented_by(proofs, request), credentials.secrets)
        or (proofs.hmac_header is not None and hmac_sha256(request, proofs.hmac_header, credentials.secrets))
        or (proofs.signed_by_provider is not None and proofs.signed_by_provider(request, credentials))
    )


def presented_by(proofs: Proofs, request: Request) -> Presented:
    """Every shared secret a request presents, those in its payload included once that was read."""
    presented = proofs.presented(request)
    if proofs.presented_in_body is None or request.payload is None:
        return presented
    return (*presented, *proofs.presented_in_body(request.payload))


def as_bytes(secret: str | bytes) -> bytes:
    """A secret as it is compared."""
    return secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else secret


def any_secret(presented: Iterable[str | bytes | None], secrets: Iterable[str]) -> bool:
    """True when one of the presented values is one of the secrets. Compares all pairs, whatever the outcome."""
    wanted = [as_bytes(secret) for secret in secrets if secret]
    proven = False
    for value in presented:
        given = as_bytes(value or b"")
        for secret in wanted:
            proven |= hmac.compare_digest(given, secret)
    return proven


def header(request: Request, name: str) -> bytes | None:
    """The bytes of a header: ASGI hands them over decoded as Latin-1."""
    value = request.headers.get(name)
    return None if value is None else value.strip().encode("latin-1", "replace")


def parameter(request: Request, name: str) -> tuple[str, ...]:
    """A query parameter as it reads, and as whoever did not encode its `+` meant it: that reads as a space."""
    value = request.query.get(name)
    return () if value is None else (value, value.replace(" ", "+"))


def bearer(request: Request) -> bytes | None:
    """The token of `Authorization: Bearer …`."""
    scheme, _, token = (header(request, "authorization") or b"").partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else None


def hmac_sha256(request: Request, name: str, secrets: Iterable[str]) -> bool:
    """True when the header is the hex HMAC-SHA256 of the body, with or without `sha256=` before it."""
    given = (header(request, name) or b"").lower().removeprefix(b"sha256=")
    proven = False
    if not given:
        return proven
    for secret in secrets:
        expected = hmac.new(as_bytes(secret), request.body, hashlib.sha256).hexdigest()
        proven |= bool(secret) & hmac.compare_digest(given, expected.encode())
    return proven


def ed25519(request: Request, name: str, public_key: str | None) -> bool:
    """True when the header is the base64 Ed25519 signature of the body."""
    key = _load_key(public_key)
    signature = _base64(header(request, name))
    if not isinstance(key, Ed25519PublicKey) or not signature:
        return False
    try:
        key.verify(signature, request.body)
    except InvalidSignature:
        return False
    return True


def rsa_sha256(request: Request, name: str, public_key: str | None) -> bool:
    """True when the header is the base64 RSA PKCS #1 v1.5 SHA-256 signature of the body."""
    key = _load_key(public_key)
    signature = _base64(header(request, name))
    if not isinstance(key, RSAPublicKey) or not signature:
        return False
    try:
        key.verify(signature, request.body, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def is_ed25519_key(public_key: str) -> bool:
    """True when `ed25519` can use it."""
    return isinstance(_load_key(public_key), Ed25519PublicKey)


def is_rsa_key(public_key: str) -> bool:
    """True when `rsa_sha256` can use it."""
    return isinstance(_load_key(public_key), RSAPublicKey)


@lru_cache(maxsize=8)
def _load_key(spki: str | None) -> PublicKeyTypes | None:
    """The key in base64 of its SPKI DER, also inside PEM lines; None when it is none."""
    # Environment files often spell line breaks out, as a backslash and a letter.
    lines = (line.strip() for line in (spki or "").replace("\\r", "").replace("\\n", "\n").splitlines())
    der = _base64("".join(line for line in lines if not line.startswith("-----")).encode())
    if not der:
        return None
    try:
        return load_der_public_key(der)
    except (ValueError, TypeError):
        return None


def _base64(value: bytes | None) -> bytes | None:
    try:
        return base64.b64decode(value or b"", validate=True)
    except binascii.Error:
        return None
