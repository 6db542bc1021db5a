"""The label of the job's message, as later steps read it: from the rules that came first, else from the classifier."""

from typing import Any

import msgspec

from headrace.events.enrichments import MessageLabel
from streams.jobs.step import StepContext

SCREEN = "opt_out_and_bounce"
CLASSIFY = "classify"
UNREADABLE_RULE = "unreadable"
MACHINE: frozenset[MessageLabel] = frozenset({"Automated Reply", "Out of Office"})


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What classification said."""

    label: MessageLabel
    confidence: float
    opt_out: bool = False
    bounce: bool = False
    contains_phone: str | None = None
    proposed_time: bool = False
    is_automated: bool = False
    rule: str = ""
    evidence: str = ""
    answered_label: MessageLabel | None = None
    needs_review: bool = False
    injection_suspected: bool = False

    def fields(self) -> dict[str, Any]:
        """As fields of MessageClassified."""
        return msgspec.structs.asdict(self)

    def result(self) -> dict[str, Any]:
        """As plain JSON for later steps."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


#: Of a message that took longer to read than any may: no draft is written for it, and a person looks.
UNREADABLE = Verdict(label="Neutral", confidence=0.0, rule=UNREADABLE_RULE, needs_review=True)


def verdict_of(context: StepContext) -> Verdict:
    """The verdict of the finished steps."""
    screened = context.results[SCREEN]
    return msgspec.convert(screened if "label" in screened else context.results[CLASSIFY], Verdict)
