"""One thing of a story, and what can be done to a tree of them: walked, measured, cut at a depth."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from operations.trace.lineage import Position

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


def place_text(position: Position) -> str:
    """`messages[3]@1042`."""
    topic, partition, offset = position
    return f"{topic}[{partition}]@{offset}"


def walk(nodes: Iterable[Node]) -> Iterable[Node]:
    """Every node, parents first."""
    for node in nodes:
        yield node
        yield from walk(node.children)


def moment_of(node: Node) -> datetime:
    """Its time, to sort by; what has none is first."""
    return node.at or _EARLIEST


def measure(node: Node) -> None:
    """Note on everything below how long after its forerunner it came."""
    before = node.at
    for child in node.children:
        if before is not None and child.at is not None:
            child.after_ms = round((child.at - before).total_seconds() * 1000)
        before = child.at or before
        measure(child)


def cut_below(node: Node, depth: int | None) -> None:
    """Leave out what is deeper, and say how much that is. None is nothing."""
    if depth is None:
        return
    if depth <= 1 and node.children:
        node.notes = [*node.notes, f"{sum(1 for _ in walk(node.children))} more below: see --depth"]
        node.children = []
    for child in node.children:
        cut_below(child, depth - 1)
