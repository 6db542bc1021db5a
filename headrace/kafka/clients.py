"""Kafka's connection settings for every client in use, from one place: a managed cluster needs no code change."""

import ssl
from typing import Any

from headrace.events.topics import MAX_RECORD_BYTES
from headrace.refusal import Refusal
from headrace.settings import Settings


class KafkaSettingsError(Refusal):
    """The Kafka settings contradict each other; the message names the environment variables."""


class KafkaUnreachable(Refusal):
    """No broker answered; the message says where it was looked for."""

    def __init__(self, settings: Settings, detail: str) -> None:
        super().__init__(
            f"Kafka at {settings.kafka_bootstrap} can't be used ({detail}). Is it running, and are KAFKA_BOOTSTRAP "
            "and the KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_… and KAFKA_SSL_… settings right?"
        )


def aiokafka_config(settings: Settings) -> dict[str, Any]:
    """Keyword arguments shared by aiokafka's producer, consumer and admin client."""
    config: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap,
        "security_protocol": settings.kafka_security_protocol,
    }
    if uses_tls(settings):
        config["ssl_context"] = tls_context(settings)
    if uses_sasl(settings):
        username, password = sasl_login(settings)
        config |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": username,
            "sasl_plain_password": password,
        }
    return config


def confluent_config(settings: Settings) -> dict[str, Any]:
    """The shared part of librdkafka's configuration."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.kafka_bootstrap,
        "security.protocol": settings.kafka_security_protocol,
    }
    if uses_tls(settings):
        files = {
            "ssl.ca.location": settings.kafka_ssl_ca_file,
            "ssl.certificate.location": settings.kafka_ssl_cert_file,
            "ssl.key.location": settings.kafka_ssl_key_file,
        }
        config |= {name: str(path) for name, path in files.items() if path is not None}
    if uses_sasl(settings):
        username, password = sasl_login(settings)
        config |= {
            "sasl.mechanism": settings.kafka_sasl_mechanism,
            "sasl.username": username,
            "sasl.password": password,
        }
    return config


def confluent_producer_config(settings: Settings) -> dict[str, Any]:
    """librdkafka's configuration of a producer whose keys land where every other client's would."""
    return confluent_config(settings) | {
        # librdkafka's own default is CRC32; Java, aiokafka and Faust use murmur2.
        "partitioner": "murmur2_random",
        "enable.idempotence": True,
        "message.max.bytes": MAX_RECORD_BYTES,
    }


def tls_context(settings: Settings) -> ssl.SSLContext:
    """A client context that checks the broker's name. The system's authorities count when no CA file is given."""
    certificate, key = settings.kafka_ssl_cert_file, settings.kafka_ssl_key_file
    if key is not None and certificate is None:
        raise KafkaSettingsError("KAFKA_SSL_KEY_FILE is set without KAFKA_SSL_CERT_FILE: set both or neither")
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ssl_ca_file)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise KafkaSettingsError(
            f"the TLS files for Kafka can't be read ({error}): "
            "check KAFKA_SSL_CA_FILE, KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE"
        ) from error
    return context


def uses_tls(settings: Settings) -> bool:
    """The connection is encrypted."""
    return settings.kafka_security_protocol in ("SSL", "SASL_SSL")


def uses_sasl(settings: Settings) -> bool:
    """The brokers want a name and a password."""
    return settings.kafka_security_protocol in ("SASL_PLAINTEXT", "SASL_SSL")


def sasl_login(settings: Settings) -> tuple[str, str]:
    """Name and password. Raises KafkaSettingsError when one is missing."""
    username, password = settings.kafka_sasl_username, settings.kafka_sasl_password
    if not username or password is None:
        raise KafkaSettingsError(
            f"KAFKA_SECURITY_PROTOCOL is {settings.kafka_security_protocol}, "
            "which needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
        )
    # A trailing newline in a secret file is the classic reason for a login that fails for no visible reason.
    return username, password.get_secret_value().strip()
