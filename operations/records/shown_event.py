"""An event as it may be shown: every field as it is declared, whoever shows it. Pure."""

from typing import Any

import msgspec
from msgspec import inspect

from headrace.events.visibility import Visibility, declared, fields_of
from operations.records.redaction import HIDDEN, without_secrets


def shown_event(event: Any, *, texts: bool) -> dict[str, Any]:
    """The event as plain JSON without secrets; without `texts` a masked text is `{"characters": n}`.

    What is masked as a whole, such as a step's result, keeps its shape: programs write its keys, numbers and flags.
    """
    plain: dict[str, Any] = without_secrets(msgspec.to_builtins(event))
    return _shown_struct(plain, type(event), texts)


def lengths_of(value: Any) -> Any:
    """Plain JSON with every text in it replaced by `{"characters": n}`."""
    match value:
        case str():
            return {"characters": len(value)}
        case dict():
            return {key: lengths_of(one) for key, one in value.items()}
        case list() | tuple():
            return [lengths_of(one) for one in value]
        case _:
            return value


def _shown_struct(plain: dict[str, Any], cls: type, texts: bool) -> dict[str, Any]:
    fields = {field.name: field.type for field in fields_of(cls)}
    return {name: _shown(value, fields[name], texts) for name, value in plain.items()}


def _shown(value: Any, kind: inspect.Type, texts: bool) -> Any:
    # Secrets in texts are hidden by now, by name: what stands in their place says nothing.
    if value is None or value == HIDDEN:
        return value
    visibility = declared(kind)
    return _shown_parts(value, kind, texts) if visibility is None else _as_declared(value, visibility, texts)


def _as_declared(value: Any, visibility: Visibility, texts: bool) -> Any:
    if visibility == "never":
        return HIDDEN
    return lengths_of(value) if visibility == "masked" and not texts else value


def _shown_parts(value: Any, kind: inspect.Type, texts: bool) -> Any:
    shown: Any = HIDDEN
    match kind:
        case inspect.Metadata(type=inner):
            shown = _shown(value, inner, texts)
        case inspect.UnionType(types=types):
            # A value does not say which of several types it is of.
            kinds = [one for one in types if not isinstance(one, inspect.NoneType)]
            shown = _shown(value, kinds[0], texts) if len(kinds) == 1 else HIDDEN
        case inspect.StructType(cls=cls):
            shown = _shown_struct(value, cls, texts)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            shown = [_shown(one, item, texts) for one in value]
        case inspect.TupleType(item_types=items):
            shown = [_shown(one, item, texts) for one, item in zip(value, items, strict=True)]
        case inspect.DictType(key_type=key, value_type=item):
            shown = {str(_shown(name, key, texts)): _shown(one, item, texts) for name, one in value.items()}
    return shown
