"""SQL files: each statement has a name of its own and a comment, and is found by its name."""

from pathlib import Path

import pytest

from projections.named_sql import NamedSql

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
    (tmp_path / "module.sql").write_text(f"{first}\n{second}")
    return NamedSql(str(tmp_path / "module.py"))


def test_a_statement_is_found_by_its_name(statements: NamedSql) -> None:
    assert statements["one"] == b"SELECT 1"
    assert statements.filled("of", table="proj_v1.leads") == b"SELECT %s FROM proj_v1.leads"
    with pytest.raises(KeyError):
        statements["two"]
    with pytest.raises(KeyError):
        statements.filled("of")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_statement_is_named_once_commented_and_used(path: Path) -> None:
    text, module = path.read_text(), path.with_suffix(".py").read_text()
    names = [line.removeprefix("-- name: ") for line in text.splitlines() if line.startswith("-- name: ")]
    assert len(names) == len(set(names)) > 0
    statements = NamedSql(str(path.with_suffix(".py")))
    assert all(not statements[name].startswith(b"--") for name in names), "KeyError without a comment"
    assert [name for name in names if f'"{name}"' not in module] == []
