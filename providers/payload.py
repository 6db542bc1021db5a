"""A webhook body as a JSON object: read the same way by ingest and, later, by the pipeline."""

import json
import re
from typing import Any, NoReturn

import msgspec

from providers.adapter import Payload


class UnreadableBody(ValueError):
    """The body is not a JSON object. The message says what is wrong and quotes nothing of it."""


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: JavaScript that cuts a text within an emoji leaves half a character, and writes it as an escape of its own. JSON
#: allows that; msgspec doesn't.
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")

_decoder = msgspec.json.Decoder(Any)


def read_payload(body: bytes) -> Payload:
    """The JSON object of a body. Raw NUL bytes and a byte order mark, which some senders leave in, are dropped first.

    Its strings may hold lone surrogates: adapters read them through `providers.fields`, which leaves those out.
    """
    try:
        value = _decode(body.removeprefix(_BYTE_ORDER_MARK).replace(b"\0", b""))
    except RecursionError as error:
        raise UnreadableBody("the body is nested too deeply") from error
    except ValueError as error:
        raise UnreadableBody("the body is not JSON") from error
    if not isinstance(value, dict):
        raise UnreadableBody("the body is JSON, but not an object")
    return value


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
