"""Where tables are printed: a person's terminal has its width, what is piped is as wide as what is in it."""

from rich.console import Console

#: Wider than any table: a program that reads it, or a person who greps, needs ids whole.
_WIDE = 10_000


def console() -> Console:
    """For standard output."""
    found = Console()
    return found if found.is_terminal else Console(width=_WIDE)
