"""How long each field of an event may be, and who sees it: declared by its type, kept in one place.

A webhook may hold a megabyte in any of its fields, and so may a model's answer. Its raw body is kept whole; what is
derived from it must fit the log, the tables and the conversations it becomes a part of.
"""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import inspect

from headrace.events.visibility import DETAIL, MASKED, OPEN

#: `cut` keeps the beginning, `hash` puts a digest in place of the whole, `refuse` raises TooLarge.
Over = Literal["cut", "hash", "refuse"]


class TooLarge(ValueError):
    """It does not fit where it belongs. The message says what, how large and how much there is room for; no content."""


class Cap(msgspec.Struct, frozen=True):
    """Characters of a text, entries of a list or map, bytes of what is refused as JSON; and what becomes of more."""

    most: int
    over: Over = "cut"


def _characters(most: int, over: Over = "cut") -> msgspec.Meta:
    return msgspec.Meta(extra={"cap": Cap(most, over)}, extra_json_schema={"maxLength": most})


def entries(most: int) -> msgspec.Meta:
    """At most so many entries of a list; the first ones are kept."""
    return msgspec.Meta(extra={"cap": Cap(most)}, extra_json_schema={"maxItems": most})


def keys(most: int) -> msgspec.Meta:
    """At most so many keys of a map; the first ones are kept."""
    return msgspec.Meta(extra={"cap": Cap(most)}, extra_json_schema={"maxProperties": most})


def json_bytes(most: int) -> msgspec.Meta:
    """At most so many bytes as JSON. Whoever fills it keeps to that: more is refused."""
    return msgspec.Meta(
        extra={"cap": Cap(most, "refuse")}, extra_json_schema={"description": f"At most {most:,} bytes."}
    )


#: Ids of ours, made of what they name. They are short; a longer one is replaced whole, never shortened.
Ref = Annotated[str, _characters(160, "hash"), OPEN]
#: A provider's ids: shortened, two of them could become one.
ForeignId = Annotated[str, _characters(512, "hash"), DETAIL]
#: What a provider knows a person or an account by.
PersonalId = Annotated[str, _characters(512, "hash"), MASKED]
#: Dedupe keys: ids of ours with a readable foreign one.
Key = Annotated[str, _characters(1_024, "hash"), DETAIL]
#: Names of events, codes and words of a list.
Word = Annotated[str, _characters(120), OPEN]
#: Phone numbers, E.164 or as they were written.
PhoneNumber = Annotated[str, _characters(120), MASKED]
#: Names of people, companies and campaigns.
Name = Annotated[str, _characters(200), MASKED]
#: Names of what is ours or everybody's: topics, routes, models, zones of time.
PlainName = Annotated[str, _characters(200), OPEN]
#: Who set something in motion: a program, or an operator by the name of the account.
Actor = Annotated[str, _characters(200), DETAIL]
#: E-mail addresses: RFC 5321 allows 254, and some write 320.
MailAddress = Annotated[str, _characters(320, "hash"), MASKED]
#: Subjects, the provider's own words about something, links.
Line = Annotated[str, _characters(1_000), MASKED]
#: Why something happened, in words of a program or an operator.
Reason = Annotated[str, _characters(1_000), DETAIL]
#: What an author wrote now. Readers of replies look at no more than this of a mail.
OwnWords = Annotated[str, _characters(131_072), MASKED]
#: A mail's whole text, and its HTML.
Body = Annotated[str, _characters(524_288), MASKED]
#: A reply as a model wrote it.
DraftText = Annotated[str, _characters(4_000), MASKED]
#: What a step or a model hands on, as plain JSON.
PlainJson = Annotated[dict[str, Any], json_bytes(32_768), MASKED]
#: The names of the fields that were longer than their cap, such as `subject` or `person.company`.
CutFields = Annotated[tuple[Word, ...], entries(40)]

E = TypeVar("E")
#: Takes a value, its place and where to note it; returns the same object when it is within its cap.
_Shorten = Callable[[Any, str, dict[str, None]], Any]
_HASHED = "sha256-"


def capped(event: E) -> E:
    """The event with every field within its cap, and what was cut in `cut`; the same object when nothing was.

    Raises TooLarge for a field that must not be cut.
    """
    cut: dict[str, None] = {}
    after = _shorten_struct(event, "", cut)
    if cut and "cut" in event.__struct_fields__:  # type: ignore[attr-defined]
        after = msgspec.structs.replace(after, cut=tuple(dict.fromkeys((*after.cut, *cut))))
    return after  # type: ignore[no-any-return]


