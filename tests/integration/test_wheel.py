"""The wheel is what production runs: its rooms and no other name, with what they read, and without the local stack.

It is installed beside the packages of the production lock, and nothing else, as the image has them.
"""

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from operations.cli.main import COMMANDS
from operations.dev.processes import PROCESSES

ROOT = Path(__file__).parents[2]
ROOMS = {"headrace", "ingest", "streams", "projections", "operations"}
ALL_HELP = """
from operations.cli.main import COMMANDS, app, whole_command
from typer.testing import CliRunner


def verbs(command, words):
    yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from verbs(below, [*words, name])


# What `dev` has below it is refused: see the last test.
for name in COMMANDS:
    for words in [[name]] if name == "dev" else verbs(whole_command(name), [name]):
        done = CliRunner().invoke(app, [*words, "--help"])
        assert done.exit_code == 0, (words, done.output)
        print(*words)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, because a build leaves files beside the source."""
    source = tmp_path_factory.mktemp("source")
    for room in ROOMS:
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, source)
    options = ("--no-build-isolation", "--no-deps", "--no-index", "--quiet", "--wheel-dir", source / "dist")
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, source], check=True)
    (made,) = (source / "dist").iterdir()
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The executables of an environment with the wheel and the packages of the production lock."""
    home = tmp_path_factory.mktemp("production")
    venv.create(home)
    python = home / "bin" / "python"
    (packages,) = home.glob("lib/python*/site-packages")
    for requirement in locked(ROOT / "requirements-prod.lock"):
        for entry in entries(requirement):
            if not (packages / entry.name).exists():
                (packages / entry.name).symlink_to(entry)
    options = ("--no-deps", "--no-index", "--quiet")
    subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", *options, wheel], check=True)
    return home / "bin"


def locked(lock: Path) -> Iterator[Requirement]:
    """What the lock names for this Python and system."""
    for line in lock.read_text().splitlines():
        if re.match(r"[\w-]+==", line):
            requirement = Requirement(line.rstrip(" \\"))
            if requirement.marker is None or requirement.marker.evaluate():
                yield requirement


def entries(requirement: Requirement) -> set[Path]:
    """Where the package stands in the present environment, which was installed from the whole lock."""
    found = distribution(requirement.name)
    assert found.version in requirement.specifier, f"{requirement} is locked, {found.version} installed"
    tops = {Path(file.parts[0]) for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}
    return {Path(str(found.locate_file(top))) for top in tops}


def run(installed: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A program of the environment, in an empty folder, told nothing by ours."""
    environment = {"PATH": os.defpath, "HOME": str(folder)}
    argv = [str(installed / command[0]), *command[1:]]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_has_the_rooms_without_the_local_stack_and_with_all_they_read(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == ROOMS
    tracked = subprocess.run(["git", "ls-files", *ROOMS], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {name for name in names if ".dist-info/" not in name} == {
        name for name in tracked.split() if not name.startswith("operations/dev/") and (ROOT / name).exists()
    }


@pytest.mark.parametrize("words", [*(process.command for process in PROCESSES), *((name,) for name in COMMANDS)])
def test_every_process_and_command_starts(installed: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(installed, tmp_path, "headrace", *words, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"headrace {' '.join(words)}" in done.stdout


def test_every_verb_has_its_help(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "python", "-c", ALL_HELP)
    assert done.returncode == 0, done.stderr
    assert {words.split()[0] for words in done.stdout.splitlines()} == set(COMMANDS)


def test_every_module_finds_what_it_imports(installed: Path, tmp_path: Path) -> None:
    """Help imports little. The migrations are scripts of Alembic's."""
    program = (
        "import importlib, pkgutil\n"
        f"for room in {sorted(ROOMS)}:\n"
        "    for found in pkgutil.walk_packages(importlib.import_module(room).__path__, f'{room}.'):\n"
        "        if not found.name.startswith('projections.migrations.'):\n"
        "            importlib.import_module(found.name)\n"
    )
    done = run(installed, tmp_path, "python", "-c", program)
    assert done.returncode == 0, done.stderr


def test_the_local_stack_is_refused_with_what_to_do(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "headrace", "dev", "up")
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.strip() == "The local stack needs the development packages: run `make setup` in a checkout."
