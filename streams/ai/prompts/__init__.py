"""Prompts are files with key and version; a changed text is a new version, and its hash travels with each answer."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

#: Put before every prompt: how to treat the words of others.
_SHARED = "shared"
_FILE = re.compile(r"(?P<key>[a-z_]+)\.v(?P<version>\d+)\.md")


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """The system text of a task."""

    key: str
    version: int
    text: str
    #: SHA-256 of the text with its shared part put in, before any workspace's facts: hex.
    sha256: str

    @property
    def own(self) -> str:
        """Its text without the shared part."""
        return self.text.removesuffix(f"\n\n{_read(_SHARED, max(_versions(_SHARED)))}")

    @property
    def canary(self) -> str:
        """A word that only this prompt holds: a draft with it in repeats its instructions."""
        return f"hr{hashlib.sha256(f'canary {self.sha256}'.encode()).hexdigest()[:12]}"


class UnknownPrompt(LookupError):
    """No file has this key or version."""


@cache
def load_prompt(key: str, version: int | None = None) -> Prompt:
    """The prompt of a key, the newest version unless one is named. Raises UnknownPrompt."""
    wanted = max(_versions(key), default=None) if version is None else version
    if wanted is None or wanted not in _versions(key):
        raise UnknownPrompt(f"there is no prompt file {key}.v{wanted or 1}.md")
    return prompt_of(key, wanted, _read(key, wanted))


def prompt_of(key: str, version: int, own: str) -> Prompt:
    """A prompt out of its own text, with the shared part behind it. Version 0 is one that is only tried."""
    text = f"{own.strip()}\n\n{_read(_SHARED, max(_versions(_SHARED)))}"
    return Prompt(key=key, version=version, text=text, sha256=hashlib.sha256(text.encode()).hexdigest())


def all_prompts() -> tuple[Prompt, ...]:
    """Every prompt in every version, sorted."""
    keys = sorted({key for key, _ in _files() if key != _SHARED})
    return tuple(load_prompt(key, version) for key in keys for version in sorted(_versions(key)))


def _versions(key: str) -> frozenset[int]:
    return frozenset(version for found, version in _files() if found == key)


@cache
def _files() -> tuple[tuple[str, int], ...]:
    names = (_FILE.fullmatch(file.name) for file in resources.files(__name__).iterdir())
    return tuple((match["key"], int(match["version"])) for match in names if match)


def _read(key: str, version: int) -> str:
    return resources.files(__name__).joinpath(f"{key}.v{version}.md").read_text(encoding="utf-8").strip()
