"""Statements in files: each says what it asks, is complete once it is read, and is asked by somebody."""

from pathlib import Path

import pytest

from operations.statements import statement

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "operations").glob("*/sql/*.sql"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parts[-3]}/{file.stem}")
def test_a_statement_says_what_it_asks_and_has_all_its_parts(file: Path) -> None:
    text = statement(f"operations.{file.parts[-3]}", file.stem).decode()
    assert text.startswith("-- ")
    assert "{live." not in text
    assert "{file." not in text


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parts[-3]}/{file.stem}")
def test_every_statement_is_asked(file: Path) -> None:
    askers = [*file.parents[1].glob("*.py"), *file.parent.glob("*.sql")]
    wanted = (f'"{file.stem}"', f"{{file.{file.stem}}}")
    assert any(name in asker.read_text() for asker in askers for name in wanted)
