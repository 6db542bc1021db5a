"""What a trace is asked for beside an id: read by the command line, so nothing that reads logs or rows is imported."""

from datetime import datetime

import msgspec

#: Records one search through the log goes through at most.
MOST = 200_000
#: Messages of a lead.
LIMIT = 5


class TraceOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How far to look, and what to show."""

    limit: int = LIMIT
    depth: int | None = None
    texts: bool = False
    raw: bool = False
    #: Look in the log itself, not only where rows lead. Aware.
    from_: datetime | None = None
    to: datetime | None = None
    most: int = MOST
