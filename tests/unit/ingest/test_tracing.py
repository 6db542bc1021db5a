"""Trace context as W3C defines it."""

import re

import pytest

from ingest.tracing import continued

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
WELL_FORMED = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def ones(count: int) -> bytes:
    return b"\x01" * count


@pytest.mark.parametrize("flags", ["00", "01"])
def test_a_valid_trace_goes_on_in_a_span_of_our_own(flags: str) -> None:
    assert continued(f" 00-{TRACE}-{SPAN}-{flags} ", ones) == f"00-{TRACE}-{'01' * 8}-{flags}"


def test_a_later_version_goes_on_without_its_extras() -> None:
    assert continued(f"cc-{TRACE}-{SPAN}-01-more", ones) == f"00-{TRACE}-{'01' * 8}-01"


@pytest.mark.parametrize(
    "incoming",
    [
        None,
        "",
        "garbage",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}",
    ],
)
def test_anything_else_starts_a_new_trace(incoming: str | None) -> None:
    fresh = continued(incoming, ones)
    assert WELL_FORMED.fullmatch(fresh)
    assert TRACE not in fresh
