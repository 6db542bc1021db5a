"""How a command ends that can't be carried out: one sentence on stderr and exit status 2; 1 is the answer no."""

from typing import NoReturn

import typer


def refuse(sentence: object) -> NoReturn:
    """Ends the command. The sentence says what happened, why, and what to do."""
    typer.echo(str(sentence), err=True)
    raise typer.Exit(2) from None
