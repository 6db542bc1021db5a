"""The offline provider's drafts: sentences that are filled with facts or not used at all."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Template
from typing import Any

import yaml

_FILE = "drafts.en.yaml"


@cache
def _templates() -> Mapping[str, Mapping[str, tuple[Template, ...]]]:
    text = resources.files(__name__).joinpath(_FILE).read_text(encoding="utf-8")
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return {
        label: {channel: tuple(map(Template, variants)) for channel, variants in channels.items()}
        for label, channels in loaded.items()
    }


def template_version() -> str:
    """Eight hex digits that name the templates' content."""
    text = resources.files(__name__).joinpath(_FILE).read_bytes()
    return hashlib.sha256(text).hexdigest()[:8]


def filled_draft(label: str, channel: str, facts: Mapping[str, str], message_id: str) -> str | None:
    """A draft's sentences, without greeting and signature; None where the label gets none.

    The richest variants, those with the most facts, go first; the message's id chooses among them, so that a retry
    writes the same and two leads don't always read the same.
    """
    variants = _templates().get(label, {}).get(channel, ())
    usable = [variant for variant in variants if set(variant.get_identifiers()) <= set(facts)]
    if not usable:
        return None
    most = max(len(variant.get_identifiers()) for variant in usable)
    richest = [variant for variant in usable if (len(variant.get_identifiers()) > 0) == (most > 0)]
    number = int.from_bytes(hashlib.sha256(message_id.encode()).digest()[:4], "big")
    return richest[number % len(richest)].substitute(facts)
