"""Migrations are frozen and stop nobody: what the files of `migrations/versions` may say, read from their source."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from projections import migrations

VERSIONS = Path(migrations.__file__).parent / "versions"
LIBRARIES = frozenset({"alembic", "sqlalchemy"})
#: These import by a name that no one sees.
HIDDEN = frozenset({"importlib", "runpy", "pkgutil", "imp", "sys"})
_NAME = r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?([\w.{}\"]+)"
_CREATE_TABLE = re.compile(rf"CREATE\s+TABLE\s+{_NAME}", re.IGNORECASE)
_CREATE_INDEX = re.compile(rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+(CONCURRENTLY\s+)?[^;]*?\bON\s+{_NAME}", re.IGNORECASE)
_BUILT_CONCURRENTLY = re.compile(rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+{_NAME}", re.IGNORECASE)
_CLEARED = re.compile(r"DROP\s+INDEX\s+CONCURRENTLY\s+IF\s+EXISTS\s+(?:[\w{}]+\.)?(\w+)", re.IGNORECASE)
_CONSTRAINT = re.compile(
    r"ALTER\s+TABLE\b[^;]*?\bADD\s+(?:CONSTRAINT\s+\w+\s+)?(?:UNIQUE|PRIMARY\s+KEY)(?!\s+USING\s+INDEX)", re.IGNORECASE
)
#: Of Alembic's operations those that build an index within the transaction.
_BUILDING = frozenset({"create_index", "create_unique_constraint", "create_primary_key", "create_exclude_constraint"})

MIGRATIONS = sorted(VERSIONS.glob("[0-9]*.py"))


def breaches(source: str, statements: Mapping[str, str]) -> list[str]:
    """What a migration does that none may. `statements`: its `.sql` files by name."""
    tree = ast.parse(source)
    texts = [*_texts(tree), *statements.values()]
    return [*_imports(tree), *_indexes(tree, texts), *_blocks(tree)]


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            top = name.split(".")[0]
            if top in HIDDEN or not (top in LIBRARIES or top in sys.stdlib_module_names):
                yield f"imports {name}"
        if isinstance(node, ast.Name) and node.id == "__import__":
            yield "imports by __import__"


def _indexes(tree: ast.Module, texts: list[str]) -> Iterator[str]:
    made = {name for text in texts for name in _CREATE_TABLE.findall(text)}
    for text in texts:
        for concurrently, table in _CREATE_INDEX.findall(text):
            if not concurrently and table not in made:
                yield f"builds an index on {table} while it stops its writers"
        if _CONSTRAINT.search(text):
            yield "builds the index of a constraint while it stops writers"
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Attribute) and call.func.attr in _BUILDING:
            yield f"op.{call.func.attr}: write the statement, CONCURRENTLY"
        if any(word.arg in ("index", "unique") for word in call.keywords):
            yield "a column with an index: build that CONCURRENTLY"


def _blocks(tree: ast.Module) -> Iterator[str]:
    """An index is the whole of its migration, begins without remains, waits long; and the way down can be rehearsed."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name, function in functions.items():
        blocks = [
            node for node in ast.walk(function) if isinstance(node, ast.With) and "autocommit" in ast.unparse(node)
        ]
        text = "\n".join(_texts(function))
        if name != "upgrade" and (blocks or "CONCURRENTLY" in text.upper()):
            yield f"{name} leaves the transaction: only upgrade may"
        elif blocks and [node for node in function.body if not _is_docstring(node)] != blocks:
            yield "something beside the autocommit block: what fails in it leaves the rest behind"
        elif "CONCURRENTLY" in text.upper() and not blocks:
            yield "CONCURRENTLY outside of an autocommit block"
        built = {index.rpartition(".")[2] for index in _BUILT_CONCURRENTLY.findall(text)}
        if built - set(_CLEARED.findall(text)):
            yield "does not drop what an interrupted try left of the index"
        if re.search(r"INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS", text, re.IGNORECASE):
            yield "IF NOT EXISTS takes what an interrupted try left for the index"
        if built and "SET lock_timeout" not in text:
            yield "does not set its own lock_timeout"


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _texts(tree: ast.AST) -> Iterator[str]:
    """Every string, those with expressions as they are written: `{schema}.messages`."""
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(map(_written, node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value


def _written(part: ast.expr) -> str:
    return f"{{{ast.unparse(part.value)}}}" if isinstance(part, ast.FormattedValue) else str(ast.literal_eval(part))


def files_of(migration: Path) -> list[Path]:
    """Its SQL: a file of its name, or a folder of them."""
    beside = migration.with_suffix(".sql")
    return [*([beside] if beside.exists() else []), *sorted(migration.with_suffix("").glob("*.sql"))]


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda path: path.stem)
def test_a_migration_is_frozen_and_stops_nobody(migration: Path) -> None:
    statements = {file.name: file.read_text(encoding="utf-8") for file in files_of(migration)}
    assert breaches(migration.read_text(encoding="utf-8"), statements) == []


def test_each_follows_the_one_before() -> None:
    numbers = [migration.name[:4] for migration in MIGRATIONS]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    for migration, before in zip(MIGRATIONS, [None, *numbers], strict=False):
        assigned = {
            ast.unparse(node.targets[0]): ast.literal_eval(node.value)
            for node in ast.parse(migration.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("revision", "down_revision")
        }
        assert assigned == {"revision": migration.name[:4], "down_revision": before}


def test_every_statement_belongs_to_a_migration() -> None:
    assert set(VERSIONS.rglob("*.sql")) == {file for migration in MIGRATIONS for file in files_of(migration)}
    assert {file.name for file in VERSIONS.rglob("*.py")} == {"__init__.py", *(one.name for one in MIGRATIONS)}


GOOD_INDEX = """
def upgrade():
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '30min'")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema}.ix_it")
        op.execute(f"CREATE INDEX CONCURRENTLY ix_it ON {schema}.messages (text)")
"""


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("from projections.tables import proj_metadata", "imports projections.tables"),
        ("def upgrade():\n    import headrace.events", "imports headrace.events"),
        ("from . import other", "imports ."),
        ("from importlib import import_module", "imports importlib"),
        ("__import__('projections')", "__import__"),
        ("op.create_index('ix_it', 'messages', ['text'], schema='proj_v1')", "create_index"),
        ("op.execute('CREATE UNIQUE INDEX ix_it ON proj_v1.messages (text)')", "on proj_v1.messages"),
        ("op.execute(f'create index on {schema}.messages (text)')", "on {schema}.messages"),
        ("op.execute('ALTER TABLE ctl.runs ADD CONSTRAINT one UNIQUE (pid)')", "constraint"),
        ("op.add_column('runs', sa.Column('it', sa.Text, index=True))", "a column with an index"),
        (GOOD_INDEX.replace('f"DROP INDEX CONCURRENTLY IF EXISTS {schema}.ix_it"', "''"), "an interrupted try left"),
        (GOOD_INDEX.replace("SET lock_timeout = '30min'", ""), "lock_timeout"),
        (GOOD_INDEX.replace("ix_it ON", "IF NOT EXISTS ix_it ON"), "IF NOT EXISTS"),
        (GOOD_INDEX + "    op.execute('SELECT 1')", "beside the autocommit block"),
        (GOOD_INDEX.replace("upgrade", "downgrade"), "only upgrade may"),
        ("def upgrade():\n    op.execute('DROP INDEX CONCURRENTLY ix_it')", "outside of an autocommit block"),
    ],
)
def test_a_breach_is_seen(source: str, said: str) -> None:
    assert [breach for breach in breaches(source, {}) if said in breach]


def test_an_index_is_fine_on_a_new_table_and_beside_all_that_goes_on() -> None:
    new = {"it.sql": "CREATE TABLE ctl.notes (note text);\nCREATE INDEX ix_notes ON ctl.notes (note);"}
    assert breaches("from alembic import op", new) == []
    assert breaches(GOOD_INDEX, {}) == []
    assert breaches("from alembic import op", {"it.sql": new["it.sql"].partition("\n")[2]}) != []
