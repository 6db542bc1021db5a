"""Hides secrets in what others wrote, by the names of fields and by what addresses carry: nobody declares those."""

import re
from typing import Any

import msgspec

from headrace.events.envelope import Headers

HIDDEN = "(hidden)"

_WORDS = r"secret|passw|authorization|api[-_]?key|access[-_]?key|private[-_]?key|cookie|signature|credential"
#: `…token` is a secret, but the many counts of tokens are none: those end in an s and are numbers.
_NAME = re.compile(rf"(?:{_WORDS}|token)", re.IGNORECASE)
_CERTAIN_NAME = re.compile(_WORDS, re.IGNORECASE)
#: In an address: ?secret=…, &api_key=…
_IN_QUERY = re.compile(rf"([?&;][\w.-]*(?:{_WORDS}|token|sig)[\w.-]*=)[^&\s\"'<>\\]+", re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer|Basic)(\s+)[\w.~+/=-]{6,}", re.IGNORECASE)
#: In what is no JSON: "secret": "…", secret=…
_IN_TEXT = re.compile(
    rf"""((?:^|[\s,{{(&?;])["']?[\w.-]*(?:{_WORDS}|token)[\w.-]*["']?\s*[:=]\s*)("(?:\\.|[^"\\])*"?|'[^']*'?|[^\s,&}}]+)""",
    re.IGNORECASE,
)


def without_secrets(value: Any, name: str = "") -> Any:
    """Plain JSON with every secret replaced, judged by the names of fields and by what addresses may carry."""
    if value is None or value == "":
        return value
    if _CERTAIN_NAME.search(name) or (_NAME.search(name) and not isinstance(value, int | float)):
        return HIDDEN
    if isinstance(value, dict):
        return {str(key): without_secrets(one, str(key)) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(one) for one in value]
    return _string(value) if isinstance(value, str) else value


def shown_headers(headers: Headers) -> dict[str, str]:
    """Headers by name, the last of a repeated name; without secrets."""
    shown = {}
    for name, value in headers:
        text = value.decode("utf-8", "replace")
        shown[name] = _query(text) if name == "ce_query" else without_secrets(text, name)
    return shown


def shown_bytes(value: bytes) -> str:
    """Bytes as text, as they came but for secrets. JSON that holds one is written anew, so spacing may differ."""
    text = value.decode("utf-8", "replace")
    redacted = _json(value)
    return _IN_TEXT.sub(_assigned, _string(text)) if redacted is None else redacted or text


def _json(value: bytes | str) -> str | None:
    """JSON without its secrets; empty where it has none, None where it is no JSON."""
    try:
        parsed = msgspec.json.decode(value)
        redacted = without_secrets(parsed)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return "" if redacted == parsed else msgspec.json.encode(redacted).decode()


def _assigned(match: re.Match[str]) -> str:
    return f"{match[1]}{HIDDEN}"


def _string(text: str) -> str:
    if text[:1] in ("{", "[") and (redacted := _json(text)):
        return redacted
    return _BEARER.sub(rf"\1\2{HIDDEN}", _IN_QUERY.sub(rf"\1{HIDDEN}", text))


def _query(text: str) -> str:
    redacted = _json(text)
    return HIDDEN if redacted is None else redacted or text
