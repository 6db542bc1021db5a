"""Code that replays can't act on the world: what it loads, directly or not, is read from the import graph itself."""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.replay_reach import FORBIDDEN, SPENDING

ROOT = Path(__file__).parents[3]
ROOMS = ("headrace", "streams", "projections", "operations")
#: The functions that load one of these, and do it only once somebody has allowed it.
LOADERS = {
    "operations.replay.decide.resuming": {"_buyer_of"},
    "operations.cli.replay_decide": {"_pricing"},
    "operations.cli.replay_try": {"scope", "try_"},
    "operations.cli.resumable": {"_try"},
}
#: Takes the name of a module that it imports: the commands, of which one is called.
#: The sandbox belongs to the local stack, which no replay has.
BY_NAME = {"operations.cli.main", "operations.dev.sandbox.world"}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


FILES = {name_of(path): path for path in sorted((ROOT / "operations").rglob("[!_]*.py"))}
#: Commands load what they run, and the local stack is a world of its own.
APART = ("operations.cli.", "operations.dev.")
MODULES = sorted(name for name in FILES if not name.startswith(APART) and name not in SPENDING)


def loaded_by(modules: str, then: str = "") -> set[str]:
    """The modules of a process that imports these and does that."""
    program = f"import sys, {modules}\n{then}\nprint(' '.join(sys.modules))"
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


def test_without_an_allowance_what_asks_models_is_not_loaded() -> None:
    decide, plan = "operations.replay.decide.resuming", "operations.cli.replay_decide"
    buys_nothing = f"assert {decide}._buyer_of(None, None, None) is None"
    asks_nobody = f"assert {plan}._pricing(None, None, {plan}.DecideOptions()) is None"
    assert forbidden(loaded_by(f"{decide}, {plan}", f"{buys_nothing}\n{asks_nobody}")) == []


def imports(tree: ast.AST, function: str = "") -> Iterator[tuple[str, str]]:
    """Each import that can be carried out: the function it stands in, empty for none, and what it may load."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from (pair for branch in node.orelse for pair in imports(branch, function))
        elif isinstance(node, ast.ImportFrom):
            yield from (
                (function, f"{node.module}{dot_name}") for dot_name in ("", *(f".{alias.name}" for alias in node.names))
            )
        elif isinstance(node, ast.Import):
            yield from ((function, alias.name) for alias in node.names)
        else:
            yield from imports(
                node, node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
            )


def graph() -> dict[str, set[str]]:
    """Every module of ours → what it may load at any time, but for what `LOADERS` load."""
    files = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return {
        name_of(path): {
            module
            for function, module in imports(ast.parse(path.read_text()))
            if not (module.startswith(tuple(SPENDING)) and function in LOADERS.get(name_of(path), ()))
        }
        for path in files
    }


def reachable(edges: dict[str, set[str]], start: Iterable[str]) -> set[str]:
    reached: set[str] = set()
    ahead = set(start)
    while ahead:
        reached |= ahead
        ahead = {module for name in ahead for module in edges.get(name, ())} - reached
    return reached


def test_nothing_that_replays_reaches_what_has_effects_also_not_later_on() -> None:
    assert set(forbidden(reachable(graph(), MODULES))) == set()


def test_only_what_spends_imports_what_spends() -> None:
    assert set(FILES) >= SPENDING | set(LOADERS)
    importers: defaultdict[str, set[str]] = defaultdict(set)
    for name, path in FILES.items():
        for function, module in imports(ast.parse(path.read_text())):
            if module in SPENDING:
                importers[name].add(function)
    spenders = {name: {""} for name in SPENDING - {"operations.replay.spending"}}
    assert importers == spenders | LOADERS


def test_nothing_is_imported_by_its_name() -> None:
    assert {name for name, path in FILES.items() if "import_module" in path.read_text()} == BY_NAME
