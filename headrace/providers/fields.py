"""Reads single values out of payloads nobody guarantees the shape of: a wrong type is a missing value."""

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

from headrace.events.caps import digest_of
from headrace.events.ids import content_fingerprint
from headrace.events.storable import storable
from headrace.providers.adapter import Payload

#: Longer ids are replaced by their hash: they become keys of topics, tables and indexes.
LONGEST_ID = 512
#: Event names appear in verdicts and metrics.
LONGEST_EVENT_NAME = 80
#: JSON numbers beyond this are no ids or times.
_LARGEST_NUMBER = 10**30


def text(value: object) -> str | None:
    """A string or number as trimmed text; None for anything else and for blanks."""
    if isinstance(value, str):
        return storable(value).strip() or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if abs(value) > _LARGEST_NUMBER or not math.isfinite(value):
        return None
    return str(int(value)) if value == int(value) else repr(value)


def identifier(value: object) -> str | None:
    """A provider's id, string or number, short enough for a key."""
    found = text(value)
    if found is None or len(found) <= LONGEST_ID:
        return found
    return digest_of(found)


def content(value: object) -> str:
    """A message body as it stands, storable; empty for anything but a string."""
    return storable(value) if isinstance(value, str) else ""


def flag(value: object) -> bool:
    """True for true, 1, "1" and "true"."""
    return value is True or (text(value) or "").lower() in {"1", "true"}


def mapping(value: object) -> Payload:
    """The JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """The JSON array, or an empty one."""
    return value if isinstance(value, list) else []


def at(payload: object, *path: str) -> object:
    """The value at a path of object keys; None where the path ends early."""
    for key in path:
        if not isinstance(payload, dict):
            return None
        payload = payload.get(key)
    return payload


@cache
def _keys(path: str) -> tuple[str, ...]:
    """The keys of a dotted path. Paths are written in the adapters, so there are only so many."""
    return tuple(path.split("."))


def first_text(payload: Payload, *paths: str) -> str | None:
    """The first text among dotted paths, such as `reply_message.text`."""
    return next((found for path in paths if (found := text(at(payload, *_keys(path))))), None)


def first_id(payload: Payload, *paths: str) -> str | None:
    """The first id among dotted paths."""
    return next((found for path in paths if (found := identifier(at(payload, *_keys(path))))), None)


def first_content(payload: Payload, *paths: str) -> str:
    """The first non-blank body among dotted paths, untrimmed; empty when there is none."""
    bodies = (content(at(payload, *_keys(path))) for path in paths)
    return next((body for body in bodies if body.strip()), "")


def event_name(value: object) -> str:
    """A provider's event name, printable and short; empty when it has none."""
    name = (text(value) or "")[:LONGEST_EVENT_NAME]
    return name if name.isprintable() else "".join(c for c in name if c.isprintable())


def fingerprint(*values: object) -> str:
    """32 hex digits over JSON values: the order of object keys and the spelling of white space don't count."""
    return content_fingerprint(token for value in values for token in _tokens(value))


def _tokens(value: object) -> Iterator[str]:
    """The value as a canonical token stream. An explicit stack, since payloads may be nested deeper than Python's."""
    pending: list[tuple[str, object]] = [("", value)]
    while pending:
        label, current = pending.pop()
        if isinstance(current, dict):
            yield f"{label}{{{len(current)}"
            pending.extend((f"{key}=", current[key]) for key in sorted(current, key=str, reverse=True))
        elif isinstance(current, list):
            yield f"{label}[{len(current)}"
            pending.extend(("", item) for item in reversed(current))
        else:
            yield label + _scalar(current)


def _scalar(value: object) -> str:
    """A string by its characters, anything else by its type too, so that 1 and "1" stay different."""
    if isinstance(value, str):
        return f'"{value}'
    # In hexadecimal, for Python refuses to spell very long integers in decimal.
    return f"int:{value:x}" if type(value) is int else f"{type(value).__name__}:{value!r}"
