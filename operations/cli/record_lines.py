"""Records of topics as lines for people: where and when, whose, and what they say."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from operations.records.shown_record import ShownRecord


def lines_of(shown: "ShownRecord") -> list[str]:
    """The lines of one record, the first of them in the margin."""
    place = f"{shown.topic}[{shown.partition}]@{shown.offset}"
    what = shown.type or "no type"
    lines = [f"{moment_text(shown.at)}  {place}  {plain(what)}"]
    size = "tombstone" if shown.size is None else f"{shown.size:,} bytes"
    about = {"key": shown.key, "workspace": shown.workspace, "id": shown.id, "receipt": shown.receipt_id}
    lines.append(f"    {size}  {fields_text({name: value for name, value in about.items() if value})}")
    if shown.problem:
        lines.append(f"    CAN'T BE DECODED: {plain(shown.problem)}")
    if shown.method:
        lines.append(f"    {shown.method} {plain(shown.path)}")
    if shown.headers is not None:
        lines.append(f"    headers: {fields_text(shown.headers)}")
    if shown.event is not None:
        lines.append(f"    {fields_text(shown.event)}")
    if shown.body is not None:
        lines += [f"    | {plain(line)}" for line in shown.body.splitlines() or [""]]
    return lines


def fields_text(fields: Mapping[str, Any]) -> str:
    """`name=value` for each field, in one line that no terminal takes for commands."""
    return "  ".join(f"{name}={_value(value)}" for name, value in fields.items())


def moment_text(moment: datetime | None) -> str:
    """In UTC, to the millisecond; empty for none."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def plain(text: str) -> str:
    """Text that others wrote, without the characters that move a cursor or hide what follows."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _value(value: Any) -> str:
    if isinstance(value, dict) and value.keys() == {"characters"}:
        return f"({value['characters']:,} characters)"
    if isinstance(value, str):
        return (
            plain(value)
            if value and value.isascii() and " " not in value
            else plain(json.dumps(value, ensure_ascii=False))
        )
    return plain(json.dumps(value, ensure_ascii=False, default=str))
