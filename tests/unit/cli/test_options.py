"""Several options are one value to a verb, and options like any other to whoever calls it."""

import inspect
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from operations.cli.acting import Acting
from operations.cli.options import takes_groups

app = typer.Typer()


@dataclass(frozen=True, kw_only=True)
class Who:
    names: Annotated[list[str] | None, typer.Argument(help="Whom.")] = None
    town: Annotated[str, typer.Option("--town", help="Where.")]


@app.command()
@takes_groups
def greet(who: Who, loud: Annotated[bool, typer.Option("--loud")] = False, *, acting: Acting) -> None:
    """Say hello."""
    acting.report({"who": who.names, "town": who.town, "loud": loud}, f"{who.names} of {who.town}, {acting.execute}")


def invoked(line: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, line.split())
    return result.exit_code, result.output.strip()


def test_the_options_of_a_group_stand_where_the_group_stands() -> None:
    assert list(inspect.signature(greet).parameters) == ["names", "town", "loud", "execute", "as_json"]


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("--town Ulm", "None of Ulm, False"),
        ("Ada Bob --town Ulm --execute", "['Ada', 'Bob'] of Ulm, True"),
        ("--json --loud --town Ulm Ada", '{"who":["Ada"],"town":"Ulm","loud":true}'),
    ],
)
def test_a_verb_gets_each_group_as_one_value(line: str, printed: str) -> None:
    assert invoked(line) == (0, printed)


def test_an_option_of_a_group_that_has_no_default_is_required() -> None:
    assert invoked("Ada")[0] == 2
