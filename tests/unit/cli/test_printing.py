"""Ids come whole, whoever reads them."""

import io
import sys

import pytest
from rich.console import Console
from rich.table import Table

from operations.cli.printing import console, whole

ID = "0198f3c1-0000-7000-8000-00000000002a"


def table() -> Table:
    found = Table(whole("job"), "reason", "more")
    found.add_row(ID, "a reason of many words that needs its room", "x" * 60)
    return found


def test_what_is_piped_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    piped = io.StringIO()
    monkeypatch.setattr(sys, "stdout", piped)
    monkeypatch.setenv("COLUMNS", "80")
    console().print(table())
    told = piped.getvalue()
    assert (ID in told, "x" * 60 in told) == (True, True)


def test_a_narrow_terminal_cuts_no_id() -> None:
    screen = io.StringIO()
    Console(file=screen, width=60, force_terminal=True, color_system=None).print(table())
    assert ID in screen.getvalue()
