"""What both audits ask Postgres with: the live versions, questions about a range of offsets, and what is set aside."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from psycopg import Connection, Cursor

from headrace.events.envelope import header_map
from headrace.kafka.log_offsets import LogRange, Place
from operations.records.projected import projected_to
from projections.named_sql import NamedSql
from projections.versions import bind, fingerprint, live_versions, schemas

_SQL = NamedSql(__file__)

#: Findings told of one partition; more of the same help nobody.
LIMIT = 1000


class ReadModel:
    """One connection, no transaction: rows are only ever added to what an audit asks for.

    Every method raises psycopg.Error.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        live = live_versions(connection)
        self._schemas = schemas(live)
        #: What is remembered is about these versions alone.
        self.version = fingerprint(live)

    def ask(self, question: str, **parameters: Any) -> Cursor[Any]:
        """A statement out of `sql`, of the live versions as they were when the audit began."""
        query = bind(_SQL[question], self._schemas)
        return self.connection.execute(query, {"version": self.version, "limit": LIMIT, **parameters})

    def ask_range(
        self, question: str, place: Place, log_range: LogRange, **parameters: Any
    ) -> Sequence[tuple[Any, ...]]:
        """The rows of a statement about a range of offsets of a partition."""
        where = {"topic": place[0], "partition": place[1], "start": log_range.start, "end": log_range.end}
        return self.ask(question, **where, **parameters).fetchall()

    def count(self, question: str, place: Place, log_range: LogRange) -> int:
        """The one number a statement about a range answers with."""
        return int(self.ask_range(question, place, log_range)[0][0])

    def offsets(self, question: str, **parameters: Any) -> list[int]:
        """The offsets a statement answers with."""
        return [offset for (offset,) in self.ask(question, **parameters)]

    def receipts(self, question: str, receipt_ids: Iterable[str]) -> set[str]:
        """Those of the receipts that a statement answers with."""
        wanted = list(receipt_ids)
        return {receipt_id for (receipt_id,) in self.ask(question, receipts=wanted)} if wanted else set()

    def positions(self) -> dict[Place, int]:
        """Next offset of every projection, by topic and partition."""
        return projected_to(self.connection)

    def refused_receipts(self, projection: str | None = None) -> set[str]:
        """Receipts of records that this projection, or any, could not write."""
        rows = self.ask("refused", projection=projection)
        pairs = (msgspec.json.decode(headers, type=list[tuple[str, bytes]]) for (headers,) in rows)
        return {receipt_id for pair in pairs if (receipt_id := header_map(pair).get("ce_receiptid"))}
