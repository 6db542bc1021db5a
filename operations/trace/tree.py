"""A story as a tree: from the raw request down to what was concluded. Values in, values out."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from headrace.events.envelope import header_map
from headrace.events.records import Record
from operations.records.redaction import shown_bytes
from operations.records.shown_record import Shower
from operations.trace.lineage import Lineage, Position, Row
from operations.trace.reading import position_of
from operations.trace.telling import time_of, told

#: What each step concluded, beside its row in `enrichments`.
_CONCLUSIONS = (
    "message_labels",
    "lead_states",
    "follow_ups",
    "booking_decisions",
    "drafts",
    "reply_decisions",
    "lead_scores",
)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class Node(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One thing that happened, with what followed from it."""

    #: webhook, raw request, verdict, fact, message, lead, job, generation, attempt, step, AI call, conclusion …
    what: str
    #: In a few words: `fresh`, `SMS_INBOUND_POST_PROCESS: succeeded`.
    title: str = ""
    id: str = ""
    #: The broker's append time of its record; the event's own time where there is no record to read.
    at: datetime | None = None
    #: Since what stands before it: the sibling above, or the parent of a first child.
    after_ms: int | None = None
    #: `messages[3]@1042`: where its record stands.
    place: str = ""
    #: The record's value, in bytes.
    size: int | None = None
    #: The row in Postgres it stands in, and the row's key.
    row: str = ""
    key: dict[str, Any] = {}
    says: dict[str, Any] = {}
    #: What is unusual about it.
    notes: list[str] = []
    is_asked_for: bool = False
    #: The raw request as it came, secrets hidden; only when asked for.
    raw: str | None = None
    children: "list[Node]" = []


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be shown."""

    #: The id or place that was asked for, as it is in rows and places.
    asked_for: str
    texts: bool = False
    raw: bool = False
    #: Levels of the tree; None is all.
    depth: int | None = None


class _Work(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in one generation of a job."""

    calls: list[Row]
    steps: list[Row]
    #: The conclusions are those of the newest.
    is_newest: bool


