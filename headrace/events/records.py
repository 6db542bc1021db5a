"""A Kafka record as Headrace's own code sees it, whichever client read it."""

import msgspec

from headrace.events.envelope import Headers


class Record(msgspec.Struct, frozen=True):
    """One record with its position. `topic` is the name on the broker, installation prefix included."""

    topic: str
    partition: int
    offset: int
    key: bytes
    #: None is a tombstone.
    value: bytes | None
    headers: Headers
    #: The broker's append time, milliseconds since the epoch.
    timestamp_ms: int
