"""A broker as a managed cluster has it: TLS, a login and client certificates. Every client of Headrace gets through."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from operations.dev.home import Home
from operations.dev.kafka import kafka
from operations.dev.ports import free_ports
from operations.dev.program import Program, start, stop
from tests.headrace_command import Finished, headrace
from tests.lifeline import kill_group, lifeline

START_SECONDS = 60.0
WORKSPACE = "workspace: acme\nname: Acme\ntimezone: UTC\nproviders:\n  smartlead: {secret: hush}\n"
#: Goes to the topic of the bulk worker.
SENT = {"event_type": "EMAIL_SENT", "stats_id": "s", "campaign_id": 1, "to_email": "ada@example.org"}
_LISTENERS = """
listeners=SASL_SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_SSL://127.0.0.1:{port}
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SASL_SSL
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule \
required username="broker" password="broker-password" user_broker="broker-password" user_headrace="let me in";
ssl.keystore.type=PEM
ssl.keystore.location={files}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={files}/ca.pem
ssl.client.auth=required
"""


class Authority:
    """Signs certificates, so that nothing but its own is trusted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
        own = self._certificate(self._name, self._key, is_authority=True)
        (directory / "ca.pem").write_bytes(own.public_bytes(Encoding.PEM))

    def issue(self, name: str) -> None:
        """Writes `<name>.key`, `<name>.crt` and both in `<name>.pem`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = self._certificate(subject, key, is_authority=False).public_bytes(Encoding.PEM)
        for suffix, content in (("key", private), ("crt", public), ("pem", private + public)):
            (self._directory / f"{name}.{suffix}").write_bytes(content)

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_authority: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(address, critical=False)
            .sign(self._key, hashes.SHA256())
        )


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What `headrace` needs for a broker that takes nothing but TLS, a certificate and a login."""
    authority = Authority(tmp_path)
    for name in ("broker", "client"):
        authority.issue(name)
    port, controller, ingest_port = free_ports(3)
    home = Home(tmp_path / "home")
    home.create()
    program = kafka(home.kafka, port, controller, os.environ)
    with (home.kafka / "server.properties").open("a") as properties:
        # The last line of a name counts.
        properties.write(_LISTENERS.format(port=port, controller=controller, files=tmp_path))
    with _running(program, home.log("kafka")):
        _until_it_listens(port)
        yield {
            "KAFKA_BOOTSTRAP": f"127.0.0.1:{port}",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SASL_USERNAME": "headrace",
            "KAFKA_SASL_PASSWORD": "let me in",
            "KAFKA_SSL_CA_FILE": str(tmp_path / "ca.pem"),
            "KAFKA_SSL_CERT_FILE": str(tmp_path / "client.crt"),
            "KAFKA_SSL_KEY_FILE": str(tmp_path / "client.key"),
            "HEADRACE_SECRETS_KEY": Fernet.generate_key().decode(),
            "HEADRACE_PARTITIONS": "2",
            "HEADRACE_DATA_DIR": str(tmp_path / "tables"),
            "HEADRACE_INGEST_PORT": str(ingest_port),
        }


def test_every_client_gets_through_with_certificate_and_login(environment: dict[str, str], tmp_path: Path) -> None:
    created = headrace(environment, "topics", "create")
    assert created.exit_code == 0, created.output
    (tmp_path / "acme.yaml").write_text(WORKSPACE)
    applied = headrace(environment, "workspace", "apply", str(tmp_path / "acme.yaml"))
    assert applied.exit_code == 0, applied.output

    # Ingest follows the workspaces and produces; the worker is a Faust app with an outbox and tables.
    with _process("ingest", environment, tmp_path), _process("bulk", environment, tmp_path):
        receipt = _accepted(f"http://127.0.0.1:{environment['HEADRACE_INGEST_PORT']}/webhooks/smartlead")
        found = _until_done(environment, "topics", "find", "receipts", "--receipt", receipt, "--json")
    assert '"verdict":"fresh"' in found.stdout

    refused = headrace(environment | {"KAFKA_SASL_PASSWORD": "a wrong one"}, "topics", "list")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "KAFKA_SASL_" in refused.stderr
    assert "a wrong one" not in refused.output


def _until_it_listens(port: int) -> None:
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < give_up, "the broker does not listen"
            time.sleep(0.1)
        else:
            return


def _until_done(environment: dict[str, str], *command: str) -> Finished:
    """Repeats the command until it succeeds: the worker needs a moment."""
    give_up = time.monotonic() + START_SECONDS
    while (done := headrace(environment, *command)).exit_code != 0:
        assert time.monotonic() < give_up, done.output
    return done


def _accepted(url: str) -> str:
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            answer = httpx.post(
                url, json=SENT, params={"workspace": "acme"}, headers={"x-smartlead-secret": "hush"}, trust_env=False
            )
            if answer.status_code == 200:
                return str(answer.json()["receipt_id"])
        except httpx.TransportError:
            pass
        assert time.monotonic() < give_up, "ingest took nothing"
        time.sleep(0.1)


@contextmanager
def _process(name: str, environment: dict[str, str], directory: Path) -> Iterator[None]:
    command = str(Path(sys.executable).with_name("headrace"))
    program = Program(name=name, argv=(command, "run", name), environment=os.environ | environment)
    with _running(program, directory / f"{name}.log"):
        yield


@contextmanager
def _running(program: Program, log: Path) -> Iterator[None]:
    with log.open("ab") as output:
        process: subprocess.Popen[bytes] = start(program, output)
    with lifeline(kill_group(process.pid)):
        try:
            yield
        finally:
            stop(process, program.stop_signal)
