"""A story as a tree: from the raw request down to what was concluded. Values in, values out."""

from headrace.events.envelope import header_map
from headrace.events.records import Record
from operations.trace.job_nodes import CONCLUSIONS, singular
from operations.trace.lineage import Row
from operations.trace.message_nodes import MessageNodes
from operations.trace.node import Node, cut_below, measure, moment_of, place_text, walk
from operations.trace.node_maker import NodeMaker, stored_at


class TreeBuilder:
    """Puts a lineage together."""

    def __init__(self, make: NodeMaker) -> None:
        self._make = make
        self._lineage = make.lineage
        self._options = make.options
        self._messages = MessageNodes(make)

    def build(self, lead_id: str | None = None) -> list[Node]:
        """The webhooks of the story with all that followed, oldest first; a lead's newest first, below the lead."""
        roots = [self._webhook(row) for row in self._firsts()]
        roots += [
            self._unjudged(receipt, record)
            for receipt, record in self._lineage.raw.items()
            if not self._lineage.of("webhook_receipts", receipt_id=receipt)
        ]
        roots += self._messages.left_over()
        roots += self._letters(None)
        if lead_id is not None:
            roots = [self._messages.lead(lead_id, sorted(roots, key=moment_of, reverse=True))]
        roots += self._rest(roots)
        for root in roots:
            measure(root)
            cut_below(root, self._options.depth)
        return roots

    def _rest(self, told_so_far: list[Node]) -> list[Node]:
        """Rows that have no place above: nothing that was found is left out."""
        places = {node.place for node in walk(told_so_far)}
        return [
            self._left(row)
            for table in sorted(self._lineage.rows)
            for row in self._make.by_time(table)
            if place_text(row.position) not in places
        ]

    def _left(self, row: Row) -> Node:
        node = self._make.of_row(singular(row.table), "", row)
        if row.table in CONCLUSIONS:
            node.notes = [*node.notes, "counts no more: its step concluded something else since"]
        return node

    def _firsts(self) -> list[Row]:
        """The webhooks that repeat none of the others."""
        rows = self._make.by_time("webhook_receipts")
        known = {row["receipt_id"] for row in rows}
        return [row for row in rows if row["first_receipt_id"] not in known]

    def _webhook(self, verdict: Row) -> Node:
        receipt = verdict["receipt_id"]
        children = [self._raw(verdict), self._make.of_row("verdict", verdict["verdict"], verdict)]
        children += [
            self._make.of_record("fact", header_map(record.headers).get("ce_type", ""), record)
            for record in self._lineage.facts.get(receipt, [])
        ]
        children += [self._webhook(row) for row in self._make.by_time("webhook_receipts", first_receipt_id=receipt)]
        for table, what in (("lead_suppressions", "suppression"), ("lead_signals", "signal")):
            children += [
                self._make.of_row(what, "", row, row["event_id"])
                for row in self._make.by_time(table, receipt_id=receipt)
            ]
        children += self._letters(receipt)
        children += self._messages.of_webhook(verdict)
        children.sort(key=moment_of)
        return Node(
            what="webhook",
            title=f"{verdict['provider']} {verdict['provider_event']}: {verdict['verdict']}",
            id=receipt,
            at=children[0].at,
            says={"workspace": verdict["workspace_id"], "dedupe_key": verdict["dedupe_key"]},
            is_asked_for=self._options.asked_for == receipt,
            children=children,
        )

    def _unjudged(self, receipt: str, record: Record) -> Node:
        return Node(
            what="webhook",
            title="no verdict yet",
            id=receipt,
            at=stored_at(record),
            is_asked_for=self._options.asked_for == receipt,
            children=[self._make.of_request(record)],
        )

    def _raw(self, verdict: Row) -> Node:
        position = verdict["source_topic"], verdict["source_partition"], verdict["source_offset"]
        record = self._lineage.records.get(position)
        if record is not None:
            return self._make.of_request(record)
        return Node(
            what="raw request",
            at=verdict["received_at"],
            place=place_text(position),
            size=verdict["body_bytes"],
            notes=self._make.absent(),
            is_asked_for=self._options.asked_for == place_text(position),
        )

    def _letters(self, receipt: str | None) -> list[Node]:
        letters = [
            self._make.of_row("dead letter", f"{row['stage']}: {row['error_class']}", row)
            for row in self._make.by_time("dead_letters", receipt_id=receipt)
        ]
        rows = {row.position for rows in self._lineage.rows.values() for row in rows}
        return letters + [
            Node(
                what="set aside",
                title=f"by the projection {one['projection']}: {one['error_class']}",
                at=one["record_at"],
                place=place_text((one["topic"], one["partition"], one["offset"])),
                says={"reason": one["reason"], "state": one["state"]},
            )
            for one in self._lineage.refused
            if one["receipt_id"] == receipt and (one["topic"], one["partition"], one["offset"]) not in rows
        ]