def digest_of(text: str) -> str:
    """What stands for an identifying text that is too long: equal texts have equal ones, others don't."""
    return _HASHED + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _shorten_struct(value: Any, place: str, cut: dict[str, None]) -> Any:
    changes = {}
    cls: type = type(value)
    for name, fits, shorten in _shorteners(cls):
        before = getattr(value, name)
        # Nearly all of them end here, and every event of the log comes through.
        if not before or (fits and len(before) <= fits):
            continue
        after = shorten(before, place + name, cut)
        if after is not before:
            changes[name] = after
    return msgspec.structs.replace(value, **changes) if changes else value


@cache
def _shorteners(cls: type) -> tuple[tuple[str, int, _Shorten], ...]:
    """Field, the length up to which it need not be looked at closer, and what shortens it."""
    kind = inspect.type_info(cls)
    if not isinstance(kind, inspect.StructType):
        raise TypeError(f"{cls} is no struct")
    found = ((field, _shortener(field.type)) for field in kind.fields)
    return tuple((field.name, _fitting(field.type), shorten) for field, shorten in found if shorten is not None)


def _fitting(kind: inspect.Type) -> int:
    match kind:
        case inspect.UnionType(types=types):
            return max(_fitting(one) for one in types)
        case inspect.Metadata(type=inspect.StrType(), extra={"cap": Cap(most=most)}):
            return most
        case _:
            return 0


def _shortener(kind: inspect.Type) -> _Shorten | None:
    match kind:
        case inspect.UnionType(types=types):
            return next((found for one in types if (found := _shortener(one))), None)
        case inspect.StructType():
            return lambda value, place, cut: _shorten_struct(value, f"{place}.", cut)
        case inspect.Metadata(type=inner, extra={"cap": Cap() as cap}):
            return _of_capped(inner, cap)
        case inspect.VarTupleType(item_type=item):
            return _each(_shortener(item))
        case _:
            return None


def _of_capped(kind: inspect.Type, cap: Cap) -> _Shorten:
    if cap.over == "refuse":
        return _refusing(cap.most)
    match kind:
        case inspect.StrType():
            return _hashing(cap.most) if cap.over == "hash" else _cutting(cap.most)
        case inspect.VarTupleType(item_type=item):
            return _fewer(cap.most, _each(_shortener(item)))
        case inspect.DictType(key_type=key, value_type=value):
            return _fewer_keys(cap.most, _shortener(key), _shortener(value))
        case _:
            raise TypeError(f"a cap for {kind} has no meaning yet; give it one in {__name__}")


def _cutting(most: int) -> _Shorten:
    def cut_text(value: str, place: str, cut: dict[str, None]) -> str:
        if len(value) <= most:
            return value
        cut[place] = None
        return value[:most]

    return cut_text


def _hashing(most: int) -> _Shorten:
    def hash_text(value: str, place: str, cut: dict[str, None]) -> str:
        if len(value) <= most:
            return value
        cut[place] = None
        return digest_of(value)

    return hash_text


def _refusing(most: int) -> _Shorten:
    def refuse(value: Any, place: str, _cut: dict[str, None]) -> Any:
        size = len(msgspec.json.encode(value))
        if size > most:
            raise TooLarge(f"{place} has {size:,} bytes, and room for {most:,}")
        return value

    return refuse


def _each(shorten: _Shorten | None) -> _Shorten | None:
    if shorten is None:
        return None

    def each(value: tuple[Any, ...], place: str, cut: dict[str, None]) -> tuple[Any, ...]:
        for one in value:
            if shorten(one, place, cut) is not one:
                return tuple(shorten(each_one, place, cut) for each_one in value)
        return value

    return each


def _fewer(most: int, each: _Shorten | None) -> _Shorten:
    def fewer(value: tuple[Any, ...], place: str, cut: dict[str, None]) -> tuple[Any, ...]:
        if len(value) > most:
            cut[place] = None
            value = value[:most]
        return value if each is None else each(value, place, cut)

    return fewer


def _fewer_keys(most: int, of_key: _Shorten | None, of_value: _Shorten | None) -> _Shorten:
    def fewer_keys(value: dict[str, Any], place: str, cut: dict[str, None]) -> dict[str, Any]:
        before = list(value.items())
        after = [
            (of_key(key, place, cut) if of_key else key, of_value(one, place, cut) if of_value else one)
            for key, one in before[:most]
        ]
        if len(before) > most:
            cut[place] = None
        return value if after == before else dict(after)

    return fewer_keys
