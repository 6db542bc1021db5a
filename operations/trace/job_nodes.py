"""The life of a job as a tree: generations, attempts, steps with what models were asked, and what was concluded."""

from collections.abc import Sequence

import msgspec

from operations.trace.lineage import Lineage, Row
from operations.trace.node import Node, moment_of
from operations.trace.node_maker import NodeMaker

#: What each step concluded, beside its row in `enrichments`.
CONCLUSIONS = (
    "message_labels",
    "lead_states",
    "follow_ups",
    "booking_decisions",
    "drafts",
    "reply_decisions",
    "lead_scores",
)


class _Work(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in one generation of a job."""

    calls: list[Row]
    steps: list[Row]
    #: The conclusions are those of the newest.
    is_newest: bool


class JobNodes:
    """Tells jobs."""

    def __init__(self, make: NodeMaker) -> None:
        self._make = make
        self._lineage = make.lineage

    def job(self, job_id: str) -> Node:
        """A job with all its generations."""
        generations = sorted(self._lineage.of("jobs", job_id=job_id), key=lambda row: row["generation"])
        newest = generations[-1]
        return Node(
            what="job",
            title=f"{newest['type']}: {state_of(self._lineage, newest)}",
            id=job_id,
            at=self._make.time_of(generations[0]),
            is_asked_for=self._make.options.asked_for == job_id,
            children=[
                self._generation(row, calls, is_newest=row is newest)
                for row, calls in zip(generations, self._calls(generations), strict=True)
            ],
        )

    def _calls(self, generations: Sequence[Row]) -> list[list[Row]]:
        """The calls of each generation. They don't name it, so that their time has to tell."""
        calls: list[list[Row]] = [[] for _ in generations]
        for call in self._make.by_time("ai_interactions", job_id=generations[0]["job_id"]):
            begun = sum(row["requested_at"] <= call["called_at"] for row in generations)
            calls[max(0, begun - 1)].append(call)
        return calls

    def _generation(self, row: Row, calls: list[Row], *, is_newest: bool) -> Node:
        node = self._make.of_row("generation", f"{row['generation']}, asked for by {row['requested_by']}", row)
        of = {"job_id": row["job_id"], "generation": row["generation"]}
        attempts = sorted(self._lineage.of("job_attempts", **of), key=lambda one: one["attempt"])
        steps = self._make.by_time("job_steps", **of)
        numbers = {one["attempt"] for one in attempts}
        work = _Work(calls=calls, steps=steps, is_newest=is_newest)
        # A job decided again by a replay has steps, but no attempt.
        loose = [number for number in dict.fromkeys(one["attempt"] for one in steps + calls) if number not in numbers]
        node.children = [child for number in loose for child in self._steps(number, work)]
        node.children += [self._attempt(one, work) for one in attempts]
        node.children += [
            self._make.of_row("progress", _progress(one), one) for one in self._lineage.of("job_progress", **of)
        ]
        node.children += [self._make.of_row("hold", "", one) for one in self._lineage.of("job_holds", **of)]
        node.children += [self._make.of_row("end", one["outcome"], one) for one in self._lineage.of("job_ends", **of)]
        node.children.sort(key=moment_of)
        return node

    def _attempt(self, row: Row, work: _Work) -> Node:
        node = self._make.of_row("attempt", f"{row['attempt']}: {row['outcome'] or 'running'}", row)
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
        return sorted(nodes, key=moment_of)

    def _step(self, row: Row, calls: list[Row], *, is_newest: bool) -> Node:
        node = self._make.of_row("step", row["step"] + (": skipped" if row["skipped"] else ""), row)
        node.children = [self._call(call) for call in calls if call["step"] == row["step"]]
        if is_newest:
            concluded = self._lineage.of("enrichments", job_id=row["job_id"], step=row["step"])
            node.children += [child for one in concluded for child in self._concluded(one)]
        node.children.sort(key=moment_of)
        return node

    def _call(self, row: Row) -> Node:
        title = f"{row['step']}, try {row['call']}: {row['status']}"
        return self._make.of_row("AI call", title, row, row["event_id"])

    def _concluded(self, row: Row) -> list[Node]:
        """The step's row, and the row of the kind of conclusion it came to; an older one counts no more."""
        nodes = [self._make.of_row("conclusion", row["event_type"], row)]
        for table in CONCLUSIONS:
            for one in self._lineage.of(table, job_id=row["job_id"]):
                if one.position == row.position:
                    id_ = one["draft_id"] if table == "drafts" else ""
                    nodes.append(self._make.of_row(singular(table), "", one, id_))
        return nodes


def state_of(lineage: Lineage, request: Row) -> str:
    """How a job stands, of its newest generation; see `analytics.jobs`."""
    of = {"job_id": request["job_id"], "generation": request["generation"]}
    ends = sorted(lineage.of("job_ends", **of), key=lambda row: row["first_offset"])
    if ends:
        return str(ends[0]["outcome"])
    if any(row["is_paused"] for row in lineage.of("job_holds", **of)):
        return "paused"
    return "running" if any(row["is_running"] for row in lineage.of("job_progress", **of)) else "waiting"


def singular(table: str) -> str:
    """`message_labels` → message label."""
    return table.replace("_", " ").removesuffix("s")


def _progress(row: Row) -> str:
    return f"attempt {row['attempt']} began" if row["is_running"] else f"put off after attempt {row['attempt']}"
