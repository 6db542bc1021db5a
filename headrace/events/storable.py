"""What every store of ours can hold: Postgres takes no NUL character, and UTF-8 no half of a surrogate pair."""

import json
import re
from typing import Any, NoReturn

import msgspec

_UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def storable(text: str) -> str:
    """The text without NUL characters and lone surrogates."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text if text.isascii() else text.encode("utf-8", "ignore").decode()


def storable_json(value: Any) -> Any:
    """Plain JSON with every text in it storable, keys too."""
    match value:
        case str():
            return storable(value)
        case dict():
            return {storable(str(key)): storable_json(one) for key, one in value.items()}
        case list() | tuple():
            return [storable_json(one) for one in value]
        case _:
            return value


def storable_document(text: str) -> str:
    """A JSON document without escapes of what is not storable; the text itself where it is no JSON.

    Whoever reads it with a strict parser finds no fault with such escapes, or refuses the whole for them.
    """
    if not _UNSTORABLE.search(text):
        return storable(text)
    try:
        return msgspec.json.encode(storable_json(json.loads(text, parse_constant=_no_constant))).decode()
    except (ValueError, RecursionError, OverflowError):
        return storable(text)


def _no_constant(name: str) -> NoReturn:
    """The standard library reads NaN and Infinity, which JSON does not have."""
    raise ValueError(name)
