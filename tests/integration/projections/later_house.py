"""A temporary copy of the house in which somebody went on: other declarations, and the migrations of the docs."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
_ROOMS = ("headrace", "ingest", "streams", "projections", "operations", "tests")
_VERSIONS = Path("projections", "migrations", "versions")
_BLOCK = re.compile(r"^```\w+\n(?:#|--) (projections/\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_VIEW = Path("projections", "views", "lead_splits.sql")
#: What the migrations of the docs are for: file, what stands there, what is put before it.
_DECLARATIONS = (
    (
        "projections/tables.py",
        "    )\n\n\ndef _projection_versions(",
        '        Column("title", Text, nullable=False, server_default=""),\n',
    ),
    (
        "projections/tables.py",
        "    # What has jobs, in the log's order",
        "    Index(None, table.c.campaign_id)\n",
    ),
    (
        "projections/tables.py",
        "        *lineage(),\n    )\n    Index(None, table.c.workspace_id, table.c.new_lead_id)",
        '        Column("note", Text),\n',
    ),
    ("projections/projectors/leads.py", '    }\n    return [RowOp("lead_splits", row)]', '        "note": None,\n'),
    ("projections/analytics.py", '    "lead_identities",\n', '    "lead_splits",\n'),
)
_PRINT_SHAPE = (
    "from projections.projectors.leads import PROJECTION; from projections.versions import shape_of; "
    "print(shape_of(PROJECTION))"
)


class LaterHouse:
    """The copy; everything runs there in processes of its own."""

    def __init__(self, root: Path, database_url: str) -> None:
        self._root = root
        self._environment = {**os.environ, "DATABASE_URL": database_url}
        for room in _ROOMS:
            shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", root)

    def migrations(self) -> Sequence[str]:
        """All revisions, oldest first."""
        return sorted(path.name[:4] for path in (self._root / _VERSIONS).glob("[0-9]*.py"))

    def declare_more(self) -> None:
        """A column of a control table, a view, an index and a column of the read model, and no migration yet."""
        for name, place, more in _DECLARATIONS:
            file = self._root / name
            text = file.read_text()
            assert text.count(place) == 1, place
            file.write_text(text.replace(place, more + place))
        view = self._blocks()[f"{_VERSIONS}/0003_lead_splits.sql"]
        statements = view.replace("{leads}", "{proj}").replace(" analytics.", " {analytics}.")
        (self._root / _VIEW).write_text(statements)

    def add_migrations(self) -> None:
        """Those of the docs, numbered on from the last one there is, with the shape that is declared now."""
        before, after = self._shape(ROOT), self._shape(self._root)
        head = int(self.migrations()[-1])

        def number_on(text: str) -> str:
            return re.sub(r"\b000([1-5])(?=\b|_)", lambda found: f"{int(found[1]) - 1 + head:04}", text)

        for name, text in self._blocks().items():
            shaped = re.sub("_BEFORE, _AFTER = .*", f'_BEFORE, _AFTER = "{before}", "{after}"', text)
            (self._root / number_on(name)).write_text(number_on(shaped))

    def replace(self, old: str, new: str) -> None:
        """Puts other words into the migrations."""
        for migration in (self._root / _VERSIONS).glob("[0-9]*.py"):
            migration.write_text(migration.read_text().replace(old, new))

    def test(self, *names: str) -> "subprocess.CompletedProcess[str]":
        """Runs these tests of the copy."""
        return self._python(self._root, "-m", "pytest", "-p", "no:cacheprovider", *names)

    def headrace(self, database_url: str, *arguments: str) -> "subprocess.Popen[str]":
        """Starts the copy's command on a database."""
        return subprocess.Popen(
            [sys.executable, "-c", "from operations.cli.main import main; main()", *arguments],
            cwd=self._root,
            env={**self._environment, "PYTHONPATH": str(self._root), "DATABASE_URL": database_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _blocks(self) -> dict[str, str]:
        return dict(_BLOCK.findall((ROOT / "docs" / "schema-change.md").read_text(encoding="utf-8")))

    def _shape(self, root: Path) -> str:
        printed = self._python(root, "-c", _PRINT_SHAPE)
        assert printed.returncode == 0, printed.stderr
        return printed.stdout.strip()

    def _python(self, root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=root,
            env={**self._environment, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
