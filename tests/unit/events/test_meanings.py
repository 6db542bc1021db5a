"""Every value of a closed list has a meaning, and every meaning a value: whoever adds one is told."""

import re
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec import inspect

from headrace.events import meanings
from headrace.events.codec import EVENT_TYPES
from headrace.events.job_plan import JOBS
from headrace.events.providers import PROVIDERS
from headrace.events.workspaces import WorkspaceApplied
from projections import analytics
from streams.ai.provider import Feature

VIEWS = Path(analytics.__file__).parent / "views"
#: Lists that no view shows.
UNSEEN = (
    # What becomes of a lead's open work follows from its state.
    {"keep", "pause", "cancel"},
)
#: What a view makes itself: the literals of the CASE that ends with the column's name.
MADE = (
    ("conversations", "draft_state"),
    ("conversations", "follow_up_state"),
    ("leads", "status"),
    ("leads", "last_message_direction"),
    ("suppressions", "cause"),
    ("enrichments", "outcome"),
)


def explained() -> Iterator[Set[str]]:
    for column in meanings.COLUMNS:
        yield set(column.meanings)


def lists_of(kind: inspect.Type) -> Iterator[frozenset[str]]:
    """The closed lists of words that a type has anywhere in it."""
    match kind:
        case inspect.LiteralType(values=values):
            if words := frozenset(value for value in values if isinstance(value, str)):
                yield words
        case inspect.StructType(fields=fields):
            for field in fields:
                yield from lists_of(field.type)
        case inspect.Metadata(type=inner):
            yield from lists_of(inner)
        case inspect.UnionType(types=types):
            for one in types:
                yield from lists_of(one)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            yield from lists_of(item)


@pytest.mark.parametrize("name", [name for name, (cls, _) in EVENT_TYPES.items() if cls is not WorkspaceApplied])
def test_every_closed_list_of_an_event_is_explained(name: str) -> None:
    found = set(lists_of(inspect.type_info(EVENT_TYPES[name][0])))
    assert [words for words in found if words not in (*explained(), *UNSEEN)] == []


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (PROVIDERS.keys() | {"headrace"}, meanings.COLUMNS[0].meanings),
        ({job.type for job in JOBS}, meanings.JOB_TYPES),
        ({step for job in JOBS for step in job.steps}, meanings.STEPS),
        (set(get_args(Feature)), meanings.FEATURES),
    ],
)
def test_lists_that_no_event_declares_are_explained(declared: Set[str], said: Mapping[str, str]) -> None:
    assert set(said) == declared


@pytest.mark.parametrize(("view", "column"), MADE)
def test_what_a_view_makes_is_explained(view: str, column: str) -> None:
    text = (VIEWS / f"{view}.sql").read_text()
    (case,) = re.findall(rf"CASE\b((?:(?!\bCASE\b).)*?)\bEND AS {column}\b", text, re.DOTALL)
    made = set(re.findall(r"(?:THEN|ELSE) '([^']*)'", case))
    assert made
    assert made == set(_column(view, column).meanings)


def _column(view: str, name: str) -> Any:
    (column,) = (one for one in meanings.COLUMNS if view in one.views and one.name == name)
    return column


def test_every_value_stands_once_and_is_explained() -> None:
    values = list(meanings.all_values())
    assert len({(one.view, one.column, one.value) for one in values}) == len(values)
    assert {one.view for one in values} <= {path.stem for path in VIEWS.glob("*.sql")}
    assert [one for one in values if not one.meaning] == []
