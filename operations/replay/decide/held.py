"""What a replay never decides by itself: a reply that would now go out, a slot that would now be booked. Pure."""

from msgspec.structs import replace

from headrace.events.enrichments import BookingDeclined, BookingProposed, Enrichment, ReplyDecided
from streams.jobs.step import Emitted, StepOutcome

#: Why a person decides instead.
REASON = "decided_again"


def held(outcome: StepOutcome, recorded: Enrichment | None, *, draft_changed: bool) -> StepOutcome:
    """The outcome as it may be written: what was released then and is the same now stays, all else is for a person."""
    for emitted in outcome.emitted:
        event = emitted.event
        if isinstance(event, ReplyDecided) and event.decision == "send_at" and (draft_changed or event != recorded):
            reviewed = replace(event, decision="needs_review", send_at=None, reasons=(REASON,))
            return _with(outcome, emitted, reviewed, {**outcome.result, "decision": "needs_review"})
        if isinstance(event, BookingProposed) and event != recorded:
            return _with(outcome, emitted, _declined(event), {"reason": REASON, "process": event.process})
    return outcome


def _declined(event: BookingProposed) -> BookingDeclined:
    shared = {name: getattr(event, name) for name in Enrichment.__struct_fields__}
    return BookingDeclined(**shared, reason=REASON, process=event.process)


def _with(outcome: StepOutcome, old: Emitted, event: Enrichment, result: dict[str, object]) -> StepOutcome:
    emitted = tuple(Emitted(topic=one.topic, event=event) if one is old else one for one in outcome.emitted)
    return replace(outcome, emitted=emitted, result=result)
