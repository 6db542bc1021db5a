"""What a table holds, as one number: the same rows give the same number in whatever order they lie and came.

The hash of each row's text, summed. Columns are named one by one and the session fixes how values are written, so two
databases of one Postgres release agree; don't compare across releases or platforms.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from psycopg import Connection, sql

from projections.named_sql import NamedSql
from projections.schemas import proj_schema

#: Bookkeeping: which revision of a projector wrote a row says nothing about what is in it. Where the row comes from
#: (`src_*`) is content: it follows from the log alone, and two versions that disagree about it have read differently.
NOT_CONTENT = frozenset({"proj_rev"})

_SQL = NamedSql(__file__)
#: How values become text, whatever server, database and role prefer. The last: who was killed while Postgres works for
#: him must not keep his snapshot and locks until the statement ends.
SESSION = _SQL["session"]
_MODULUS = 2**64


class TablesMissing(RuntimeError):
    """A version lacks tables; the message names them."""


class TableShape(msgspec.Struct, frozen=True, kw_only=True):
    """A table as it is in the database, which may be older or newer than this program's declaration of it."""

    version: int
    name: str
    #: Primary key, in its order.
    key: tuple[str, ...]
    #: Column → type, by name in alphabetical order; everything that is content.
    columns: Mapping[str, str]

    @property
    def identifier(self) -> sql.Identifier:
        """Its name with the schema."""
        return sql.Identifier(proj_schema(self.version), self.name)

    @property
    def rows(self) -> sql.Composed:
        """All its rows, for `content_hash`."""
        return sql.SQL("{} AS t").format(self.identifier)


class ContentHash(msgspec.Struct, frozen=True):
    """Rows and their hash: 16 hexadecimal digits."""

    rows: int
    hash: str


def table_shapes(connection: Connection[Any], version: int, tables: Iterable[str]) -> dict[str, TableShape]:
    """The shapes of these tables, by name, in the order asked for. Raises TablesMissing."""
    wanted = list(tables)
    columns: dict[str, dict[str, str]] = {name: {} for name in wanted}
    keys: dict[str, dict[int, str]] = {name: {} for name in wanted}
    for table, column, place, type_ in connection.execute(_SQL["columns"], [proj_schema(version), wanted]):
        if place >= 0:
            keys[table][place] = column
        if column not in NOT_CONTENT:
            columns[table][column] = type_
    missing = [name for name in wanted if not columns[name]]
    if missing:
        raise TablesMissing(f"{proj_schema(version)} has no table {', '.join(missing)}")
    return {
        name: TableShape(
            version=version,
            name=name,
            key=tuple(keys[name][place] for place in sorted(keys[name])),
            columns=columns[name],
        )
        for name in wanted
    }


def content_hash(
    connection: Connection[Any],
    rows: sql.Composable,
    columns: Sequence[str],
    parameters: Mapping[str, Any] | None = None,
) -> ContentHash:
    """The hash of rows: what follows FROM, in which they are called `t`. The session must be set by `SESSION`."""
    query = sql.SQL("SELECT count(*), {total} FROM {rows}").format(total=hash_total(columns), rows=rows)
    count, total = connection.execute(query, parameters or {}).fetchall()[0]
    return ContentHash(count, hash_text(total))


def bucket_hashes(
    connection: Connection[Any],
    rows: sql.Composable,
    shape: TableShape,
    columns: Sequence[str],
    parameters: Mapping[str, Any],
) -> dict[int, ContentHash]:
    """The same for each bucket of keys; `parameters` say how many `buckets` there are."""
    query = sql.SQL("SELECT {bucket}, count(*), {total} FROM {rows} GROUP BY 1").format(
        bucket=bucket_of(shape), total=hash_total(columns), rows=rows
    )
    return {
        bucket: ContentHash(count, hash_text(total)) for bucket, count, total in connection.execute(query, parameters)
    }


def row_text(columns: Iterable[str], row: str = "t") -> sql.Composed:
    """A row's text: no two different rows have the same."""
    names = sql.SQL(", ").join(sql.Identifier(row, name) for name in columns)
    return sql.SQL("ROW({})::text").format(names)


def bucket_of(shape: TableShape) -> sql.Composed:
    """The bucket of a row `t` by its key, 0 up to, not including, the parameter `buckets`."""
    # The sign bit goes first: a remainder of a negative number is negative.
    return sql.SQL("((hashtextextended({}, 0) & 9223372036854775807) %% %(buckets)s)::int").format(row_text(shape.key))


def hash_total(columns: Iterable[str]) -> sql.Composed:
    """The sum of the hashes of rows `t`, as numeric: 64-bit numbers would overflow."""
    return sql.SQL("coalesce(sum(hashtextextended({}, 0)::numeric), 0)").format(row_text(columns))


def hash_text(total: Any) -> str:
    """A sum of hashes as 16 hexadecimal digits; sums that are equal modulo 2**64 look the same."""
    return f"{int(total) % _MODULUS:016x}"
