"""Where tables are printed: a person's terminal has its width, what is piped is as wide as what is in it."""

from rich.console import Console
from rich.table import Column

#: Wider than any table: a program that reads it, or a person who greps, needs ids whole.
_WIDE = 10_000
#: Characters of an id.
_ID = 36


def console() -> Console:
    """For standard output."""
    found = Console()
    return found if found.is_terminal else Console(width=_WIDE)


def whole(heading: str) -> Column:
    """A column of ids, which are copied from it: never cut, however narrow the terminal."""
    return Column(heading, no_wrap=True, min_width=_ID)
