"""What of a row may be shown without being asked for: never what a person wrote, or what tells who a person is."""

import re

#: Types whose values are ids, numbers, times and flags.
_PLAIN_TYPES = frozenset(
    {
        "uuid",
        "uuid[]",
        "boolean",
        "smallint",
        "integer",
        "bigint",
        "bigint[]",
        "double precision",
        "numeric",
        "date",
        "timestamp with time zone",
    }
)
#: Columns of text whose values are words of our own: codes, names of topics and programs, hashes. A new column of text
#: is hidden until it is entered here.
_CODES = frozenset(
    {
        "answered_label",
        "api",
        "billing",
        "booking_process",
        "channel",
        "decision",
        "direction",
        "error_class",
        "event_type",
        "failed_checks",
        "feature",
        "finish",
        "job_type",
        "kind",
        "label",
        "model",
        "ai_model",
        "ai_provider",
        "open_work",
        "origin_topic",
        "outcome",
        "precision",
        "previous_label",
        "process",
        "process_id",
        "prompt_key",
        "prompt_sha256",
        "provider",
        "provider_event",
        "response_mode",
        "route",
        "signal",
        "source",
        "source_topic",
        "src_topic",
        "stage",
        "status",
        "step",
        "structure",
        "timezone",
        "type",
        "usage_source",
        "verdict",
        "workspace_id",
    }
)
_LONGEST = 60


def shown(column: str, type_: str, value: str | None, *, all_values: bool) -> str | None:
    """A value's text as it may be shown; a hidden one becomes its length. None is null."""
    if value is None:
        return None
    if all_values:
        return value
    if type_ not in _PLAIN_TYPES and column not in _CODES:
        return f"({len(value):,} characters)"
    # A code that is long or broken over lines is none: something else got into its column.
    if len(value) > _LONGEST and type_ not in _PLAIN_TYPES and re.search(r"\s", value):
        return f"({len(value):,} characters)"
    return value
