"""How many bytes an event can have at most: the caps of its fields, added up with the worst characters there are."""

import msgspec
from msgspec import inspect

from headrace.events.caps import Cap
from headrace.events.codec import EVENT_TYPES
from headrace.events.topics import WEBHOOK_TOPICS, Topic
from headrace.events.webhooks import WebhookMeta

#: A control character is spelled `\u0001`; no other one needs more bytes.
CHARACTER_BYTES = 6
_LONGEST = {
    inspect.BoolType: len("false"),
    inspect.IntType: len("-9223372036854775808"),
    inspect.FloatType: len("-2.2250738585072014e-308"),
    inspect.DateTimeType: len('"2026-03-02T15:05:00.123456+00:00"'),
    inspect.DateType: len('"2026-03-02"'),
    inspect.TimeType: len('"15:05:00.123456+00:00"'),
    inspect.NoneType: len("null"),
}
#: The hash of a text is longer than a very short cap.
_HASH_BYTES = len('"sha256-"') + 64
#: Key, names and short values of the headers, and what Kafka adds to a record of a batch of its own.
ENVELOPE_BYTES = 16 * 1024


class Uncapped(TypeError):
    """A field that may be of any length; the message names it."""


def largest_event(cls: type) -> int:
    """Bytes of the largest value an event of this type can have. Raises Uncapped."""
    return _struct(inspect.type_info(cls))


def largest_record(topic: Topic, body_limit: int) -> int:
    """Bytes of the largest record of a topic, its headers included. `body_limit`: of a webhook's body."""
    if topic in WEBHOOK_TOPICS:
        return body_limit + largest_event(WebhookMeta) + ENVELOPE_BYTES
    return max(largest_event(EVENT_TYPES[name][0]) for name in topic.events) + ENVELOPE_BYTES


def _struct(kind: inspect.Type) -> int:
    if not isinstance(kind, inspect.StructType):
        raise TypeError(f"{kind} is no struct")
    return 2 + sum(_field(kind, field) for field in kind.fields)


def _field(owner: inspect.StructType, field: inspect.Field) -> int:
    try:
        return len(field.encode_name) + len('"":,') + _largest(field.type)
    except Uncapped as error:
        raise Uncapped(f"{owner.cls.__name__}.{field.name}: {error}") from None


def _largest(kind: inspect.Type) -> int:
    match kind:
        case inspect.Metadata(type=inner, extra={"cap": Cap() as cap}):
            return _capped(inner, cap)
        case inspect.UnionType(types=types):
            return max(_largest(one) for one in types)
        case inspect.LiteralType(values=values):
            return max(len(msgspec.json.encode(value)) for value in values)
        case inspect.TupleType(item_types=items):
            return 2 + sum(_largest(item) + 1 for item in items)
        case inspect.StructType():
            return _struct(kind)
        case _ if type(kind) in _LONGEST:
            return _LONGEST[type(kind)]
    raise Uncapped("declare its cap with a type of headrace.events.caps")


def _capped(kind: inspect.Type, cap: Cap) -> int:
    if cap.over == "refuse":
        return cap.most
    match kind:
        case inspect.StrType():
            return max(2 + CHARACTER_BYTES * cap.most, _HASH_BYTES if cap.over == "hash" else 0)
        case inspect.VarTupleType(item_type=item):
            return 2 + cap.most * (_largest(item) + 1)
        case inspect.DictType(key_type=key, value_type=value):
            return 2 + cap.most * (_largest(key) + _largest(value) + 2)
    raise Uncapped(f"a cap for {kind} has no meaning")
