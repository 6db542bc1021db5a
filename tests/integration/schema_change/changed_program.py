"""Headrace as it is after a change, run as a process of its own: the whole command, with other code in some places.

`event`: messages say who wrote them, `message.received.v2` with an upcaster; the tables are as they were.
`table`: the same, and the table of messages has a column for it, which the analysts' view shows.

Whoever imports a module here gets it changed, so the change comes before every other import of ours.
"""

import sys
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from sqlalchemy import Column, MetaData, Text

from headrace.events import messages


class MessageReceived(messages.MessageReceived, frozen=True, kw_only=True, omit_defaults=True):
    """Version 2: `author` took the place of `is_automated`."""

    author: Literal["person", "machine"]


def lift(fields: dict[str, Any]) -> dict[str, Any]:
    """The upcaster from version 1."""
    automated = fields.pop("is_automated", False)
    return fields | {"author": "machine" if automated else "person"}


def change_event() -> None:
    """What a developer does in headrace/events/messages.py, headrace/events/codec.py and the projector."""
    messages.MessageReceived = MessageReceived  # type: ignore[misc, assignment]
    from headrace.events import codec  # noqa: PLC0415

    codec.EVENT_TYPES["message.received"] = (MessageReceived, 2)  # type: ignore[index]
    codec.UPCASTERS["message.received", 1] = lift  # type: ignore[index]
    from projections.projectors import messages as projector  # noqa: PLC0415

    whole = projector.project_message

    def project_message(record: Any, event: Any) -> Any:
        if isinstance(event, MessageReceived):
            event = msgspec.structs.replace(event, is_automated=event.author == "machine")
        return whole(record, event)

    projector.project_message = project_message  # type: ignore[assignment]


def change_table() -> None:
    """What a developer does in projections/tables.py and the projector."""
    from projections.projectors import messages as projector  # noqa: PLC0415

    project = projector.project_message

    def project_with_author(record: Any, event: Any) -> Any:
        first, *others = project(record, event)
        author = getattr(event, "author", "person")
        return [first._replace(values={**first.values, "author": author}), *others]

    projector.project_message = project_with_author  # type: ignore[assignment]
    # Only now: the tables import the registry, and that the projectors.
    from projections import tables  # noqa: PLC0415

    declare, lineage = tables._messages, tables.lineage

    def declare_with_author(metadata: MetaData) -> None:
        tables.lineage = lambda: [Column("author", Text, nullable=False), *lineage()]
        declare(metadata)
        tables.lineage = lineage

    tables._messages = declare_with_author


def change_view() -> None:
    """What a developer does in projections/views/messages.sql: the new column at the end."""
    from projections import analytics  # noqa: PLC0415

    template = analytics._template

    def template_with_author(name: str) -> str:
        text = template(name)
        if name != "messages":
            return text
        return text.replace("message.src_offset\nFROM", "message.src_offset,\n    message.author\nFROM")

    analytics._template = template_with_author


CHANGES: dict[str, tuple[Callable[[], None], ...]] = {
    "event": (change_event,),
    "table": (change_event, change_table, change_view),
}


def main() -> None:
    for change in CHANGES[sys.argv.pop(1)]:
        change()
    from operations.cli.main import main as headrace  # noqa: PLC0415

    headrace()


if __name__ == "__main__":
    main()
