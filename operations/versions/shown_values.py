"""What of a row may be shown in a comparison without being asked for: values of columns that are declared open."""

import re
from collections.abc import Mapping
from functools import cache

from headrace.events.visibility import Visibility
from projections.versions import FIRST_VERSION

#: Postgres types whose values are ids, numbers, times and flags.
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
_LONGEST = 60


def shown(table: str, column: str, type_: str, value: str | None, *, all_values: bool) -> str | None:
    """A value's text as it may be shown; a hidden one becomes its length. None is null.

    `type_` is the column's in the database. A column that this program does not declare is hidden.
    """
    if value is None:
        return None
    visibility = _visibilities().get((table, column), "never")
    if visibility == "never" or not (all_values or (visibility == "open" and _is_word(type_, value))):
        return f"({len(value):,} characters)"
    return value


@cache
def _visibilities() -> Mapping[tuple[str, str], Visibility]:
    # Only where a difference is shown, and nobody else should wait for SQLAlchemy.
    from projections.tables import proj_metadata, visibility_of  # noqa: PLC0415

    return {
        (table.name, column.name): visibility
        for table in proj_metadata(FIRST_VERSION).tables.values()
        for column in table.columns
        if (visibility := visibility_of(column)) is not None
    }


def _is_word(type_: str, value: str) -> bool:
    """A code that is long or broken over lines is none: something else got into its column."""
    return type_ in _PLAIN_TYPES or len(value) <= _LONGEST or re.search(r"\s", value) is None
