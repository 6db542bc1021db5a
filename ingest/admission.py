"""What is read of a request before anybody looks at whose it is, and the keys that hold for all workspaces."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from headrace.providers.adapter import Adapter, Credentials
from headrace.providers.proofs import is_ed25519_key, is_rsa_key
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings

_MOST_PARAMETERS = 50
#: Never stored, whatever the provider: some dashboards add them although the provider proves itself otherwise.
_SECRET_PARAMETERS = frozenset(("secret", "secret_key", "token", "password", "api_key", "apikey", "signature"))


class PublicKeyError(ValueError):
    """A public key of the settings can prove nobody; the message names its variable."""


class InstallationKeys:
    """Public keys that hold for all workspaces, by provider. Raises PublicKeyError for one that can't be used."""

    def __init__(self, settings: Settings, adapters: Mapping[str, Adapter] = ADAPTERS) -> None:
        self._keys = {name: _keys(settings, name, one.signer) for name, one in adapters.items() if one.signer}

    def credentials(self, adapter: Adapter, secrets: tuple[str, ...]) -> Credentials:
        """What a sender may prove itself with, given a workspace's secrets."""
        keys = self._keys.get(adapter.name, Credentials())
        return msgspec.structs.replace(keys, secrets=secrets)


def _keys(settings: Settings, provider: str, signer: str) -> Credentials:
    """Checked at start, because a key that fails later answers every webhook 401, and the provider may give it up."""
    ed25519, rsa = settings.public_key(provider, "ed25519"), settings.public_key(provider, "rsa")
    if ed25519 and not is_ed25519_key(ed25519):
        raise _unusable(provider, signer, "Ed25519")
    if rsa and not is_rsa_key(rsa):
        raise _unusable(provider, signer, "RSA")
    return Credentials(ed25519_public_key=ed25519 or None, rsa_public_key=rsa or None)


def _unusable(provider: str, signer: str, kind: str) -> PublicKeyError:
    return PublicKeyError(
        f"HEADRACE_{provider.upper()}_{kind.upper()}_PUBLIC_KEY is no {kind} key: give the base64 of its SPKI DER, "
        f"as {signer} publishes it, or leave the variable unset"
    )


def accepts_content(headers: Mapping[str, str]) -> bool:
    """True for a body that is not compressed: what it is called tells little, since senders mislabel their JSON."""
    return headers.get("content-encoding", "identity").strip().lower() in ("identity", "")


def read_query(raw: bytes) -> dict[str, str]:
    """The first value of each parameter. Raises ValueError for more parameters than any provider sends."""
    if not raw:
        return {}
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    return dict(reversed(pairs))


def without_secrets(query: Mapping[str, str], adapter: Adapter) -> dict[str, str]:
    """The query as it may be stored."""
    secret = _SECRET_PARAMETERS.union(name.lower() for name in adapter.secret_query_parameters)
    return {name: value for name, value in query.items() if name.lower() not in secret}
