"""How the verbs of `headrace proj` are told which projections they are about."""

from collections.abc import Sequence
from typing import Annotated

import typer

from projections.projection import Projection
from projections.read_models import READ_MODELS

_KNOWN = ", ".join(READ_MODELS)
Name = Annotated[str | None, typer.Argument(help=f"A projection: {_KNOWN}.", show_default=False)]
Names = Annotated[list[str] | None, typer.Argument(help="The projections, such as leads.", show_default=False)]
NamesOrAll = Annotated[
    list[str] | None, typer.Argument(help="The projections, such as leads; all without any.", show_default=False)
]


def one_or_every(name: str | None, *, every: bool) -> list[Projection]:
    """The projection of that name, or every one. Raises typer.BadParameter."""
    from projections.registry import ALL_PROJECTIONS

    if (name is None) != every:
        raise typer.BadParameter(f"give a projection ({_KNOWN}), or --all for every one")
    projections = [projection for projection in ALL_PROJECTIONS if every or projection.name == name]
    if not projections:
        raise typer.BadParameter(f"{name!r} is no projection; there are {_KNOWN}")
    return projections


def distinct_names(names: list[str] | None, *, all_: bool) -> list[str]:
    """The names, each once, or all there are. Raises typer.BadParameter."""
    if bool(names) == all_:
        raise typer.BadParameter("name the projections, or say --all")
    return list(READ_MODELS) if all_ else list(dict.fromkeys(names or ()))


def named_or_all(names: list[str] | None) -> Sequence[Projection]:
    """The projections of these names, or all without any. Raises RebuildRefused."""
    from operations.versions.rebuild import find_projection
    from projections.registry import ALL_PROJECTIONS

    return [find_projection(name) for name in names or ()] or ALL_PROJECTIONS
