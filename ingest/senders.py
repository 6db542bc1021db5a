"""Who a sender proved to be: first by what costs nothing to check, and only then by what must be read for it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from headrace.providers.adapter import Adapter, Request
from headrace.providers.proofs import any_secret, as_bytes, hmac_sha256, presented_by
from headrace.workspaces.directory import Directory
from headrace.workspaces.workspace import ProviderAccount
from ingest.admission import InstallationKeys


@dataclass(frozen=True)
class _Known:
    """What one directory snapshot says about a provider's senders."""

    #: Of every workspace. A look-up takes the same time however many there are. It compares a secret only with one of
    #: the same hash, whose key Python draws at its start, so that its time tells nothing about the others.
    secrets: frozenset[bytes]
    #: Some account takes webhooks without proof, or its secrets can't be read: whose it is stands in the payload.
    has_undecided: bool


class KnownSenders:
    """The secrets of one provider's accounts, and its signatures, as of the directory's newest snapshot."""

    def __init__(self, adapter: Adapter, keys: InstallationKeys, clock: Callable[[], datetime]) -> None:
        """`clock`: aware. Proofs of removed workspaces count until a moment."""
        self._clock = clock
        self._until: datetime | None = None
        self._adapter = adapter
        self._proofs = adapter.proofs
        self._keys = keys
        self._directory: Directory | None = None
        self._known = _Known(frozenset(), False)

    def is_known(self, request: Request, directory: Directory) -> bool:
        """True when the sender proved itself to any account by a shared secret, or is the provider itself.

        The payload's secrets count once it was read.
        """
        secrets = self._of(directory).secrets
        return not secrets.isdisjoint(_usable(presented_by(self._proofs, request))) or self._is_provider(request)

    def must_be_read(self, directory: Directory) -> bool:
        """True when a body of an unknown sender has to be read to decide whether it may be stored."""
        return self._proofs.presented_in_body is not None or self._of(directory).has_undecided

    def may_write(self, request: Request, account: ProviderAccount) -> bool:
        """True when the sender proved itself to this account, or the account asks for no proof."""
        return (
            any_secret(presented_by(self._proofs, request), account.secrets)
            or account.allow_unsigned
            or self.has_signed(request, account.secrets)
            or self._is_provider(request)
        )

    def is_signed(self, request: Request) -> bool:
        """True when the request says that a workspace's secret has signed it."""
        return self._proofs.hmac_header is not None and self._proofs.hmac_header in request.headers

    def has_signed(self, request: Request, secrets: tuple[str, ...]) -> bool:
        """True when one of the secrets signed the body. Takes time with each of them, and with the body's length."""
        return self.is_signed(request) and hmac_sha256(request, self._proofs.hmac_header or "", secrets)

    def _is_provider(self, request: Request) -> bool:
        signed = self._proofs.signed_by_provider
        return signed is not None and signed(request, self._keys.credentials(self._adapter, ()))

    def _of(self, directory: Directory) -> _Known:
        if directory is not self._directory or (self._until is not None and self._clock() >= self._until):
            name, now = self._adapter.name, self._clock()
            pairs = (*directory.unsigned(), *directory.unreadable())
            self._known = _Known(
                frozenset(_usable(directory.secrets(name, now))), any(provider == name for _, provider in pairs)
            )
            self._directory, self._until = directory, directory.next_end(now)
        return self._known


def _usable(secrets: Iterable[str | bytes | None]) -> list[bytes]:
    return [as_bytes(secret) for secret in secrets if secret]
