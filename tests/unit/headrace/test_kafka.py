"""Kafka's security settings reach every client, each in its own words."""

import ssl
from pathlib import Path

import certifi
import pytest
from pydantic import SecretStr

from headrace.kafka.clients import (
    KafkaSettingsError,
    aiokafka_config,
    confluent_config,
    confluent_producer_config,
)
from headrace.kafka.faust.credentials import faust_credentials
from headrace.settings import Settings


def test_plaintext_needs_nothing_else() -> None:
    settings = Settings(kafka_bootstrap="k:1")
    assert aiokafka_config(settings) == {"bootstrap_servers": "k:1", "security_protocol": "PLAINTEXT"}
    assert confluent_config(settings) == {"bootstrap.servers": "k:1", "security.protocol": "PLAINTEXT"}
    assert faust_credentials(settings) is None


def test_sasl_over_tls_is_the_same_login_for_every_client() -> None:
    settings = Settings(
        kafka_security_protocol="SASL_SSL",
        kafka_ssl_ca_file=Path(ssl_authorities()),
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="u",
        # As read from a file that ends with a line break.
        kafka_sasl_password=SecretStr("p\n"),
    )
    aio = aiokafka_config(settings)
    assert (aio["sasl_plain_username"], aio["sasl_plain_password"]) == ("u", "p")
    assert aio["sasl_mechanism"] == "SCRAM-SHA-512"
    assert aio["ssl_context"].check_hostname
    confluent = confluent_config(settings)
    assert (confluent["sasl.username"], confluent["sasl.password"]) == ("u", "p")
    assert confluent["ssl.ca.location"] == ssl_authorities()
    credentials = faust_credentials(settings)
    assert credentials is not None
    assert (credentials.protocol.value, credentials.username, credentials.password) == ("SASL_SSL", "u", "p")


def test_tls_alone_reaches_faust_too() -> None:
    settings = Settings(kafka_security_protocol="SSL", kafka_ssl_ca_file=Path(ssl_authorities()))
    credentials = faust_credentials(settings)
    assert credentials is not None
    assert credentials.protocol.value == "SSL"
    assert isinstance(credentials.context, ssl.SSLContext)


def test_keys_land_where_other_clients_put_them() -> None:
    assert confluent_producer_config(Settings())["partitioner"] == "murmur2_random"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kafka_security_protocol": "SASL_PLAINTEXT"}, "needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"),
        (
            {"kafka_security_protocol": "SSL", "kafka_ssl_ca_file": Path("/no/such")},
            "TLS files .* can't be read",
        ),
        ({"kafka_security_protocol": "SSL", "kafka_ssl_key_file": Path("/k")}, "without KAFKA_SSL_CERT_FILE"),
    ],
)
def test_contradictions_name_the_variables(changes: dict[str, object], expected: str) -> None:
    with pytest.raises(KafkaSettingsError, match=expected):
        aiokafka_config(Settings().model_copy(update=changes))


def ssl_authorities() -> str:
    """Any readable bundle of authorities."""
    return certifi.where()
