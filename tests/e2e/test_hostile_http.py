"""Hostile requests against a real ingest process: every answer is one the OpenAPI document names, and never a 5xx."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import schemathesis
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok

from headrace.kafka.topics import create_topics
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from operations.dev.ports import free_ports
from operations.dev.program import Program, start, stop
from tests.leftovers import delete_topics

WORKSPACE = """
workspace: acme
name: Acme
timezone: UTC
providers:
  ghl: {location_id: L1, secret: hush}
  unipile: {account_id: A1, secret: hush}
  smartlead: {secret: hush}
  instantly: {secret: hush}
  emailbison: {workspace_id: "12", secret: hush}
"""
PROOF = {
    "x-headrace-secret": "hush",
    "x-unipile-secret": "hush",
    "authorization": "Bearer hush",
    "content-type": "application/json",
}
EXAMPLES = 40


@pytest.fixture(scope="module")
def urls(kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Of a `headrace run ingest` that knows one workspace: for webhooks, and for operators."""
    directory = tmp_path_factory.mktemp("ingest")
    port, metrics_port = free_ports(2)
    prefix = f"t{os.urandom(5).hex()}."
    environment = os.environ | {
        "KAFKA_BOOTSTRAP": kafka_bootstrap,
        "HEADRACE_TOPIC_PREFIX": prefix,
        "HEADRACE_PARTITIONS": "2",
        "HEADRACE_INGEST_PORT": str(port),
        "HEADRACE_METRICS_PORT": str(metrics_port),
        "HEADRACE_SECRETS_KEY": Fernet.generate_key().decode(),
    }
    create_topics(Settings(kafka_bootstrap=kafka_bootstrap, topic_prefix=prefix, partitions=2))
    (directory / "acme.yaml").write_text(WORKSPACE)
    headrace = str(Path(sys.executable).with_name("headrace"))
    subprocess.run([headrace, "workspace", "apply", str(directory / "acme.yaml")], env=environment, check=True)
    with (directory / "log").open("wb") as log:
        program = Program(name="ingest", argv=(headrace, "run", "ingest"), environment=environment)
        process = start(program, log)
    try:
        url = f"http://127.0.0.1:{port}"
        _until_ready(url)
        yield url, f"http://127.0.0.1:{metrics_port}"
    finally:
        assert stop(process, program.stop_signal) == 0, "a stop asked for is not a failure"
    assert "hush" not in (directory / "log").read_text()
    delete_topics(kafka_bootstrap, prefix)


@pytest.fixture(scope="module")
def ingest_url(urls: tuple[str, str]) -> str:
    """Where strangers post to."""
    return urls[0]


def _until_ready(url: str) -> None:
    while True:
        try:
            if httpx.get(f"{url}/health/ready", trust_env=False).is_success:
                return
        except httpx.ConnectError:
            pass
        time.sleep(0.1)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), proven=st.booleans())
def test_requests_made_from_the_openapi_document(urls: tuple[str, str], data: st.DataObject, proven: bool) -> None:
    ingest_url, operations_url = urls
    schema = schemathesis.openapi.from_url(f"{operations_url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) >= 4 * len(ADAPTERS)
    operation = data.draw(st.sampled_from(operations))
    case = data.draw(operation.as_strategy())
    response = case.call(ingest_url, headers=PROOF if proven else None)
    case.validate_response(response, excluded_checks=[schemathesis.checks.CHECKS.get_one("ignored_auth")])
    assert response.status_code < 500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
KNOWN_FIELDS = {
    "event_type": st.sampled_from(["EMAIL_REPLY", "EMAIL_SENT", "reply_received", 7, None]),
    "event": st.sampled_from(["message_received", {"type": "LEAD_REPLIED", "workspace_id": 12}, [], None]),
    "location": st.sampled_from([{"id": "L1"}, {"id": 1}, "L1", None]),
    "account_id": st.sampled_from(["A1", 3, {}]),
    "message": JSON,
    "data": JSON,
    "customData": JSON,
}
BODIES = (
    st.fixed_dictionaries({}, optional=KNOWN_FIELDS).map(lambda value: json.dumps(value).encode())
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=200)
    | st.integers(1, 3000).map(lambda depth: b'{"a":' * depth + b"1" + b"}" * depth)
    | st.sampled_from([b'{"a":1e999}', b'{"a":"\\ud800"}', b'{"a":\x00"b"}', b'\xef\xbb\xbf{"a":1}', b"{" * 100_000])
)


@settings(max_examples=EXAMPLES * 5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from([path for one in ADAPTERS.values() for path in (f"/webhooks/{one.name}", one.origin_path)]),
    body=BODIES,
    query=st.dictionaries(st.sampled_from(["workspace", "clientId", "secret", "x"]), st.text(max_size=8), max_size=3),
    named=st.booleans(),
)
def test_no_proven_body_is_lost_and_none_is_a_5xx(
    ingest_url: str, path: str, body: bytes, query: dict[str, str], named: bool
) -> None:
    params = query | {"secret": "hush"} | ({"workspace": "acme"} if named else {})
    response = httpx.post(f"{ingest_url}{path}", content=body, headers=PROOF, params=params, trust_env=False)
    assert response.status_code in (200, 400), response.text
    if response.status_code == 400:
        assert response.json()["type"] == "urn:headrace:problem:unreadable-body"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /webhooks/ghl HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n",
        b"POST /webhooks/ghl HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /webhooks/ghl HTTP/1.1\r\nhost: x\r\nx-headrace-secret: \xff\xfe\r\ncontent-length: 2\r\n\r\n{}",
        b"POST /webhooks/%00%ff HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
        b"POST /webhooks/ghl?%ff=%00&\xff=1 HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
        b"POST /webhooks/ghl HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_broken_http_is_answered_4xx_or_closed(ingest_url: str, request_bytes: bytes) -> None:
    address = httpx.URL(ingest_url)
    with socket.create_connection((address.host, address.port or 0), timeout=10) as connection:
        connection.sendall(request_bytes)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65_536)
    assert answer == b"" or answer.split()[1].startswith(b"4")
