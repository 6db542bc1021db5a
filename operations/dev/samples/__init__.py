"""Sample webhooks of every provider for the demo, signed with the public secrets of `acme.yaml`. All made up."""

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from headrace.events.receipts import Verdict
from headrace.providers.registry import ADAPTERS

FOLDER = Path(__file__).parent
WORKSPACE_FILE = FOLDER / "acme.yaml"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook request, ready to POST."""

    provider: str
    name: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    #: What must become of it: its verdict, and how many messages it adds to those of the samples before it.
    verdict: Verdict
    new_messages: int


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    verdict: Verdict
    new_messages: int
    #: How the sample proves itself: `bearer`, or a kind and a name, such as `header:x-unipile-secret`.
    proof: str
    #: `current` is `/webhooks/<provider>`; `origin` is the predecessor's path.
    path: str
    body: dict[str, Any]
    query: dict[str, str] = {}


def sample_webhooks() -> list[Sample]:
    """All samples, provider by provider: replies, bulk notices and ignored events, in official and older shapes."""
    workspace = yaml.safe_load(WORKSPACE_FILE.read_text())
    samples = []
    for provider in ADAPTERS:
        secrets = workspace["providers"][provider]["secret"]
        secret = secrets if isinstance(secrets, str) else secrets[0]
        rows = msgspec.json.decode((FOLDER / f"{provider}.json").read_bytes(), type=list[_Row])
        samples += [_signed(provider, row, secret) for row in rows]
    return samples


def _signed(provider: str, row: _Row, secret: str) -> Sample:
    body = msgspec.json.encode(row.body)
    headers = {"content-type": "application/json"}
    query = dict(row.query)
    kind, _, name = row.proof.partition(":")
    if kind == "bearer":
        headers["authorization"] = f"Bearer {secret}"
    elif kind == "header":
        headers[name] = secret
    elif kind == "hmac":
        headers[name] = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    elif kind == "query":
        query[name] = secret
    path = ADAPTERS[provider].origin_path if row.path == "origin" else f"/webhooks/{provider}"
    return Sample(
        provider=provider,
        name=row.name,
        path=path,
        headers=headers,
        query=query,
        body=body,
        verdict=row.verdict,
        new_messages=row.new_messages,
    )
