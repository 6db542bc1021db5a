"""A webhook body as a JSON object: read the same way by ingest and, later, by the pipeline."""

import json
import re
from typing import Any, NoReturn

import msgspec

from headrace.providers.adapter import Payload


class UnreadableBody(ValueError):
    """The body is not a JSON object. The message says what is wrong and quotes nothing of it."""


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: JavaScript that cuts a text within an emoji leaves half a character, and writes it as an escape of its own. JSON
#: allows that; msgspec doesn't.
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")

#: Far more than any provider sends. Each costs up to 250 bytes of memory, which a body of brackets holds a third of a
#: million of in its MiB.
MOST_VALUES = 50_000

_decoder = msgspec.json.Decoder(Any)


def read_payload(body: bytes) -> Payload:
    """The JSON object of a body. Raw NUL bytes and a byte order mark, which some senders leave in, are dropped first.

    It is bounded before anything is built: one of more than MOST_VALUES values is not read. Its strings may hold lone
    surrogates: adapters read them through `headrace.providers.fields`, which leaves those out.
    """
    text = body.removeprefix(_BYTE_ORDER_MARK).replace(b"\0", b"")
    if len(text) > MOST_VALUES and value_count(text) > MOST_VALUES:
        raise UnreadableBody(f"the body holds more than {MOST_VALUES} values")
    try:
        value = _decode(text)
    except RecursionError as error:
        raise UnreadableBody("the body is nested too deeply") from error
    except ValueError as error:
        raise UnreadableBody("the body is not JSON") from error
    if not isinstance(value, dict):
        raise UnreadableBody("the body is JSON, but not an object")
    return value


def value_count(text: bytes) -> int:
    """At least as many values as a reader would build of a JSON text; cheap for any bytes.

    Of a text that might have too many it is at most twice as many: separators within strings don't count then.
    """
    if (separators := _separators(text)) < MOST_VALUES:
        return separators + 1
    # Most of it may stand in strings. Without escapes each quote begins or ends one.
    unescaped = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    if (quotes := unescaped.count(b'"')) > 4 * MOST_VALUES:
        # A value has at most two strings: itself and its key.
        return quotes // 4
    return _separators(b"".join(unescaped.split(b'"')[::2])) + 1


def _separators(text: bytes) -> int:
    """Each value but the first follows a comma, or an opening bracket or brace."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _decode(body: bytes) -> object:
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError:
        if not _HALF_CHARACTER.search(body):
            raise
        return json.loads(body.decode(), parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    """The standard library reads NaN and Infinity, which JSON does not have."""
    raise ValueError(name)
