"""How two versions of a thing differ, field by field. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec


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
        listed = tuple(changes)
        self.things += 1
        self.fields = dict(Counter(self.fields) + Counter(change.field for change in listed))
        if len(self.examples) < keep:
            self.examples.append(Example(id=id_, changes=listed))


def changes_between(before: Any, after: Any, leave_out: frozenset[str] = frozenset()) -> list[FieldChange]:
    """The fields in which two structs differ; a field that one of them lacks is None there."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    return [
        FieldChange(field=name, before=old.get(name), after=new.get(name))
        for name in sorted({*old, *new} - leave_out)
        if old.get(name) != new.get(name)
    ]
