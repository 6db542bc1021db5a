"""Imports point one way, and the pure packages stay free of frameworks: read from the code, not from what is loaded."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.events.job_plan import STEPS
from headrace.events.providers import PROVIDERS

ROOT = Path(__file__).parents[2]
#: What every room may use: settings, logs, refusals, exit statuses.
GROUND = frozenset(path.stem for path in (ROOT / "headrace").glob("[!_]*.py"))
FOUNDATION = ("headrace.events", "headrace.providers", "headrace.kafka", "headrace.workspaces")
#: Each room and the ones it may import, beside the ground.
ALLOWED: dict[str, tuple[str, ...]] = {
    "headrace.events": (),
    "headrace.providers": ("headrace.events",),
    "headrace.kafka": ("headrace.events",),
    "headrace.workspaces": ("headrace.events", "headrace.providers", "headrace.kafka"),
    "ingest": FOUNDATION,
    # The ledger of calls is Postgres', and reached as the projections reach it.
    "streams": (*FOUNDATION, "projections.connection", "projections.named_sql"),
    "projections": ("headrace.events", "headrace.kafka"),
    "operations": (*FOUNDATION, "ingest", "streams", "projections"),
}
OURS = ("headrace", "ingest", "streams", "projections", "operations", "bench", "tests", "training")
FRAMEWORKS = {"faust", "mode", "aiokafka", "confluent_kafka", "sqlalchemy", "psycopg", "fastapi", "starlette", "openai"}
#: These know no framework, and not even the settings.
PURE = ("headrace.events", "headrace.providers")


#: What few parts of the house may import, so that the others know nothing of what is below them.
OWNERS: dict[str, tuple[str, ...]] = {
    "faust": ("headrace.kafka.faust",),
    "mode": ("headrace.kafka.faust",),
    "aiokafka": ("headrace.kafka",),
    "alembic": ("projections",),
    # What reaches a provider is behind the claims and the ledger.
    "streams.effects.clients": ("streams.effects",),
    # Versions of the read model are made beside the live tables.
    "sqlalchemy.schema": ("projections", "operations.versions"),
    "sqlalchemy.MetaData": ("projections", "operations.versions"),
}
ROOMS = ("headrace", "ingest", "streams", "projections", "operations")


def imported(file: Path) -> set[str]:
    """The modules a file imports, wherever it does so."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def files(room: str) -> list[Path]:
    return sorted(ROOT.joinpath(*room.split(".")).rglob("*.py"))


def is_in(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def is_ground(module: str) -> bool:
    parts = module.split(".")
    return parts[0] == "headrace" and len(parts) > 1 and parts[1] in GROUND


def breaches(room: str) -> Iterator[str]:
    for file in files(room):
        for module in imported(file):
            if module.split(".")[0] not in OURS or (is_ground(module) and room not in PURE):
                continue
            if not any(is_in(module, other) for other in (room, *ALLOWED[room])):
                yield f"{file.relative_to(ROOT)} imports {module}"


def test_every_room_is_named() -> None:
    rooms = {"headrace." + path.parent.name for path in (ROOT / "headrace").glob("*/__init__.py")}
    assert rooms == {room for room in ALLOWED if room.startswith("headrace.")}


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_is_below_it(room: str) -> None:
    assert files(room)
    assert sorted(breaches(room)) == []


def test_the_ground_imports_nothing_but_the_contracts() -> None:
    ground = [ROOT / "headrace" / f"{name}.py" for name in GROUND]
    above = {
        f"{file.name}: {module}"
        for file in ground
        for module in imported(file)
        if module.split(".")[0] in OURS and not is_ground(module) and not is_in(module, "headrace.events")
    }
    assert above == set()


@pytest.mark.parametrize("room", PURE)
def test_the_pure_rooms_know_no_framework(room: str) -> None:
    loaded = {str(file.relative_to(ROOT)): {name.split(".")[0] for name in imported(file)} for file in files(room)}
    assert {file: names & FRAMEWORKS for file, names in loaded.items() if names & FRAMEWORKS} == {}


@pytest.mark.parametrize(("module", "owners"), OWNERS.items())
def test_what_some_parts_hide_is_imported_nowhere_else(module: str, owners: tuple[str, ...]) -> None:
    users = {file for room in ROOMS for file in files(room) if any(is_in(name, module) for name in imported(file))}
    assert users
    strangers = users - {file for owner in owners for file in files(owner)}
    assert sorted(str(file.relative_to(ROOT)) for file in strangers) == []


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        str(file.relative_to(ROOT))
        for room in ROOMS
        for file in files(room)
        if any(
            isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") and ast.unparse(node.value) == "os"
            for node in ast.walk(ast.parse(file.read_text()))
        )
    ]
    # What starts other programs hands its own environment on.
    assert [name for name in readers if not name.startswith(("operations/cli/", "operations/dev/"))] == []


#: What imports a module by its name, and the packages it does so from: lists that are a line an entry.
BY_NAME = {
    "headrace/providers/registry.py": "headrace.providers.",
    "projections/registry.py": "projections.projectors.",
    "streams/effects/clients/registry.py": "streams.effects.clients.",
}


@pytest.mark.parametrize("file", BY_NAME)
def test_a_registry_imports_only_its_own_files(file: str) -> None:
    calls = [
        node.args[0]
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "import_module"
    ]
    assert [ast.unparse(one).startswith(f"f'{BY_NAME[file]}{{") for one in calls] == [True]


def test_below_operations_only_registries_import_by_name() -> None:
    by_name = {
        str(file.relative_to(ROOT))
        for room in ("headrace", "ingest", "streams", "projections")
        for file in files(room)
        if "importlib.import_module" in imported(file)
    }
    assert by_name == set(BY_NAME)


def test_a_provider_is_named_only_by_its_adapter_its_line_and_its_settings() -> None:
    """Words in help and docstrings may give an example; samples and docs are there to name them."""
    own = ("headrace/providers", "streams/effects/clients", "operations/dev/sandbox/providers")
    adapters = {f"{folder}/{provider}.py" for provider in PROVIDERS for folder in own}
    at_home = {*adapters, "headrace/events/providers.py", "headrace/settings.py"}
    naming = {
        name: word
        for room in ("headrace", "ingest", "streams", "projections", "operations")
        for file in files(room)
        for name in (str(file.relative_to(ROOT)),)
        for word in words(file)
        # What a job is called on the wire is no way to tell providers apart.
        if name not in at_home and word.upper() not in STEPS and names_a_provider(word)
    }
    assert naming == {}


def names_a_provider(word: str) -> bool:
    return any(word == provider or word.startswith(f"{provider}_") for provider in PROVIDERS)


def words(file: Path) -> set[str]:
    """The names and whole strings of a file, in lower case."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    strings = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return {word.lower().removeprefix("webhooks_") for word in strings | names | attributes}
