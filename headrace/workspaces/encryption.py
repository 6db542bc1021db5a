"""Secrets leave the operator's machine encrypted: the `workspaces` topic holds Fernet tokens, never the secrets."""

import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from headrace.refusal import Refusal
from headrace.settings import Settings

_HOW_TO_MAKE_ONE = (
    "make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())' "
    "and give the same to every process. To rotate it, put the new key first, separated by a comma"
)
#: Enough digits to tell a new secret from an old one.
_FINGERPRINT_DIGITS = 8


class SecretsKeyError(Refusal):
    """HEADRACE_SECRETS_KEY is missing or malformed; the message tells how to make one."""


class UndecryptableSecret(ValueError):
    """None of the configured keys opens the token."""


class SecretBox:
    """Encrypts with the first key, decrypts with any."""

    def __init__(self, keys: list[str]) -> None:
        if not keys:
            raise SecretsKeyError(f"HEADRACE_SECRETS_KEY is not set: {_HOW_TO_MAKE_ONE}")
        self._newest = keys[0].encode()
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise SecretsKeyError(
                f"HEADRACE_SECRETS_KEY holds something else than Fernet keys: {_HOW_TO_MAKE_ONE}"
            ) from error

    @classmethod
    def of(cls, settings: Settings) -> "SecretBox":
        """The box of an installation. Raises SecretsKeyError."""
        text = settings.secrets_key.get_secret_value() if settings.secrets_key else ""
        return cls([key.strip() for key in text.split(",") if key.strip()])

    def encrypt(self, secret: str) -> str:
        """A token that differs each time."""
        return self._fernet.encrypt(secret.encode()).decode()

    def decrypt(self, token: str) -> str:
        """The secret of a token. Raises UndecryptableSecret."""
        try:
            return self._fernet.decrypt(token).decode()
        except InvalidToken as error:
            raise UndecryptableSecret("no key of HEADRACE_SECRETS_KEY opens this secret") from error

    def fingerprint(self, secret: str) -> str:
        """Eight hex digits to compare secrets by. Keyed, or a guessed secret could be confirmed with them."""
        return hmac.new(self._newest, secret.encode(), hashlib.sha256).hexdigest()[:_FINGERPRINT_DIGITS]
