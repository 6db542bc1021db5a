"""SQL files: each statement has a name of its own and a comment, and is found by its name."""

from pathlib import Path

import pytest

from projections.named_sql import NamedSql
from projections.versions import is_live

ROOT = Path(__file__).parents[3]
FILES = [
    path
    for room in ("projections", "operations")
    for path in (ROOT / room).rglob("*.sql")
    if path.with_suffix(".py").exists()
]


@pytest.fixture
def statements(tmp_path: Path) -> NamedSql:
    first = "-- name: one\n-- The first.\nSELECT 1\n"
    second = "-- name: of\n-- Of a table,\n-- in two lines.\nSELECT %s FROM {table}\n"
    third = "-- name: known\n-- The rest.\nWHERE {live.o}\n"
    fourth = "-- name: all\n-- Together.\n{part.one} {part.known}\n"
    (tmp_path / "module.sql").write_text(f"{first}\n{second}\n{third}\n{fourth}")
    return NamedSql(str(tmp_path / "module.py"))


def test_a_statement_is_found_by_its_name(statements: NamedSql) -> None:
    assert statements["one"] == b"SELECT 1"
    assert statements.filled("of", table="proj_v1.leads") == b"SELECT %s FROM proj_v1.leads"
    with pytest.raises(KeyError):
        statements["two"]
    with pytest.raises(KeyError):
        statements.filled("of")


def test_a_statement_may_be_a_part_of_others(statements: NamedSql) -> None:
    assert statements["all"] == f"SELECT 1 WHERE {is_live('o')}".encode()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_statement_is_named_once_commented_complete_and_used(path: Path) -> None:
    text = path.read_text()
    askers = "".join(module.read_text() for module in path.parent.glob("*.py"))
    names = [line.removeprefix("-- name: ") for line in text.splitlines() if line.startswith("-- name: ")]
    assert len(names) == len(set(names)) > 0
    statements = NamedSql(str(path.with_suffix(".py")))
    assert all(not statements[name].startswith(b"--") for name in names), "KeyError without a comment"
    assert not [name for name in names if b"{part." in statements[name] or b"{live." in statements[name]]
    used = [name for name in names if f'"{name}"' in askers or f"{{part.{name}}}" in text]
    assert used == names
