"""The largest event of a type: every field at its cap, in the characters that need the most bytes."""

from datetime import UTC, date, datetime, time
from typing import Any

import msgspec
from msgspec import inspect

from headrace.events.caps import Cap

#: Spelled `\u0001`; a provider's NUL is dropped, this is not.
WORST = "\x01"
_AT = datetime(2026, 3, 2, 15, 5, 0, 123456, tzinfo=UTC)


def largest(cls: type, character: str = WORST, beyond: int = 0) -> Any:
    """An event at the caps of its fields, or so much beyond them."""
    return _Maker(character, beyond).struct(inspect.type_info(cls))


class _Maker:
    def __init__(self, character: str, beyond: int) -> None:
        self._character = character
        self._beyond = beyond

    def struct(self, kind: Any) -> Any:
        return kind.cls(**{field.name: self.value(field.type) for field in kind.fields})

    def value(self, kind: inspect.Type, number: int = 0) -> Any:
        match kind:
            case inspect.Metadata(type=inner, extra={"cap": Cap() as cap}):
                return self._at_cap(inner, cap, number)
            case inspect.UnionType(types=types):
                return self.value(next(one for one in types if not isinstance(one, inspect.NoneType)), number)
            case inspect.LiteralType(values=values):
                return max(values, key=lambda value: len(str(value)))
            case inspect.TupleType(item_types=items):
                return tuple(self.value(item) for item in items)
            case inspect.StructType():
                return self.struct(kind)
            case _:
                return _PLAIN[type(kind)]

    def _at_cap(self, kind: inspect.Type, cap: Cap, number: int) -> Any:
        if cap.over == "refuse":
            return self._of_bytes(kind, cap.most)
        match kind:
            case inspect.StrType():
                # Told apart by their beginning, where there are several: keys of a map, addresses of a list.
                return (str(number) + self._character * (cap.most + self._beyond))[: cap.most + self._beyond]
            case inspect.VarTupleType(item_type=item):
                return tuple(self.value(item, one) for one in range(cap.most + self._beyond))
            case inspect.DictType(key_type=key, value_type=value):
                return {self.value(key, n): self.value(value, n) for n in range(cap.most + self._beyond)}
        raise TypeError(kind)

    def _of_bytes(self, kind: inspect.Type, most: int) -> Any:
        match kind:
            case inspect.VarTupleType(item_type=item):
                return self._filled(item, most)
            case inspect.DictType(value_type=inspect.StructType(cls=cls)):
                return {"k": cls()}
            case inspect.DictType():
                room = most - len('{"k":""}') + self._beyond * 6
                return {"k": self._character * (room // len(msgspec.json.encode(self._character)[1:-1]))}
            case inspect.StructType(cls=cls):
                return cls()
        raise TypeError(kind)

    def _filled(self, item: inspect.Type, most: int) -> Any:
        """As many of them, with short texts, as go into so many bytes."""
        one = _Maker(self._character, 0).value(item)
        small = msgspec.structs.replace(
            one,
            **{
                field: value[:2_000] if isinstance(value, str) else ()
                for field in one.__struct_fields__
                if (isinstance(value := getattr(one, field), str) and len(value) > 2_000) or isinstance(value, tuple)
            },
        )
        return (small,) * ((most - 2) // (len(msgspec.json.encode(small)) + 1) + self._beyond)


_PLAIN = {
    inspect.BoolType: True,
    inspect.IntType: -(2**63),
    inspect.FloatType: -2.2250738585072014e-308,
    inspect.DateTimeType: _AT,
    inspect.DateType: date(2026, 3, 2),
    inspect.TimeType: time(15, 5, 0, 123456, tzinfo=UTC),
    inspect.NoneType: None,
}
