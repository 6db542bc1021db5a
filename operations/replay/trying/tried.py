"""What a try is of, and what it found: decisions before and after, and how they compare. Values in, values out."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from headrace.refusal import Refusal


class TryRefused(Refusal):
    """Nothing can be tried as it was meant; the message says why and what to do."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one job, tried. Events are plain JSON with their type under `type`."""

    message_id: str
    job_id: str
    workspace_id: str
    #: A model was asked; else rules decided before one was.
    is_asked: bool
    before: dict[str, Any]
    #: None when no answer was to be had; see `failure`.
    after: dict[str, Any] | None = None
    failure: str = ""

    @property
    def words(self) -> tuple[str, str]:
        """Both decisions in a word."""
        return word(self.before), word(self.after or {})

    @property
    def is_changed(self) -> bool:
        """The decision is another one."""
        return self.after is not None and self.words[0] != self.words[1]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that is another one."""

    message_id: str
    before: str
    after: str
    confidence_before: float | None
    confidence_after: float | None


class TryReport(msgspec.Struct, frozen=True, kw_only=True):
    """How the tried decisions compare with the recorded ones."""

    compared: int
    #: For which a model was asked: only these are agreed on or not.
    asked: int
    agreed: int
    #: Of those asked; None when none was.
    agreement: float | None
    #: `Interested → Neutral` → how many, the most frequent first.
    changed: dict[str, int]
    #: Why there was no answer → how many.
    failures: dict[str, int]
    calls: int
    cost_micro_usd: int
    #: The surest first.
    changes: list[Change]


def report(tried: Iterable[Tried], calls: int, cost_micro_usd: int, show: int) -> TryReport:
    """The comparison; `show` is how many changes it names."""
    found = list(tried)
    asked = [one for one in found if one.is_asked and one.after is not None]
    changed = [one for one in asked if one.is_changed]
    pairs = Counter(" → ".join(one.words) for one in changed)
    agreed = len(asked) - len(changed)
    return TryReport(
        compared=len(found),
        asked=len(asked),
        agreed=agreed,
        agreement=agreed / len(asked) if asked else None,
        changed=dict(pairs.most_common()),
        failures=dict(Counter(one.failure for one in found if one.failure).most_common()),
        calls=calls,
        cost_micro_usd=cost_micro_usd,
        changes=[_change(one) for one in sorted(changed, key=_surest)[:show]],
    )


#: Event → its decision in a word or two, without anybody's text.
_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "message.classified": lambda event: str(event["label"]),
    "step.skipped": lambda event: f"skipped, {event['reason']}",
    "reply.decided": lambda event: str(event["decision"]),
    "followup.scheduled": lambda event: " ".join(filter(None, [event["kind"], event.get("day")])),
    "booking.proposed": lambda event: f"proposed {event['start_at']}",
    "booking.declined": lambda event: f"declined, {event['reason']}",
    "lead.scored": lambda event: f"overall {event['overall']}",
}


def word(event: Mapping[str, Any]) -> str:
    """A decision in a word or two; what has no word of its own is named by its event."""
    kind = str(event.get("type", "")).rpartition(".v")[0]
    return _WORDS[kind](event) if kind in _WORDS else kind


def _change(one: Tried) -> Change:
    before, after = one.words
    return Change(
        message_id=one.message_id,
        before=before,
        after=after,
        confidence_before=one.before.get("confidence"),
        confidence_after=(one.after or {}).get("confidence"),
    )


def _surest(one: Tried) -> tuple[float, str]:
    return -float((one.after or {}).get("confidence") or 0.0), one.message_id
