"""Who gets to see a field: declared beside the field, as its cap is, and asked by every place that shows one.

A field is declared by its type: ids of ours, numbers, times and words of a fixed list are open, and every other type of
`caps` says for itself what it is. A field that is neither is shown nowhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Literal

import msgspec
from msgspec import inspect

#: open: ids of ours, codes, numbers and times, shown everywhere.
#: detail: what programs, operators and providers say about a thing: names of theirs, reasons. Shown of a thing that was
#: asked for; a comparison of many things tells no more than its length.
#: masked: what people or models wrote, and what tells who a person is. Its length is shown, itself only on demand.
#: never: a secret.
Visibility = Literal["open", "detail", "masked", "never"]
#: From what everybody may see to what nobody may.
_ORDER: tuple[Visibility, ...] = ("open", "detail", "masked", "never")

_EXTRA = "shown"
OPEN = msgspec.Meta(extra={_EXTRA: "open"})
DETAIL = msgspec.Meta(extra={_EXTRA: "detail"})
MASKED = msgspec.Meta(extra={_EXTRA: "masked"})
NEVER = msgspec.Meta(extra={_EXTRA: "never"})

_OPEN_TYPES = (
    inspect.IntType,
    inspect.FloatType,
    inspect.BoolType,
    inspect.NoneType,
    inspect.DateTimeType,
    inspect.DateType,
    inspect.TimeType,
    inspect.LiteralType,
)


class Field(msgspec.Struct, frozen=True):
    """A field of an event: its name on the wire, and its type with what is declared of it."""

    name: str
    type: inspect.Type


def declared(kind: inspect.Type) -> Visibility | None:
    """What is declared of a type as a whole; None where its parts, or nobody, say."""
    match kind:
        case inspect.Metadata(extra={"shown": str() as visibility}):
            return visibility  # type: ignore[return-value]
        case inspect.Metadata(type=inner):
            return declared(inner)
        case _ if isinstance(kind, _OPEN_TYPES):
            return "open"
        case _:
            return None


def parts_of(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    """The types within a type whose own declaration is missing; empty for a leaf."""
    match kind:
        case inspect.Metadata(type=inner):
            return parts_of(inner)
        case inspect.UnionType(types=types) | inspect.TupleType(item_types=types):
            return tuple(types)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return (item,)
        case inspect.DictType(key_type=key, value_type=value):
            return (key, value)
        case inspect.StructType(cls=cls):
            return tuple(field.type for field in fields_of(cls))
        case _:
            return ()


def strictest(kind: inspect.Type) -> Visibility:
    """How a value may be shown that is shown as a whole or not at all: as the strictest of its parts."""
    whole = declared(kind)
    if whole is not None:
        return whole
    parts = parts_of(kind)
    return max((strictest(part) for part in parts), key=_ORDER.index) if parts else "never"


def leaves_of(kind: inspect.Type, name: str) -> Iterator[tuple[str, inspect.Type]]:
    """Every type within a type that is declared, or that nobody has declared, with the path to it."""
    if declared(kind) is not None or not parts_of(kind):
        yield name, kind
    elif isinstance(kind, inspect.StructType):
        for field in fields_of(kind.cls):
            yield from leaves_of(field.type, f"{name}.{field.name}")
    else:
        for part in parts_of(kind):
            yield from leaves_of(part, name)


@cache
def fields_of(cls: type) -> tuple[Field, ...]:
    """The fields of a struct."""
    kind = inspect.type_info(cls)
    if not isinstance(kind, inspect.StructType):
        raise TypeError(f"{cls} is no struct")
    return tuple(Field(field.encode_name, field.type) for field in kind.fields)


def strictest_by_name(classes: Iterable[type]) -> Mapping[str, Visibility]:
    """Name → how a field of that name may be shown, whichever of the structs it is in."""
    found: dict[str, Visibility] = {}
    for field in (field for cls in classes for field in fields_of(cls)):
        known = found.get(field.name, "open")
        found[field.name] = max(known, strictest(field.type), key=_ORDER.index)
    return found
