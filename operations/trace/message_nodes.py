"""A message and the lead it belongs to, with what followed from the message."""

from operations.trace.job_nodes import JobNodes
from operations.trace.lineage import Row
from operations.trace.node import Node
from operations.trace.node_maker import NodeMaker


class MessageNodes:
    """Tells each message once, below the first webhook that produced it."""

    def __init__(self, make: NodeMaker) -> None:
        self._make = make
        self._lineage = make.lineage
        self._jobs = JobNodes(make)
        self._told: set[str] = set()

    def of_webhook(self, verdict: Row) -> list[Node]:
        """The messages a webhook produced, or that name it as their cause."""
        nodes = []
        for row in self._make.by_time("messages"):
            if row["message_id"] not in verdict["message_ids"] and row["receipt_id"] != verdict["receipt_id"]:
                continue
            if row["message_id"] in self._told:
                nodes.append(Node(what="message", id=row["message_id"], title="told above"))
            else:
                nodes.append(self._message(row))
        return nodes

    def left_over(self) -> list[Node]:
        """Those that no webhook so far has produced."""
        return [self._message(row) for row in self._make.by_time("messages") if row["message_id"] not in self._told]

    def lead(self, lead_id: str, webhooks: list[Node]) -> Node:
        """A lead that was asked for, above its webhooks."""
        rows = self._lineage.of("leads", lead_id=lead_id) or self._lineage.of("lead_merges", lead_id=lead_id)
        node = self._make.of_row("lead", "", rows[0], lead_id) if rows else Node(what="lead", id=lead_id)
        node.is_asked_for = True
        node.children = [*self._splits(lead_id), *webhooks]
        return node

    def _message(self, row: Row) -> Node:
        self._told.add(row["message_id"])
        node = self._make.of_row("message", f"{row['direction']} {row['channel']}", row, row["message_id"])
        leads = self._lineage.of("leads", lead_id=row["lead_id"])
        leads += self._lineage.of("lead_merges", lead_id=row["lead_id"])
        node.children = [
            self._make.of_row(
                "lead", "merged into another" if lead.table == "lead_merges" else "", lead, lead["lead_id"]
            )
            for lead in leads
        ]
        for move in self._lineage.of("message_moves", message_id=row["message_id"]):
            node.children.append(
                self._make.of_row("move", "given to another lead by a split", move, move["into_lead_id"])
            )
        jobs = dict.fromkeys(one["job_id"] for one in self._make.by_time("jobs", message_id=row["message_id"]))
        node.children += [self._jobs.job(job_id) for job_id in jobs]
        # Of a lead the newest state stands there, which may come from any message.
        node.children.sort(key=lambda child: child.what == "job")
        return node

    def _splits(self, lead_id: str) -> list[Node]:
        given = self._lineage.of("lead_splits", lead_id=lead_id)
        taken = self._lineage.of("lead_splits", new_lead_id=lead_id)
        return [
            *(self._make.of_row("split", "gave identities to another lead", row, row["new_lead_id"]) for row in given),
            *(self._make.of_row("split", "taken out of another lead", row, row["lead_id"]) for row in taken),
        ]
