"""Keeps Python's cycle collector out of the hot paths of long-running processes."""

import gc

#: Allocations between two looks at the youngest objects: a batch of records is far more than Python's default of 700.
_YOUNG = 50_000


def collect_rarely() -> None:
    """Set aside what was loaded at start, which lives for ever, and look at the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
