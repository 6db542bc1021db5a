"""All patterns of the modules that see what strangers write, and how each is applied."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import headrace.providers
import streams.ai
import streams.jobs.steps
from streams.ai.phrases import Phrases

_PACKAGES = (headrace.providers, streams.ai, streams.jobs.steps)
_FROM_ONE_PLACE = frozenset({"match", "fullmatch"})
_FROM_EVERY_PLACE = frozenset({"search", "finditer", "findall", "sub", "split"})


class ReadingPattern(NamedTuple):
    """A pattern that texts are read with."""

    name: str
    pattern: re.Pattern[str]
    #: Tried at one place of a text only.
    is_anchored: bool
    #: What tries the pattern only where a match can begin.
    phrases: Phrases | None = None

    def apply(self, text: str) -> None:
        """As much work as any use of it in its module may be."""
        if self.is_anchored:
            self.pattern.match(text)
            self.pattern.fullmatch(text)
            return
        for _ in (self.phrases or self.pattern).finditer(text):
            pass


def reading_patterns() -> list[ReadingPattern]:
    """Each pattern once, by its name."""
    known = {found.pattern: found for module in _modules() for found in _patterns_of(module)}
    return sorted(known.values(), key=lambda one: one.name)


def _modules() -> Iterator[ModuleType]:
    for package in _PACKAGES:
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(info.name)


def _patterns_of(module: ModuleType) -> Iterator[ReadingPattern]:
    tree = ast.parse(inspect.getsource(module))
    anchored = _anchored(tree)
    for name, value in vars(module).items():
        for place, found in _compiled(value, name):
            phrases = found if isinstance(found, Phrases) else None
            pattern = found.pattern if isinstance(found, Phrases) else found
            yield ReadingPattern(f"{module.__name__}.{place}", pattern, name in anchored, phrases)
    for line, literal in _written_in_place(tree):
        yield ReadingPattern(f"{module.__name__}:{line}", re.compile(literal), is_anchored=False)


def _compiled(value: Any, name: str) -> Iterator[tuple[str, re.Pattern[str] | Phrases]]:
    if isinstance(value, Phrases) or (isinstance(value, re.Pattern) and isinstance(value.pattern, str)):
        yield name, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _compiled(part, f"{name}[{key}]")
    elif isinstance(value, tuple | list):
        for position, part in enumerate(value):
            yield from _compiled(part, f"{name}[{position}]")


def _anchored(tree: ast.AST) -> set[str]:
    uses: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            uses.setdefault(node.value.id, set()).add(node.attr)
    return {name for name, how in uses.items() if how & _FROM_ONE_PLACE and not how & _FROM_EVERY_PLACE}


def _written_in_place(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_re(node.func):
            literal = node.args[0]
            if isinstance(literal, ast.Constant) and isinstance(literal.value, str):
                yield node.lineno, literal.value


def _is_re(function: ast.Attribute) -> bool:
    is_module = isinstance(function.value, ast.Name) and function.value.id == "re"
    return is_module and function.attr in _FROM_ONE_PLACE | _FROM_EVERY_PLACE
