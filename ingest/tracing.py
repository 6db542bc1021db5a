"""W3C trace context: an incoming trace goes on through Kafka, a missing one starts here."""

import re
from collections.abc import Callable

#: Version ff is forbidden, as are ids of zeros. A higher version than 00 may carry more fields, which are dropped.
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_SAMPLED = "01"


def continued(incoming: str | None, random_bytes: Callable[[int], bytes]) -> str:
    """The traceparent of our own span: within the incoming trace when it is valid, in a new one otherwise."""
    span = random_bytes(8).hex()
    found = _TRACEPARENT.fullmatch(incoming.strip()) if incoming else None
    if found is None or (found["version"] == "00" and found["more"]):
        return f"00-{random_bytes(16).hex()}-{span}-{_SAMPLED}"
    return f"00-{found['trace']}-{span}-{found['flags']}"
