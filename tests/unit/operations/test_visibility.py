"""Every field and column is declared, and each place that shows some keeps to that."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec
import pytest
from msgspec import inspect
from sqlalchemy import MetaData

from headrace.events.caps import Body, Word
from headrace.events.codec import EVENT_TYPES, Codec
from headrace.events.enrichments import BookingDeclined
from headrace.events.envelope import Envelope
from headrace.events.jobs import JobStepFinished
from headrace.events.messages import MessageReceived
from headrace.events.records import Record
from headrace.events.visibility import Visibility, declared, fields_of, leaves_of, strictest
from headrace.settings import Settings
from operations.records.field_changes import Example, FieldChange
from operations.records.redaction import HIDDEN
from operations.records.shown_changes import shown_example
from operations.records.shown_event import shown_event
from operations.records.shown_record import Shower
from operations.trace.lineage import Lineage, Row
from operations.trace.node_maker import NodeMaker, Options
from operations.trace.telling import TELLINGS, told
from operations.trace.tree import TreeBuilder
from operations.versions.shown_values import shown
from projections.tables import ctl_metadata, proj_metadata, visibility_of

#: What no place may show unasked.
ZEBRA = "zebra"
SECRET = "secret-zebra"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

Declared = tuple[str, str, str, Visibility | None]


def columns_of(metadata: MetaData) -> list[Declared]:
    """Table, column, its type, and how it may be shown."""
    return [
        (table.name, column.name, str(column.type), visibility_of(column))
        for table in metadata.tables.values()
        for column in table.columns
    ]


COLUMNS = columns_of(proj_metadata(1))
_SAMPLES: dict[type[inspect.Type], Any] = {
    inspect.IntType: 7,
    inspect.FloatType: 0.5,
    inspect.BoolType: True,
    inspect.DateTimeType: NOW,
    inspect.DateType: date(2026, 3, 2),
    inspect.TimeType: time(9),
}


def sample_of(kind: inspect.Type, visibility: Visibility | None = None) -> Any:
    """A value of the type in which every text says how it may be shown, by what is declared of it."""
    visibility = visibility or declared(kind)
    sample: Any
    match kind:
        case inspect.Metadata(type=inner):
            sample = sample_of(inner, visibility)
        case inspect.UnionType(types=types):
            sample = sample_of(next(one for one in types if not isinstance(one, inspect.NoneType)), visibility)
        case inspect.StructType(cls=cls):
            sample = cls(**{field.name: sample_of(field.type) for field in fields_of(cls)})
        case inspect.VarTupleType(item_type=item):
            sample = (sample_of(item, visibility),)
        case inspect.TupleType(item_types=items):
            sample = tuple(sample_of(item, visibility) for item in items)
        case inspect.DictType(key_type=key, value_type=value):
            sample = {sample_of(key, "open"): sample_of(value, visibility)}
        case inspect.LiteralType(values=values):
            sample = values[0]
        case inspect.StrType() | inspect.AnyType():
            sample = {"masked": ZEBRA, "never": SECRET}.get(visibility or "never", f"{visibility} word")
        case _:
            sample = _SAMPLES[type(kind)]
    return sample


def sample_event(cls: type) -> Any:
    return sample_of(inspect.type_info(cls))


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_field_of_every_event_is_declared(name: str) -> None:
    cls, _ = EVENT_TYPES[name]
    leaves = [leaf for field in fields_of(cls) for leaf in leaves_of(field.type, field.name)]
    assert [path for path, kind in leaves if declared(kind) is None] == []


def test_every_column_is_declared() -> None:
    columns = [*COLUMNS, *columns_of(ctl_metadata())]
    assert [f"{table}.{column}" for table, column, _, visibility in columns if visibility is None] == []


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_a_record_is_shown_without_what_people_wrote_and_never_with_a_secret(name: str) -> None:
    cls, version = EVENT_TYPES[name]
    event = sample_event(cls)
    envelope = Envelope(id="1", type=f"{name}.v{version}", source="/t", time=NOW)
    record = Record("messages", 0, 0, b"k", Codec().encode(event), envelope.headers(), 0)
    unasked = msgspec.json.encode(Shower(Settings()).show(record))
    assert ZEBRA.encode() not in unasked
    assert b"open word" in unasked
    asked = msgspec.json.encode(Shower(Settings(), texts=True).show(record))
    assert (ZEBRA.encode() in asked) == (ZEBRA.encode() in Codec().encode(event).replace(SECRET.encode(), b""))
    assert SECRET.encode() not in asked


def test_a_text_is_told_by_its_length_wherever_it_stands() -> None:
    event = msgspec.structs.replace(
        sample_event(JobStepFinished), result={"draft": {"body": "Hi"}, "label": "Neutral", "confidence": 0.9}
    )
    assert shown_event(event, texts=False)["result"] == {
        "draft": {"body": {"characters": 2}},
        "label": {"characters": 7},
        "confidence": 0.9,
    }
    message = shown_event(sample_event(MessageReceived), texts=False)
    assert message["from_address"] == {"address": {"characters": 5}, "name": {"characters": 5}}
    assert (message["text"], message["provider_event"]) == ({"characters": 5}, "open word")


def test_what_nobody_declared_is_never_shown() -> None:
    class Undeclared(msgspec.Struct, frozen=True):
        word: Word
        text: Body
        plain: str
        anything: dict[str, Any]
        either: int | Body

    event = Undeclared("w", "t", "p", {"a": 1}, 1)
    shown_asked = {"word": "w", "text": "t", "plain": HIDDEN, "anything": {HIDDEN: HIDDEN}, "either": HIDDEN}
    assert shown_event(event, texts=True) == shown_asked
    kinds = {field.name: strictest(field.type) for field in fields_of(Undeclared)}
    assert (kinds["plain"], kinds["anything"], kinds["word"]) == ("never", "never", "open")


@pytest.mark.parametrize("cls", [MessageReceived, JobStepFinished, BookingDeclined])
def test_differences_show_open_fields_alone(cls: type) -> None:
    plain = msgspec.to_builtins(sample_event(cls))
    changes = tuple(FieldChange(field=f"step.{name}", before=None, after=value) for name, value in plain.items())
    example = Example(id="1", changes=changes)
    open_fields = {f"step.{field.name}" for field in fields_of(cls) if strictest(field.type) == "open"}
    unasked = shown_example(example, text=False).changes
    assert {one.field for one, given in zip(unasked, changes, strict=True) if one.after == given.after} == open_fields
    assert "word" not in str([one.after for one in unasked if one.field not in open_fields])
    assert shown_example(example, text=True).changes == changes


def test_a_difference_in_what_no_event_has_is_hidden() -> None:
    example = Example(id="1", changes=(FieldChange(field="new_field", before="a", after="bc"),))
    (change,) = shown_example(example, text=True).changes
    assert (change.before, change.after) == ("(1 characters)", "(2 characters)")


@pytest.mark.parametrize(("table", "column", "type_", "visibility"), COLUMNS)
def test_a_comparison_of_rows_shows_open_columns_alone(
    table: str, column: str, type_: str, visibility: Visibility
) -> None:
    in_database = type_.lower()
    value = shown(table, column, in_database, ZEBRA, all_values=False)
    assert value == (ZEBRA if visibility == "open" else "(5 characters)")
    assert shown(table, column, in_database, ZEBRA, all_values=True) == ZEBRA


def test_a_column_of_another_program_is_hidden() -> None:
    assert shown("messages", "new_column", "text", ZEBRA, all_values=True) == "(5 characters)"


@pytest.mark.parametrize("table", TELLINGS)
def test_a_story_tells_no_masked_column_unasked(table: str) -> None:
    row = row_of(table)
    assert ZEBRA not in str(told(row, texts=False))
    texts = [name for name in TELLINGS[table].columns if row[name] == ZEBRA]
    assert [name for name, value in told(row, texts=True).items() if value == ZEBRA] == texts


@pytest.mark.parametrize("texts", [False, True])
def test_no_node_of_a_tree_tells_a_masked_column_unasked(texts: bool) -> None:
    lineage = Lineage()
    lineage.add(row_of(table) for table in TELLINGS)
    options = Options(asked_for="x", texts=texts)
    tree = TreeBuilder(NodeMaker(lineage, Shower(Settings()), options, is_log_read=False)).build()
    assert (ZEBRA in str(tree)) == texts
    assert all(table in str(tree) for table in TELLINGS)


def row_of(table: str) -> Row:
    """A row whose masked columns hold what may not be shown unasked; rows of one test belong together."""
    return Row(table=table, schema="proj_v1", values=dict(_values(table)))


def _values(table: str) -> Iterator[tuple[str, Any]]:
    for name, column, type_, visibility in COLUMNS:
        if name != table:
            continue
        if visibility != "open":
            yield column, ZEBRA if visibility in ("masked", "never") else "detail"
        elif type_.startswith("TIMESTAMP"):
            yield column, NOW
        elif type_ in ("INTEGER", "BIGINT"):
            # Each table's record stands elsewhere.
            yield column, list(TELLINGS).index(table) if column == "src_offset" else 1
        else:
            yield column, "id"
