"""Code that replays can't act on the world: what it loads, directly or not, is read from the import graph itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FORBIDDEN = (
    "faust",
    "mode",
    "httpx",
    "httpx2",
    "openai",
    "ingest",
    "streams.effects",
    "streams.ai.chosen",
    "streams.ai.openai_provider",
    "streams.jobs.desk_ai",
)
#: What asks models, and what loads it: for those alone who allow to spend something.
SPENDING = {
    "operations.replay.spending",
    "operations.replay.decide.buying",
    "operations.replay.trying.trying",
    "operations.replay.trying.resuming",
}
#: Who may load one of these by its name, and only once somebody has allowed it.
LOADERS = {
    "operations.replay.decide.resuming",
    "operations.cli.replay_decide",
    "operations.cli.replay_try",
    "operations.cli.runs",
}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


FILES = {name_of(path): path for path in sorted((ROOT / "operations").rglob("[!_]*.py"))}
#: Commands load what they run, and the local stack is a world of its own.
APART = ("operations.cli.", "operations.dev.")
MODULES = sorted(name for name in FILES if not name.startswith(APART) and name not in SPENDING)


def loaded_by(module: str) -> set[str]:
    program = f"import sys, {module}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def forbidden(loaded: set[str]) -> list[str]:
    return sorted(name for name in loaded if any(name == one or name.startswith(f"{one}.") for one in FORBIDDEN))


def test_replays_load_nothing_with_effects() -> None:
    assert len(MODULES) > len(SPENDING)
    assert (
        forbidden(
            loaded_by(f"operations.cli.replay, operations.cli.proj_repair, operations.cli.dlq, {', '.join(MODULES)}")
        )
        == []
    )


@pytest.mark.parametrize("module", ["streams.ai.openai_provider", "headrace.kafka.faust.worker", *sorted(SPENDING)])
def test_the_check_would_notice(module: str) -> None:
    assert forbidden(loaded_by(module))


def imported(path: Path) -> set[str]:
    """What a file imports by statement, wherever it does so."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    by_module = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    by_name = {
        f"{node.module}.{alias.name}" for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return by_module | by_name | plain


def named(path: Path) -> set[str]:
    """The strings of a file."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_only_what_spends_imports_what_spends() -> None:
    assert set(FILES) >= SPENDING | LOADERS
    importers = {name for name, path in FILES.items() if imported(path) & SPENDING}
    assert importers == SPENDING - {"operations.replay.spending"}
    assert {name for name, path in FILES.items() if named(path) & SPENDING} == LOADERS
