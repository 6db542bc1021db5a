"""Two versions of a table, compared in one snapshot: by hash, then by bucket, then row by row where buckets differ."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import msgspec
from psycopg import Connection, sql

from operations.versions.content_hash import ContentHash, TableShape, bucket_hashes, bucket_of, content_hash, row_text
from operations.versions.shown_values import shown

Outcome = Literal["equal", "expected", "different"]


class UnsettledRange(msgspec.Struct, frozen=True):
    """Offsets of a partition that only one of two versions has read: `start` up to, not including, `end`."""

    partition: int
    start: int
    end: int


class ColumnDifference(msgspec.Struct, frozen=True):
    """A column's value in either version, as it may be shown."""

    version: str | None
    against: str | None


class RowDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is not the same in both versions."""

    key: Mapping[str, str | None]
    #: changed, or in one of the two alone.
    kind: Literal["changed", "only in version", "only in against"]
    #: Where the row comes from: topic, partition and offset, so that it can be found whatever is hidden.
    place: str
    #: The columns that differ; empty when there is only one row.
    columns: Mapping[str, ColumnDifference]


class TableDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One table in two versions."""

    table: str
    outcome: Outcome
    version: ContentHash
    against: ContentHash
    #: Keys left out: moved by events that only one version has read, or made from events the log no longer has.
    left_out: int = 0
    only_in_version: int = 0
    only_in_against: int = 0
    #: Column → rows in which it differs.
    changed: Mapping[str, int] = {}
    changed_rows: int = 0
    #: Columns of one version alone. They can't be compared.
    unmatched_columns: tuple[str, ...] = ()
    differing_buckets: int = 0
    #: The first of the rows that differ in anything unexpected, by key.
    rows: tuple[RowDifference, ...] = ()


