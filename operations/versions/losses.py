"""What a downgrade would take away, found out by going down in a transaction that is undone."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, text

from projections.migrate import PATIENCE, VERSION_TABLE, connected, rehearsed_downgrade
from projections.migrating import Tell, tell_nobody
from projections.tables import ANALYTICS_SCHEMA, CTL_SCHEMA

_COLUMNS = """
SELECT n.nspname || '.' || c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = :kind AND (n.nspname IN (:ctl, :analytics) OR n.nspname ~ '^proj_v[0-9]+$') AND c.relname <> :own
GROUP BY 1
"""


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Something that would be gone."""

    #: `proj_v1.messages`
    name: str
    #: Rows that it has, all of which would go, or those of a table that stays; None for a view.
    rows: int | None
    #: Columns of a table or view that stays; empty when all of it goes.
    columns: tuple[str, ...] = ()


def losses(database_url: str, revision: str, *, patience: float = PATIENCE, tell: Tell = tell_nobody) -> list[Loss]:
    """What going down to the revision would lose, by name. Changes nothing. Raises as `rehearsed_downgrade`."""
    with connected(database_url) as connection:
        tables, views = _columns(connection, "r"), _columns(connection, "v")
        rows = {name: _count(connection, name) for name in tables}
    with rehearsed_downgrade(database_url, revision, patience=patience, tell=tell) as connection:
        tables_left, views_left = _columns(connection, "r"), _columns(connection, "v")
        # Few: what the read model has is either dropped with its table or stays.
        left = {name: _count(connection, name) for name in tables_left if name.startswith(f"{CTL_SCHEMA}.")}
    found = [_loss(name, tables[name], tables_left.get(name), rows[name], left.get(name)) for name in sorted(tables)]
    found += [_loss(name, views[name], views_left.get(name), None, None) for name in sorted(views)]
    return [one for one in found if one is not None]


def _loss(
    name: str, before: tuple[str, ...], after: tuple[str, ...] | None, rows: int | None, left: int | None
) -> Loss | None:
    if after is None:
        return Loss(name=name, rows=rows)
    columns = tuple(column for column in before if column not in after)
    gone = rows - left if rows is not None and left is not None else 0
    return Loss(name=name, rows=gone, columns=columns) if columns or gone else None


def _columns(connection: Connection, kind: str) -> Mapping[str, tuple[str, ...]]:
    own = {"ctl": CTL_SCHEMA, "analytics": ANALYTICS_SCHEMA, "own": VERSION_TABLE}
    return {name: tuple(columns) for name, columns in connection.execute(text(_COLUMNS), {"kind": kind, **own})}


def _count(connection: Connection, name: str) -> int:
    return int(connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one())  # noqa: S608 - out of the catalog
