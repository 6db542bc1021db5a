"""What the real providers document of their routes, as data: `contracts/<provider>.yaml`, a JSON schema a route."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import jsonschema
import msgspec
import yaml

_FOLDER = Path(__file__).parent / "contracts"
Content = Literal["json", "form", "multipart", "none_or_empty"]


class Bound(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most so many calls of an account within so many seconds. Without routes it is for all of them."""

    calls: int
    seconds: float
    routes: tuple[str, ...] = ()


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One documented route."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    #: With `{placeholders}` for single parts.
    path: str
    headers: dict[str, Any] = {}
    query: dict[str, Any] = {}
    #: None: no body at all.
    body: dict[str, Any] | None = None
    content: Content = "json"


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider's file."""

    headers: dict[str, Any]
    limits: tuple[Bound, ...]
    routes: dict[str, Route]
    #: The query parameter that holds the key, where it is there.
    key_in_query: str | None = None

    def find(self, method: str, path: str) -> tuple[str, dict[str, str]] | None:
        """The route's name and what stands at its placeholders. A path without placeholders comes before one with."""
        found = [
            (path_of.count("{"), name, match.groupdict())
            for name, (path_of, pattern) in _patterns(self.routes_key).items()
            if self.routes[name].method == method and (match := pattern.fullmatch(path))
        ]
        return min(found, key=lambda one: one[0])[1:] if found else None

    @property
    def routes_key(self) -> tuple[tuple[str, str], ...]:
        """Name and path of each route, to find patterns by."""
        return tuple((name, route.path) for name, route in self.routes.items())

    def complaints(self, name: str, headers: Mapping[str, str], query: Mapping[str, str], body: Any) -> list[str]:
        """What of a request is not as documented, in words; headers in lower case."""
        route = self.routes[name]
        problems = [*_problems(route.headers, dict(headers), "header")]
        asked = {key: value for key, value in query.items() if key != self.key_in_query}
        problems += _problems(_closed(route.query), asked, "query")
        if route.body is not None:
            problems += _problems(route.body, body, "body")
        elif body not in (None, {}):
            problems.append("body should not be there")
        return problems


@cache
def contract_of(provider: str) -> Contract:
    """A provider's documented routes."""
    return msgspec.convert(yaml.safe_load((_FOLDER / f"{provider}.yaml").read_text()), Contract)


@cache
def _patterns(routes: tuple[tuple[str, str], ...]) -> dict[str, tuple[str, re.Pattern[str]]]:
    return {name: (path, _pattern(path)) for name, path in routes}


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", path)
    return re.compile("".join(f"(?P<{p[1:-1]}>[^/]+)" if p.startswith("{") else re.escape(p) for p in parts))


def _closed(query: dict[str, Any]) -> dict[str, Any]:
    """Queries are flat, and what is not documented is refused."""
    return {"type": "object", "additionalProperties": False, **query}


_FORMATS = jsonschema.FormatChecker(())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    """RFC 3339 as far as Python reads it, with an offset."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _problems(schema: dict[str, Any], value: Any, where: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema, format_checker=_FORMATS)
    return [f"{where}{error.json_path[1:]}: {error.message[:200]}" for error in validator.iter_errors(value)]
