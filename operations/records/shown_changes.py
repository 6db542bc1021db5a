"""Fields that differ between two versions, fit to be shown: without being asked no more than their length. Pure."""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import msgspec

from headrace.events.enrichments import AnyEnrichment
from headrace.events.jobs import JobStepFinished
from headrace.events.messages import MessageReceived, MessageSent
from headrace.events.visibility import Visibility, strictest_by_name
from operations.records.field_changes import Example, FieldChange

_LONGEST = 200


def shown_example(example: Example, *, text: bool) -> Example:
    """The example with values that may be printed: without `text` those of open fields, and of others the length."""
    return Example(id=example.id, changes=tuple(_shown(change, text) for change in example.changes))


@cache
def _visibilities() -> Mapping[str, Visibility]:
    """By name, of what replays compare: messages, conclusions and what a step hands on."""
    events = (MessageReceived, MessageSent, JobStepFinished, *get_args(AnyEnrichment))
    # A conclusion of another kind is a difference, too.
    return {**strictest_by_name(events), "event_type": "open"}


def _shown(change: FieldChange, text: bool) -> FieldChange:
    visibility = _visibilities().get(change.field.rpartition(".")[2], "never")
    is_shown = visibility == "open" or (text and visibility != "never")
    show = _shortened if is_shown else _length
    return FieldChange(field=change.field, before=show(change.before), after=show(change.after))


def _length(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return f"({len(value):,} characters)"
    return f"({len(msgspec.json.encode(value)):,} bytes)"


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}… ({len(value):,} characters)"
    return value
