"""What an audit asks about webhooks: gaps between verdicts, doubled verdicts, and what fresh webhooks still lack.

Offsets are arithmetic: as many distinct source offsets as the range is long means that no verdict is missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from headrace.kafka.log_offsets import LogRange, Place
from operations.audit.proofs import Proofs, ProvenWebhooks
from operations.audit.read_model import ReadModel


class Gap(msgspec.Struct, frozen=True):
    """Offsets `start` up to, not including, `end` have no verdict row."""

    start: int
    end: int


Lack = Literal["message", "fact", "original"]


class Incomplete(msgspec.Struct, frozen=True):
    """A receipt whose consequences are not all rows."""

    offset: int
    receipt_id: str
    #: message: one of its messages has no row. fact: fewer suppressions and signals than facts.
    #: original: a duplicate of a webhook that has no verdict.
    lack: Lack


class WebhookRows:
    """Asks the read model."""

    def __init__(self, read_model: ReadModel) -> None:
        self._read_model = read_model
        self.proofs = Proofs(read_model.connection, read_model.version, "audit_positions", ProvenWebhooks)

    def gaps(self, place: Place, log_range: LogRange) -> list[Gap]:
        """Where verdicts are missing, in order, at most `LIMIT` ranges. Counts first: that is the usual end of it."""
        length = log_range.end - log_range.start
        if length <= 0 or self._read_model.count("verdicts", place, log_range) == length:
            return []
        return [Gap(start, end) for start, end in self._read_model.ask_range("gaps", place, log_range)]

    def doubled(self, place: Place, log_range: LogRange) -> list[tuple[int, int]]:
        """(offset, verdicts) of records with more than one verdict."""
        return [(offset, count) for offset, count in self._read_model.ask_range("doubled", place, log_range)]

    def incomplete(self, place: Place, log_range: LogRange) -> list[Incomplete]:
        """Receipts of the range whose consequences are not all rows."""
        rows = self._read_model.ask_range("incomplete", place, log_range)
        return [Incomplete(offset, str(receipt_id), lack) for offset, receipt_id, lack in rows]

    def mismatched(self, place: Place, receipts: Mapping[int, str]) -> list[int]:
        """Offsets with a verdict, but about another receipt than the one that stands there in the log."""
        topic, partition = place
        return self._read_model.offsets(
            "mismatched",
            topic=topic,
            partition=partition,
            offsets=list(receipts),
            receipts=list(receipts.values()),
        )

    def verdict_offsets(self, place: Place, receipts: Sequence[tuple[str, str]]) -> dict[str, list[int]]:
        """Receipt id → the offsets of the partition at which it was judged; receipts are (workspace, receipt id)."""
        topic, partition = place
        rows = self._read_model.ask(
            "verdict_offsets",
            topic=topic,
            partition=partition,
            workspaces=[workspace for workspace, _ in receipts],
            receipts=[receipt_id for _, receipt_id in receipts],
        )
        offsets: dict[str, list[int]] = {}
        for receipt_id, offset in rows:
            offsets.setdefault(receipt_id, []).append(offset)
        return offsets

    def unwritten_messages(self, messages: Mapping[int, tuple[str, str]]) -> list[int]:
        """Offsets of messages, given with (workspace, message id), that have no row."""
        return self._unwritten("unwritten_messages", messages)

    def unwritten_splits(self, splits: Mapping[int, tuple[str, str]]) -> list[int]:
        """Offsets of splits, given with (workspace, id of the new lead), that have no row."""
        return self._unwritten("unwritten_splits", splits)

    def unwritten_moves(self, moves: Mapping[int, tuple[str, str]]) -> list[int]:
        """Offsets of moves, given with (workspace, message id), that have no row."""
        return self._unwritten("unwritten_moves", moves)

    def accounted_offsets(self, place: Place) -> set[int]:
        """Offsets of the partition that a stage of the pipeline dead-lettered, or that a redrive accounts for."""
        topic, partition = place
        return set(self._read_model.offsets("accounted_offsets", topic=topic, partition=partition))

    def dead_receipts(self, receipt_ids: Iterable[str]) -> set[str]:
        """Receipts that a dead letter accounts for: these by the pipeline's, and any that a projection refused."""
        wanted = list(receipt_ids)
        if not wanted:
            return set()
        return self._read_model.receipts("dead_receipts", wanted) | self._read_model.refused_receipts()

    def _unwritten(self, question: str, keys: Mapping[int, tuple[str, str]]) -> list[int]:
        return self._read_model.offsets(
            question,
            offsets=list(keys),
            workspaces=[workspace for workspace, _ in keys.values()],
            ids=[id_ for _, id_ in keys.values()],
        )
