"""The rule by which the rows of one key become one: the newest counts, and rollups take the least or greatest value.

It stands here in three forms, side by side because they have to say the same: of rows in memory, of a row that meets a
stored one (the live writer, repairs), and of all rows of a key at once (rebuilds). The result depends on which rows
there are, not on their order, batches or repeats.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Table

from projections.tables import Fold, fold_of, key_columns

_VERSION = ("src_partition", "src_offset", "proj_rev")


class Row(NamedTuple):
    """A row operation with its lineage: all columns by name."""

    table: str
    #: (partition, offset); the revision is the same for all rows that are compared in memory.
    version: tuple[int, int]
    values: Mapping[str, Any]


class _Rollup(NamedTuple):
    """How values of a column become one; a missing one counts for nothing."""

    in_memory: Callable[[list[Any]], Any]
    #: Names of the SQL function of two values, and of the aggregate.
    of_two: str
    of_all: str


_ROLLUPS: Mapping[Fold, _Rollup] = {
    "least": _Rollup(min, "least", "min"),
    "greatest": _Rollup(max, "greatest", "max"),
}


class RowRule:
    """The rule for one table."""

    def __init__(self, table: Table) -> None:
        self.keys = key_columns(table)
        self.columns = tuple(column.name for column in table.columns)
        self._rollups = {column.name: _ROLLUPS[fold] for column in table.columns if (fold := fold_of(column))}

    def fold(self, rows: Iterable[Row]) -> list[Mapping[str, Any]]:
        """One row a key, ordered by key, so that two writers lock rows in the same order."""
        folded: dict[tuple[Any, ...], Row] = {}
        for row in rows:
            key = tuple(row.values[name] for name in self.keys)
            known = folded.get(key)
            folded[key] = row if known is None else self._newer(known, row)
        return [folded[key].values for key in sorted(folded)]

    def _newer(self, known: Row, row: Row) -> Row:
        newest = row if row.version >= known.version else known
        if not self._rollups:
            return newest
        values = dict(newest.values)
        for name, rollup in self._rollups.items():
            present = [value for value in (known.values[name], row.values[name]) if value is not None]
            values[name] = rollup.in_memory(present) if present else None
        return Row(newest.table, newest.version, values)

    def on_conflict(self, disowned: str = "") -> str:
        """SQL of what an incoming row, `excluded`, does to the stored one of its key, `t`: an ON CONFLICT clause.

        `disowned`: SQL that is true where nothing of the stored row counts. Then the incoming one takes its place,
        unless they are equal.
        """
        new = {name: self._assigned(name, disowned) for name in self.columns if name not in self.keys}
        assignments = ", ".join(f"{name} = {value}" for name, value in new.items())
        changes = " OR ".join([_is_newer(disowned), *self._moves()])
        if disowned:
            old = ", ".join(f"t.{name}" for name in new)
            changes = f"({changes}) AND ROW({old}) IS DISTINCT FROM ROW({', '.join(new.values())})"
        return f"ON CONFLICT ({', '.join(self.keys)}) DO UPDATE SET {assignments} WHERE {changes}"

    def newest_of_all(self) -> str:
        """SQL of the columns of the one row, to be selected DISTINCT ON the keys in the order of `newest_first`."""
        return ", ".join(
            f"{rollup.of_all}({name}) OVER (PARTITION BY {', '.join(self.keys)})"
            if (rollup := self._rollups.get(name))
            else name
            for name in self.columns
        )

    def newest_first(self) -> str:
        """SQL to order rows by: each key's newest first."""
        return ", ".join([*self.keys, *(f"{name} DESC" for name in _VERSION)])

    def _assigned(self, name: str, disowned: str) -> str:
        rollup = self._rollups.get(name)
        if rollup is not None:
            both = f"{rollup.of_two}(t.{name}, excluded.{name})"
            return f"CASE WHEN {disowned} THEN excluded.{name} ELSE {both} END" if disowned else both
        if not self._rollups:
            return f"excluded.{name}"
        # Beside a rollup, lineage still tells the newest record, even when an older one moved the rollup.
        return f"CASE WHEN {_is_newer(disowned)} THEN excluded.{name} ELSE t.{name} END"

    def _moves(self) -> Iterable[str]:
        """SQL of what is true where a rollup changes."""
        for name, rollup in self._rollups.items():
            yield f"{rollup.of_two}(t.{name}, excluded.{name}) IS DISTINCT FROM t.{name}"


def _is_newer(disowned: str) -> str:
    stored = ", ".join(f"t.{name}" for name in _VERSION)
    incoming = ", ".join(f"excluded.{name}" for name in _VERSION)
    newer = f"({stored}) < ({incoming})"
    return f"({newer} OR {disowned})" if disowned else newer
