"""Checks what a workspace file says under `api:`. No message repeats a value: it may be a key at the wrong place."""

import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from headrace.providers.adapter import ApiForm
from headrace.workspaces.workspace import ApiAccess

_LONGEST_SECRET = 4_096


def read_api(entry: object, form: ApiForm, accounts: Collection[str]) -> ApiAccess:
    """The access an entry gives. `accounts` are the account fields given beside it. Raises ValueError, field first."""
    if not isinstance(entry, Mapping):
        raise ValueError("api must be a mapping, such as {api_key: …}")  # noqa: TRY004 - pydantic collects ValueErrors
    unknown = [name for name in entry if name not in (*form.secrets, *form.settings)]
    if unknown:
        raise ValueError(
            f"api has no field {str(unknown[0])[:40]!r}; it takes {', '.join((*form.secrets, *form.settings))}"
        )
    given = {str(name): _checked(str(name), value, form) for name, value in entry.items()}
    if form.enough and not any(set(names) <= set(given) for names in form.enough):
        ways = ", or ".join(" and ".join(names) for names in form.enough)
        raise ValueError(f"api needs {ways}")
    lacking = [name for name in form.accounts if name not in accounts]
    if lacking:
        raise ValueError(f"api needs {lacking[0]} beside it: calls name the account by it")
    return ApiAccess(
        settings={name: value for name, value in given.items() if name in form.settings},
        secrets={name: value for name, value in given.items() if name in form.secrets},
    )


def _checked(name: str, value: object, form: ApiForm) -> str:
    if not isinstance(value, str):
        raise ValueError(f'api.{name} must be text: write it in quotes, such as {name}: "12"')  # noqa: TRY004
    trimmed = value.strip()
    if not trimmed or len(trimmed) > _LONGEST_SECRET:
        raise ValueError(f"api.{name} is {'too long' if trimmed else 'empty'}")
    if name in form.secrets and not (trimmed.isascii() and trimmed.isprintable() and " " not in trimmed):
        raise ValueError(f"api.{name} holds a blank, a line break or a character no key has: copy it again")
    if name in form.choices and trimmed not in form.choices[name]:
        raise ValueError(f"api.{name} must be one of {', '.join(form.choices[name])}")
    return _url(name, trimmed) if name.endswith("_url") else trimmed


def _url(name: str, value: str) -> str:
    """Keys travel there, so it is encrypted, unless it never leaves the machine."""
    parts = urlsplit(value)
    encrypted = parts.scheme == "https" or (parts.scheme == "http" and _is_local(parts.hostname or ""))
    if not encrypted or not parts.hostname:
        raise ValueError(f"api.{name} must be an https address, such as https://api.example.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"api.{name} must hold no user, query or fragment: keys have fields of their own")
    return value.rstrip("/")


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