class TreeBuilder:
    """Puts a lineage together."""

    def __init__(self, lineage: Lineage, shower: Shower, options: Options, *, is_log_read: bool) -> None:
        self._lineage = lineage
        self._shower = shower
        self._options = options
        self._is_log_read = is_log_read
        self._told_messages: set[str] = set()

    def build(self, lead_id: str | None = None) -> list[Node]:
        """The webhooks of the story with all that followed, oldest first; a lead's newest first, below the lead."""
        roots = [self._webhook(row) for row in self._firsts()]
        roots += [
            self._unjudged(receipt, record)
            for receipt, record in self._lineage.raw.items()
            if not self._lineage.of("webhook_receipts", receipt_id=receipt)
        ]
        roots += [
            self._message(row) for row in self._by_time("messages") if row["message_id"] not in self._told_messages
        ]
        roots += self._letters(None)
        if lead_id is not None:
            roots = [self._lead(lead_id, sorted(roots, key=_moment, reverse=True))]
        roots += self._rest(roots)
        for root in roots:
            _measure(root)
            _cut(root, self._options.depth)
        return roots

    def _rest(self, told_so_far: list[Node]) -> list[Node]:
        """Rows that have no place above: nothing that was found is left out."""
        places = {node.place for node in walk(told_so_far)}
        return [
            self._left(row)
            for table in sorted(self._lineage.rows)
            for row in self._by_time(table)
            if place_text(row.position) not in places
        ]

    def _left(self, row: Row) -> Node:
        node = self._row(_singular(row.table), "", row)
        if row.table in _CONCLUSIONS:
            node.notes = [*node.notes, "counts no more: its step concluded something else since"]
        return node

    def _firsts(self) -> list[Row]:
        """The webhooks that repeat none of the others."""
        rows = self._by_time("webhook_receipts")
        known = {row["receipt_id"] for row in rows}
        return [row for row in rows if row["first_receipt_id"] not in known]

    def _webhook(self, verdict: Row) -> Node:
        receipt = verdict["receipt_id"]
        children = [self._raw(verdict), self._row("verdict", verdict["verdict"], verdict)]
        children += [self._fact(record) for record in self._lineage.facts.get(receipt, [])]
        children += [self._webhook(row) for row in self._by_time("webhook_receipts", first_receipt_id=receipt)]
        for table, what in (("lead_suppressions", "suppression"), ("lead_signals", "signal")):
            children += [self._row(what, "", row, row["event_id"]) for row in self._by_time(table, receipt_id=receipt)]
        children += self._letters(receipt)
        children += self._messages(verdict)
        children.sort(key=_moment)
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
            at=_stored_at(record),
            is_asked_for=self._options.asked_for == receipt,
            children=[self._request(record)],
        )

    def _raw(self, verdict: Row) -> Node:
        position = verdict["source_topic"], verdict["source_partition"], verdict["source_offset"]
        record = self._lineage.records.get(position)
        if record is not None:
            return self._request(record)
        return Node(
            what="raw request",
            at=verdict["received_at"],
            place=place_text(position),
            size=verdict["body_bytes"],
            notes=self._absent(),
            is_asked_for=self._options.asked_for == place_text(position),
        )

    def _request(self, record: Record) -> Node:
        shown = self._shower.show(record)
        headers = header_map(record.headers)
        node = self._record("raw request", f"{shown.method} {shown.path}".strip() or shown.type, record)
        # Its event's id is that of the webhook itself.
        node.is_asked_for = self._options.asked_for == node.place
        # Ingest answers only after the broker acknowledged the record.
        node.says = {"received_at": headers.get("ce_time", ""), "answer": "200, once this record was acknowledged"}
        if self._options.raw:
            node.raw = shown_bytes(record.value or b"")
        return node

    def _fact(self, record: Record) -> Node:
        return self._record("fact", header_map(record.headers).get("ce_type", ""), record)

    def _messages(self, verdict: Row) -> list[Node]:
        nodes = []
        for row in self._by_time("messages"):
            if row["message_id"] not in verdict["message_ids"] and row["receipt_id"] != verdict["receipt_id"]:
                continue
            if row["message_id"] in self._told_messages:
                nodes.append(Node(what="message", id=row["message_id"], title="told above"))
            else:
                nodes.append(self._message(row))
        return nodes

    def _message(self, row: Row) -> Node:
        self._told_messages.add(row["message_id"])
        node = self._row("message", f"{row['direction']} {row['channel']}", row, row["message_id"])
        leads = self._lineage.of("leads", lead_id=row["lead_id"])
        leads += self._lineage.of("lead_merges", lead_id=row["lead_id"])
        node.children = [
            self._row("lead", "merged into another" if lead.table == "lead_merges" else "", lead, lead["lead_id"])
            for lead in leads
        ]
        for move in self._lineage.of("message_moves", message_id=row["message_id"]):
            node.children.append(self._row("move", "given to another lead by a split", move, move["into_lead_id"]))
        jobs = dict.fromkeys(one["job_id"] for one in self._by_time("jobs", message_id=row["message_id"]))
        node.children += [self._job(job_id) for job_id in jobs]
        # Of a lead the newest state stands there, which may come from any message.
        node.children.sort(key=lambda child: child.what == "job")
        return node

    def _lead(self, lead_id: str, webhooks: list[Node]) -> Node:
        rows = self._lineage.of("leads", lead_id=lead_id) or self._lineage.of("lead_merges", lead_id=lead_id)
        node = self._row("lead", "", rows[0], lead_id) if rows else Node(what="lead", id=lead_id)
        node.is_asked_for = True
        node.children = [*self._splits(lead_id), *webhooks]
        return node

    def _splits(self, lead_id: str) -> list[Node]:
        given = self._lineage.of("lead_splits", lead_id=lead_id)
        taken = self._lineage.of("lead_splits", new_lead_id=lead_id)
        return [
            *(self._row("split", "gave identities to another lead", row, row["new_lead_id"]) for row in given),
            *(self._row("split", "taken out of another lead", row, row["lead_id"]) for row in taken),
        ]

    def _job(self, job_id: str) -> Node:
        generations = sorted(self._lineage.of("jobs", job_id=job_id), key=lambda row: row["generation"])
        newest = generations[-1]
        return Node(
            what="job",
            title=f"{newest['type']}: {state_of(self._lineage, newest)}",
            id=job_id,
            at=self._time(generations[0]),
            is_asked_for=self._options.asked_for == job_id,
            children=[
                self._generation(row, calls, is_newest=row is newest)
                for row, calls in zip(generations, self._calls(generations), strict=True)
            ],
        )

    def _calls(self, generations: Sequence[Row]) -> list[list[Row]]:
        """The calls of each generation. They don't name it, so that their time has to tell."""
        calls: list[list[Row]] = [[] for _ in generations]
        for call in self._by_time("ai_interactions", job_id=generations[0]["job_id"]):
            begun = sum(row["requested_at"] <= call["called_at"] for row in generations)
            calls[max(0, begun - 1)].append(call)
        return calls

    def _generation(self, row: Row, calls: list[Row], *, is_newest: bool) -> Node:
        node = self._row("generation", f"{row['generation']}, asked for by {row['requested_by']}", row)
        of = {"job_id": row["job_id"], "generation": row["generation"]}
        attempts = sorted(self._lineage.of("job_attempts", **of), key=lambda one: one["attempt"])
        steps = self._by_time("job_steps", **of)
        numbers = {one["attempt"] for one in attempts}
        work = _Work(calls=calls, steps=steps, is_newest=is_newest)
        # A job decided again by a replay has steps, but no attempt.
        loose = [number for number in dict.fromkeys(one["attempt"] for one in steps + calls) if number not in numbers]
        node.children = [child for number in loose for child in self._steps(number, work)]
        node.children += [self._attempt(one, work) for one in attempts]
        node.children += [self._row("progress", _progress(one), one) for one in self._lineage.of("job_progress", **of)]
        node.children += [self._row("hold", "", one) for one in self._lineage.of("job_holds", **of)]
        node.children += [self._row("end", one["outcome"], one) for one in self._lineage.of("job_ends", **of)]
        node.children.sort(key=_moment)
        return node

    def _attempt(self, row: Row, work: _Work) -> Node:
        node = self._row("attempt", f"{row['attempt']}: {row['outcome'] or 'running'}", row)
        # Its row is made by its end, and what happened in it stands below it.
        node.at = row["started_at"]
        node.children = self._steps(row["attempt"], work)
        return node

    def _steps(self, attempt: int, work: _Work) -> list[Node]:
        own = [row for row in work.steps if row["attempt"] == attempt]
        finished = {row["step"] for row in own}
        asked = [row for row in work.calls if row["attempt"] == attempt]
        nodes = [self._step(row, asked, is_newest=work.is_newest) for row in own]
        nodes += [self._call(row) for row in asked if row["step"] not in finished]
        return sorted(nodes, key=_moment)

    def _step(self, row: Row, calls: list[Row], *, is_newest: bool) -> Node:
        node = self._row("step", row["step"] + (": skipped" if row["skipped"] else ""), row)
        node.children = [self._call(call) for call in calls if call["step"] == row["step"]]
        if is_newest:
            concluded = self._lineage.of("enrichments", job_id=row["job_id"], step=row["step"])
            node.children += [child for one in concluded for child in self._concluded(one)]
        node.children.sort(key=_moment)
        return node

    def _call(self, row: Row) -> Node:
        title = f"{row['step']}, try {row['call']}: {row['status']}"
        return self._row("AI call", title, row, row["event_id"])

    def _concluded(self, row: Row) -> list[Node]:
        """The step's row, and the row of the kind of conclusion it came to; an older one counts no more."""
        nodes = [self._row("conclusion", row["event_type"], row)]
        for table in _CONCLUSIONS:
            for one in self._lineage.of(table, job_id=row["job_id"]):
                if one.position == row.position:
                    id_ = one["draft_id"] if table == "drafts" else ""
                    nodes.append(self._row(_singular(table), "", one, id_))
        return nodes

    def _letters(self, receipt: str | None) -> list[Node]:
        letters = [
            self._row("dead letter", f"{row['stage']}: {row['error_class']}", row)
            for row in self._by_time("dead_letters", receipt_id=receipt)
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

    def _row(self, what: str, title: str, row: Row, id_: str = "") -> Node:
        record = self._lineage.records.get(row.position)
        place = place_text(row.position)
        notes = [] if record is not None else self._absent()
        notes += ["not in Postgres yet"] if row.origin == "log" else []
        notes += _corrected(record)
        notes += [f"set aside by the projection {one['projection']}: {one['reason']}" for one in self._refused(row)]
        return Node(
            what=what,
            title=title,
            id=id_,
            at=self._time(row),
            place=place,
            size=None if record is None else len(record.value or b""),
            row=f"{row.schema}.{row.table}" if row.schema else "",
            key=row.key if row.schema else {},
            says=told(row, texts=self._options.texts),
            notes=notes,
            is_asked_for=self._options.asked_for in (id_, place),
        )

    def _record(self, what: str, title: str, record: Record) -> Node:
        place = place_text(position_of(record))
        headers = header_map(record.headers)
        return Node(
            what=what,
            title=title,
            id=headers.get("ce_id", ""),
            at=_stored_at(record),
            place=place,
            size=len(record.value or b""),
            notes=_corrected(record),
            is_asked_for=self._options.asked_for in (place, headers.get("ce_id", "")),
        )

    def _refused(self, row: Row) -> list[dict[str, Any]]:
        return [one for one in self._lineage.refused if (one["topic"], one["partition"], one["offset"]) == row.position]

    def _time(self, row: Row) -> datetime:
        record = self._lineage.records.get(row.position)
        return time_of(row) if record is None else _stored_at(record)

    def _by_time(self, table: str, **values: Any) -> list[Row]:
        return sorted(self._lineage.of(table, **values), key=lambda row: (self._time(row), row.position))

    def _absent(self) -> list[str]:
        return ["its record is no longer in the log"] if self._is_log_read else ["its record was not read"]


def state_of(lineage: Lineage, request: Row) -> str:
    """How a job stands, of its newest generation; see `analytics.jobs`."""
    of = {"job_id": request["job_id"], "generation": request["generation"]}
    ends = sorted(lineage.of("job_ends", **of), key=lambda row: row["first_offset"])
    if ends:
        return str(ends[0]["outcome"])
    if any(row["is_paused"] for row in lineage.of("job_holds", **of)):
        return "paused"
    return "running" if any(row["is_running"] for row in lineage.of("job_progress", **of)) else "waiting"


def place_text(position: Position) -> str:
    """`messages[3]@1042`."""
    topic, partition, offset = position
    return f"{topic}[{partition}]@{offset}"


def walk(nodes: Iterable[Node]) -> Iterable[Node]:
    """Every node, parents first."""
    for node in nodes:
        yield node
        yield from walk(node.children)


def _singular(table: str) -> str:
    """`message_labels` → message label."""
    return table.replace("_", " ").removesuffix("s")


def _moment(node: Node) -> datetime:
    return node.at or _EARLIEST


def _progress(row: Row) -> str:
    return f"attempt {row['attempt']} began" if row["is_running"] else f"put off after attempt {row['attempt']}"


def _measure(node: Node) -> None:
    before = node.at
    for child in node.children:
        if before is not None and child.at is not None:
            child.after_ms = round((child.at - before).total_seconds() * 1000)
        before = child.at or before
        _measure(child)


def _cut(node: Node, depth: int | None) -> None:
    if depth is None:
        return
    if depth <= 1 and node.children:
        node.notes = [*node.notes, f"{sum(1 for _ in walk(node.children))} more below: see --depth"]
        node.children = []
    for child in node.children:
        _cut(child, depth - 1)


def _corrected(record: Record | None) -> list[str]:
    run = "" if record is None else header_map(record.headers).get("ce_correction", "")
    return [f"corrected by run {run}"] if run else []


def _stored_at(record: Record) -> datetime:
    return datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
