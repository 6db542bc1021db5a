"""Imports point one way, and the pure packages stay free of frameworks: read from the code, not from what is loaded."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Each package and the ones of ours it may import.
ALLOWED = {
    "events": set(),
    "providers": {"events"},
    "runtime": {"events"},
    "workspaces": {"events", "providers", "runtime"},
    "ingest": {"events", "providers", "runtime", "workspaces"},
    "workers": {"events", "runtime"},
    "streams": {"events", "providers", "runtime", "workers", "workspaces"},
    "projections": {"events", "runtime", "workers"},
    "replay": {"events", "providers", "runtime", "workers", "streams", "projections"},
}
FRAMEWORKS = {"faust", "mode", "aiokafka", "confluent_kafka", "sqlalchemy", "psycopg", "fastapi", "starlette", "openai"}
PURE = ("events", "providers")


def imported(file: Path) -> set[str]:
    """The top-level names a file imports, wherever it does so."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_is_below_it(package: str) -> None:
    ours = {*ALLOWED, "cli", "dev", "bench", "tests", "training"} - ALLOWED[package] - {package}
    assert {
        str(file.relative_to(ROOT)): imported(file) & ours for file in files(package) if imported(file) & ours
    } == {}


@pytest.mark.parametrize("package", PURE)
def test_the_pure_packages_know_no_framework(package: str) -> None:
    assert files(package)
    found = {str(file.relative_to(ROOT)): imported(file) & FRAMEWORKS for file in files(package)}
    assert {file: names for file, names in found.items() if names} == {}


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        str(file.relative_to(ROOT))
        for package in ALLOWED
        for file in files(package)
        if any(
            isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") and ast.unparse(node.value) == "os"
            for node in ast.walk(ast.parse(file.read_text()))
        )
    ]
    assert readers == []
