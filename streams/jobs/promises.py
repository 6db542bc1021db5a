"""What jobs concluded that is to happen to a lead later, and what takes it back. Values in, values out.

A suppression and a conclusion that rests on its absence may cross on their way: the one came through a webhook, the
other out of a model. Whichever a lead's partition hears of last finds the other there, so the conclusion is taken back
by a newer one of the same job and step, in the same partition behind it: whoever acts on conclusions hears of it.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from headrace.events.enrichments import (
    BookingDeclined,
    BookingProposed,
    Enrichment,
    FollowUpScheduled,
    PersonNeeded,
    ReplyDecided,
    StepSkipped,
)

#: Promises of a lead that are kept, the newest of them.
KEPT_PROMISES = 80
#: Why a conclusion is taken back.
SUPPRESSED = "suppressed"
#: What steps say that can promise something, or take a promise back when they are done again.
_SPEAKS_OF_PROMISES = (
    ReplyDecided,
    PersonNeeded,
    FollowUpScheduled,
    BookingProposed,
    BookingDeclined,
    StepSkipped,
)


class Promise(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One conclusion: exactly one of the fields but `due_at` is there."""

    due_at: datetime
    reply: ReplyDecided | None = None
    follow_up: FollowUpScheduled | None = None
    booking: BookingProposed | None = None

    @property
    def conclusion(self) -> Enrichment:
        """The event itself."""
        event = self.reply or self.follow_up or self.booking
        if event is None:
            raise ValueError("a promise without a conclusion")
        return event


def promise_of(event: Enrichment) -> Promise | None:
    """What the event promises, None when nothing."""
    # What was cut, and reasons, which a reply that is to be sent has none of, are large and no part of a withdrawal.
    match event:
        case ReplyDecided(decision="send_at", send_at=datetime() as due_at):
            return Promise(due_at=due_at, reply=msgspec.structs.replace(event, cut=(), reasons=()))
        case FollowUpScheduled():
            return Promise(due_at=event.due_at, follow_up=msgspec.structs.replace(event, cut=()))
        case BookingProposed():
            return Promise(due_at=event.start_at, booking=msgspec.structs.replace(event, cut=()))
    return None


def speaks_of_promises(event: object) -> bool:
    """True for conclusions after which the promises of a lead may be others."""
    return isinstance(event, _SPEAKS_OF_PROMISES)


def with_conclusion(promises: Sequence[Promise], event: Enrichment) -> tuple[Promise, ...]:
    """The promises after a step's newest word. Those that were due before it are past."""
    kept = [promise for promise in promises if promise.due_at > event.at and not _is_of(promise.conclusion, event)]
    made = promise_of(event)
    return tuple(([*kept, made] if made is not None else kept)[-KEPT_PROMISES:])


def split_by_suppression(
    promises: Sequence[Promise], suppressed_at: datetime | None
) -> tuple[tuple[Promise, ...], tuple[Promise, ...]]:
    """The promises that stand, and those that are due after the moment since which nobody may write to the lead."""
    if suppressed_at is None:
        return tuple(promises), ()
    standing = tuple(promise for promise in promises if promise.due_at <= suppressed_at)
    return standing, tuple(promise for promise in promises if promise.due_at > suppressed_at)


def withdrawal(promise: Promise, suppressed_at: datetime) -> Enrichment:
    """The conclusion in place of a promise."""
    made = promise.conclusion
    shared = {name: getattr(made, name) for name in Enrichment.__struct_fields__}
    shared |= {"withdrawn": True, "at": max(made.at, suppressed_at)}
    match made:
        case ReplyDecided():
            return msgspec.structs.replace(made, **shared, decision="blocked", send_at=None, reasons=(SUPPRESSED,))
        case BookingProposed():
            return BookingDeclined(**shared, reason=SUPPRESSED, process=made.process)
    return StepSkipped(**shared, reason=SUPPRESSED)


def _is_of(known: Enrichment, event: Enrichment) -> bool:
    return (known.job_id, known.step) == (event.job_id, event.step)