class Comparison:
    """Compares one table. Ask in one transaction of isolation REPEATABLE READ, in a session as `SESSION` sets it."""

    def __init__(
        self,
        connection: Connection[Any],
        version: TableShape,
        against: TableShape,
        unsettled: Iterable[UnsettledRange],
        expected: Iterable[str] = (),
    ) -> None:
        """`expected`: columns that may differ."""
        self._connection = connection
        self._version = version
        self._against = against
        self._ranges = [one for one in unsettled if one.end > one.start]
        self._key = version.key
        self._columns = [name for name in version.columns if name in against.columns]
        self._unmatched = tuple(sorted(version.columns.keys() ^ against.columns.keys()))
        self._expected = frozenset(expected)

    def compare(self, buckets: int, show: int, *, all_values: bool) -> TableDifference:
        """How they differ. `show`: rows to name at most."""
        if self._version.key != self._against.key:
            raise ValueError(f"{self._version.name} has another key in each version: its rows can't be matched")
        hashes = self._hash(self._version, self._columns), self._hash(self._against, self._columns)
        unexpected_shape = set(self._unmatched) - self._expected
        shared: dict[str, Any] = {
            "table": self._version.name,
            "version": hashes[0],
            "against": hashes[1],
            "left_out": self._left_out(),
            "unmatched_columns": self._unmatched,
        }
        if hashes[0] == hashes[1]:
            by_shape: Outcome = "different" if unexpected_shape else "expected" if self._unmatched else "equal"
            return TableDifference(**shared, outcome=by_shape)
        differing = self._differing_buckets(buckets, self._columns)
        counts = self._counts(buckets, differing)
        judged = [name for name in self._columns if name not in self._expected]
        wrong = self._differing_buckets(buckets, judged) if self._expected else differing
        return TableDifference(
            **shared,
            outcome="different" if wrong or unexpected_shape else "expected",
            only_in_version=counts["only_in_version"],
            only_in_against=counts["only_in_against"],
            changed_rows=counts["changed_rows"],
            changed={name: counts[f"changed {name}"] for name in self._columns if counts.get(f"changed {name}")},
            differing_buckets=len(differing),
            rows=tuple(self._rows(buckets, wrong, judged, show, all_values=all_values)),
        )

    @cached_property
    def _parameters(self) -> dict[str, Any]:
        return {
            "partitions": [one.partition for one in self._ranges],
            "starts": [one.start for one in self._ranges],
            "ends": [one.end for one in self._ranges],
        }

    def _hash(self, shape: TableShape, columns: Sequence[str]) -> ContentHash:
        return content_hash(self._connection, self._compared(shape), columns, self._parameters)

    def _differing_buckets(self, buckets: int, columns: Sequence[str]) -> list[int]:
        parameters = {**self._parameters, "buckets": buckets}
        ours, theirs = (
            bucket_hashes(self._connection, self._compared(shape), shape, columns, parameters)
            for shape in (self._version, self._against)
        )
        return sorted(bucket for bucket in ours.keys() | theirs.keys() if ours.get(bucket) != theirs.get(bucket))

    def _left_out(self) -> int:
        if not self._ranges:
            return 0
        query = sql.SQL("SELECT count(*) FROM ({}) AS left_out").format(self._left_out_keys())
        return int(self._connection.execute(query, self._parameters).fetchall()[0][0])

    def _compared(self, shape: TableShape) -> sql.Composable:
        """The rows `t` of a version that both have reason to agree on."""
        if not self._ranges:
            return shape.rows
        return sql.SQL("{} WHERE ({}) NOT IN ({})").format(shape.rows, _names("t", self._key), self._left_out_keys())

    def _left_out_keys(self) -> sql.Composed:
        moved = sql.SQL(
            "SELECT {key} FROM {table} AS moved JOIN unnest(%(partitions)s::bigint[], %(starts)s::bigint[], "
            "%(ends)s::bigint[]) AS r (partition, start_offset, end_offset) ON moved.src_partition = r.partition "
            "AND moved.src_offset >= r.start_offset AND moved.src_offset < r.end_offset"
        )
        key = _names("moved", self._key)
        return sql.SQL(" UNION ").join(
            moved.format(key=key, table=shape.identifier) for shape in (self._version, self._against)
        )

    def _joined(self, differing: Sequence[str]) -> sql.Composed:
        """Rows `a` of the version and `b` of the other that differ in one of these columns, within some buckets."""
        side = sql.SQL(
            "SELECT t.*, {text} AS compared_text FROM (SELECT t.* FROM {rows}) AS t WHERE {bucket} = ANY(%(differing)s)"
        )
        a, b = (
            side.format(text=row_text(differing), rows=self._compared(shape), bucket=bucket_of(shape))
            for shape in (self._version, self._against)
        )
        keys = sql.SQL(", ").join(map(sql.Identifier, self._key))
        return sql.SQL(
            "({a}) AS a FULL JOIN ({b}) AS b USING ({keys}) WHERE a.compared_text IS DISTINCT FROM b.compared_text"
        ).format(a=a, b=b, keys=keys)

    def _counts(self, buckets: int, differing: Sequence[int]) -> dict[str, int]:
        changed = sql.SQL(
            "count(*) FILTER (WHERE a.compared_text IS NOT NULL AND b.compared_text IS NOT NULL "
            "AND {a}::text IS DISTINCT FROM {b}::text) AS {name}"
        )
        columns = [name for name in self._columns if name not in self._key]
        counts = [
            sql.SQL("count(*) FILTER (WHERE b.compared_text IS NULL) AS only_in_version"),
            sql.SQL("count(*) FILTER (WHERE a.compared_text IS NULL) AS only_in_against"),
            sql.SQL(
                "count(*) FILTER (WHERE a.compared_text IS NOT NULL AND b.compared_text IS NOT NULL) AS changed_rows"
            ),
            *(
                changed.format(
                    a=sql.Identifier("a", name), b=sql.Identifier("b", name), name=sql.Identifier(f"changed {name}")
                )
                for name in columns
            ),
        ]
        query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(counts), self._joined(self._columns))
        cursor = self._connection.execute(query, self._in_buckets(buckets, differing))
        names = [column.name for column in cursor.description or ()]
        return dict(zip(names, cursor.fetchall()[0], strict=True))

    def _rows(
        self, buckets: int, differing: Sequence[int], judged: Sequence[str], show: int, *, all_values: bool
    ) -> Iterable[RowDifference]:
        if not differing or not show:
            return
        compared = [name for name in self._columns if name not in self._key]
        texts = [sql.SQL("{}::text").format(sql.Identifier(name)) for name in self._key]
        for side in ("a", "b"):
            texts += [sql.SQL("{}::text").format(sql.Identifier(side, name)) for name in compared]
        query = sql.SQL(
            "SELECT a.compared_text IS NOT NULL, b.compared_text IS NOT NULL, {texts} FROM {joined} "
            "ORDER BY {keys} LIMIT %(show)s"
        ).format(
            texts=sql.SQL(", ").join(texts),
            joined=self._joined(judged),
            keys=sql.SQL(", ").join(map(sql.Identifier, self._key)),
        )
        parameters = self._in_buckets(buckets, differing) | {"show": show}
        for in_version, in_against, *values in self._connection.execute(query, parameters):
            width = len(self._key)
            key = dict(zip(self._key, values[:width], strict=True))
            ours = dict(zip(compared, values[width : width + len(compared)], strict=True))
            theirs = dict(zip(compared, values[width + len(compared) :], strict=True))
            kind: Literal["changed", "only in version", "only in against"] = (
                "changed" if in_version and in_against else "only in version" if in_version else "only in against"
            )
            of = ours if in_version else theirs
            yield RowDifference(
                key={name: self._shown(name, value, all_values) for name, value in key.items()},
                kind=kind,
                place=f"{of.get('src_topic')}[{of.get('src_partition')}] offset {of.get('src_offset')}",
                columns={
                    name: ColumnDifference(
                        self._shown(name, ours[name], all_values), self._shown(name, theirs[name], all_values)
                    )
                    for name in compared
                    if kind == "changed" and ours[name] != theirs[name]
                },
            )

    def _shown(self, column: str, value: str | None, all_values: bool) -> str | None:
        return shown(self._version.name, column, self._version.columns[column], value, all_values=all_values)

    def _in_buckets(self, buckets: int, differing: Sequence[int]) -> dict[str, Any]:
        return {**self._parameters, "buckets": buckets, "differing": list(differing)}


def _names(row: str, columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(row, name) for name in columns)
