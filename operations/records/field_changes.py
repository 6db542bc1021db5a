"""How two versions of a thing differ, field by field, fit to be shown: words of people only when asked for. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

#: Fields whose values are ids, times, numbers or words of a fixed list. All others may hold what people wrote.
_HARMLESS = frozenset(
    {
        "at",
        "attachment_count",
        "bounce",
        "channel",
        "confidence",
        "conversation_id",
        "day",
        "decision",
        "direction",
        "draft_id",
        "due_at",
        "event_type",
        "evidence",
        "failed_checks",
        "fit",
        "injection_suspected",
        "intent",
        "is_automated",
        "kind",
        "label",
        "answered_label",
        "message_id",
        "needs_review",
        "open_work",
        "opt_out",
        "overall",
        "precision",
        "previous_label",
        "process",
        "proposed_time",
        "provider_event",
        "provider_message_id",
        "reason",
        "reasons",
        "received_at",
        "response_mode",
        "rule",
        "send_at",
        "sent_at",
        "source",
        "start_at",
        "status",
        "threshold",
    }
)
_LONGEST = 200


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One field, before and after, as plain JSON values."""

    #: Its name, behind a step's name and a dot where a step concluded it.
    field: str
    before: Any
    after: Any


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that differs, by its id."""

    id: str
    changes: tuple[FieldChange, ...]


class DiffSummary(msgspec.Struct, kw_only=True):
    """Which fields differ how often, and some of the things that do."""

    #: Field → how many things differ in it.
    fields: dict[str, int] = {}
    examples: list[Example] = []
    things: int = 0

    def add(self, id_: str, changes: Iterable[FieldChange], keep: int) -> None:
        """Count a thing that differs; the first `keep` of them are examples."""
        found = tuple(changes)
        self.things += 1
        self.fields = dict(Counter(self.fields) + Counter(change.field for change in found))
        if len(self.examples) < keep:
            self.examples.append(Example(id=id_, changes=found))


def changes_between(before: Any, after: Any, leave_out: frozenset[str] = frozenset()) -> list[FieldChange]:
    """The fields in which two structs differ; a field that one of them lacks is None there."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    return [
        FieldChange(field=name, before=old.get(name), after=new.get(name))
        for name in sorted({*old, *new} - leave_out)
        if old.get(name) != new.get(name)
    ]


def shown(change: FieldChange, *, text: bool) -> FieldChange:
    """The change with values that may be printed: without `text`, of what people wrote only how long it is."""
    if text or change.field.rpartition(".")[2] in _HARMLESS:
        return FieldChange(field=change.field, before=_short(change.before), after=_short(change.after))
    return FieldChange(field=change.field, before=_veiled(change.before), after=_veiled(change.after))


def shown_example(example: Example, *, text: bool) -> Example:
    """The example with values that may be printed."""
    return Example(id=example.id, changes=tuple(shown(change, text=text) for change in example.changes))


def _veiled(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return f"({len(value):,} characters)"
    return f"({len(msgspec.json.encode(value)):,} bytes)"


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}… ({len(value):,} characters)"
    return value
