"""What a comparison of two versions is asked for: read by the command line, so nothing that reads rows is imported."""

import msgspec

#: Seconds to wait for a snapshot in which both versions stand at the same offsets.
WAIT_SECONDS = 10.0


class VerifyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to compare."""

    buckets: int = 256
    #: Differing rows named for each table.
    show: int = 20
    #: `column` or `table.column`, which may differ.
    expect_changed: tuple[str, ...] = ()
    #: Show what people wrote, too.
    all_values: bool = False
    wait_seconds: float = WAIT_SECONDS
