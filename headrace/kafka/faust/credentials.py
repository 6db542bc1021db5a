"""How Faust logs in to the brokers: apart from the other clients' settings, which must not load Faust."""

from faust.auth import Credentials, SASLCredentials, SSLCredentials

from headrace.kafka.clients import sasl_login, tls_context, uses_sasl, uses_tls
from headrace.settings import Settings


def faust_credentials(settings: Settings) -> Credentials | None:
    """The value of Faust's `broker_credentials`; None for a plain connection. Raises KafkaSettingsError."""
    context = tls_context(settings) if uses_tls(settings) else None
    if uses_sasl(settings):
        username, password = sasl_login(settings)
        return SASLCredentials(
            username=username, password=password, ssl_context=context, mechanism=settings.kafka_sasl_mechanism
        )
    return None if context is None else SSLCredentials(context=context)
