"""Options that several verbs have, each declared once, and how a verb takes several of them as one value."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import is_dataclass
from functools import wraps
from typing import Annotated, Any

import typer

Execute = Annotated[bool, typer.Option("--execute", help="Act. Without it, only the plan is printed.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JsonTable = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Error = Annotated[str | None, typer.Option("--error", help="Only where error class or reason contain this.")]
Workspace = Annotated[str | None, typer.Option("--workspace", help="Only of this workspace.")]


def known_state(name: str, states: Sequence[Any]) -> Any:
    """The state of that name. Raises typer.BadParameter when there is none."""
    if name not in states:
        raise typer.BadParameter(f"{name!r} is no state; use one of {', '.join(states)}")
    return name


def takes_groups(verb: Callable[..., None]) -> Callable[..., None]:
    """A verb for typer, with the fields of each parameter that is a dataclass as options in its place.

    A field of such a dataclass is annotated as the parameter of a verb is.
    """
    groups: dict[str, type] = {}
    options: list[inspect.Parameter] = []
    for parameter in _parameters(verb):
        if isinstance(parameter.annotation, type) and is_dataclass(parameter.annotation):
            groups[parameter.name] = parameter.annotation
            options += _parameters(parameter.annotation)
        else:
            options.append(parameter)

    @wraps(verb)
    def with_groups(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{option.name: given.pop(option.name) for option in _parameters(group)})
        verb(**given)

    with_groups.__annotations__ = {option.name: option.annotation for option in options}
    keyword_only = [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in options]
    with_groups.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
    return with_groups


def _parameters(function: Callable[..., Any]) -> Iterable[inspect.Parameter]:
    return inspect.signature(function, eval_str=True).parameters.values()
