"""Is this webhook new? A decision over what is remembered of its dedupe key: values in, values out."""

from datetime import timedelta
from typing import Literal

import msgspec

from headrace.providers.adapter import RetryWindow

Judgement = Literal["fresh", "duplicate", "already done"]


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What is remembered of a dedupe key. Times are the gateway's clock, milliseconds since the epoch."""

    #: The receipt that was fresh.
    receipt_id: str
    first_ms: int
    last_ms: int
    #: How often this key truly happened.
    occurrence: int
    #: The newest record judged under this key; -1 where an earlier release remembered it.
    offset: int = -1
    #: How often a person had sent the fresh receipt again when it was judged.
    redrives: int = 0


def judge(
    seen: Seen | None,
    receipt_id: str,
    received_ms: int,
    offset: int,
    memory: timedelta,
    retries: RetryWindow | None,
    *,
    redrives: int = 0,
) -> tuple[Judgement, Seen]:
    """Decide, and say what to remember. Depends on nothing but the log, so a replay decides the same.

    `already done` is a record that comes again: the worker stopped between its work and its commit. Its verdict stands.
    A person who sends a receipt again counts its redrives up, and so has it judged once more, as what it was.
    """
    if seen is None or received_ms - seen.last_ms > _ms(memory):
        return "fresh", Seen(receipt_id, received_ms, received_ms, 1, offset, redrives)
    if seen.receipt_id == receipt_id and redrives > seen.redrives:
        return "fresh", msgspec.structs.replace(seen, offset=offset, redrives=redrives)
    if seen.receipt_id == receipt_id or _was_judged(seen, received_ms, offset):
        return "already done", seen
    if retries is not None and _happened_again(seen, received_ms, retries):
        return "fresh", Seen(receipt_id, received_ms, received_ms, seen.occurrence + 1, offset, redrives)
    return "duplicate", msgspec.structs.replace(seen, last_ms=max(seen.last_ms, received_ms), offset=offset)


def _was_judged(seen: Seen, received_ms: int, offset: int) -> bool:
    """The time as well, because a topic that is made anew counts from 0 again."""
    return offset <= seen.offset and received_ms <= seen.last_ms


def _happened_again(seen: Seen, received_ms: int, retries: RetryWindow) -> bool:
    return received_ms - seen.last_ms > _ms(retries.gap) or received_ms - seen.first_ms > _ms(retries.span)


def _ms(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Seen)


def encode_seen(seen: Seen) -> bytes:
    """As stored in the table: a JSON array, readable with any Kafka tool in the changelog."""
    return _encoder.encode(seen)


def decode_seen(value: bytes | None) -> Seen | None:
    """The inverse; None for an absent entry."""
    return None if value is None else _decoder.decode(value)
