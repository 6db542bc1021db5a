"""The ends a webhook can come to, so that a verdict and its facts always agree, and the parts all facts share."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from headrace.events.ids import dedupe_key
from headrace.events.inbox import (
    Campaign,
    Identity,
    InboxFact,
    InboxSignal,
    InboxSuppression,
    Person,
    SignalKind,
    SuppressionReason,
)
from headrace.events.receipts import Lane
from headrace.providers.adapter import Delivery, Normalised, Receipt, RetryWindow
from headrace.providers.fields import event_name

#: Labels by which people who answer for us say that somebody must not be written to any more.
_DO_NOT_CONTACT = frozenset({
    "do not contact", "do not email", "do not mail", "do not call", "do not text", "do not disturb", "donotcontact",
    "dnc", "dnd", "unsubscribe", "unsubscribed", "unsubscribe request", "opt out", "opted out", "optout",
    "opt out request", "remove", "remove me", "removed", "remove from list", "take off list", "blacklist",
    "blacklisted", "blocklist", "blocklisted", "suppress", "suppressed", "stop", "never contact", "no contact",
    "nicht kontaktieren", "abgemeldet", "ne pas contacter", "no contactar",
})  # fmt: skip


def means_do_not_contact(label: str) -> bool:
    """True for a label that the customer gave in a provider's app and that ends all writing, however it is spelled."""
    return " ".join("".join(c if c.isalnum() else " " for c in label.lower()).split()) in _DO_NOT_CONTACT


class EventKey(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a webhook the same webhook again."""

    #: The event, spelled one way for both of a provider's shapes.
    event: str
    identifier: str
    #: The identifier is made of content without a time or id, so equal content may truly happen twice.
    may_recur: bool = False

    def delivery(self, workspace: str, provider: str, lane: Lane, provider_event: str) -> Delivery:
        """What ingest needs."""
        key = dedupe_key(workspace, provider, self.event or "unnamed", self.identifier)
        return Delivery(dedupe_key=key, lane=lane, provider_event=provider_event)

    def message_key(self, received_at: datetime) -> str:
        """What identifies a message that has no id of its own.

        Only webhooks that were judged fresh are normalised, so the time of receipt tells two true messages of
        the same words apart, in a replay just as the first time, and for ever: counting would begin again
        once the dedupe memory has forgotten the first one.
        """
        return f"{self.identifier}:{received_at.isoformat()}" if self.may_recur else self.identifier

    def retry_window(self, gap: timedelta, span: timedelta) -> RetryWindow | None:
        """The provider's window, for keys that may recur."""
        return RetryWindow(gap=gap, span=span) if self.may_recur else None


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a webhook is about, and the receipt it came with: the head of every fact."""

    receipt: Receipt
    provider: str
    provider_event: str
    identities: tuple[Identity, ...]
    person: Person = Person()
    campaign: Campaign | None = None

    def own(self) -> "Subject":
        """Without aliases: of several who are reached together, the one it is about."""
        return msgspec.structs.replace(self, identities=tuple(i for i in self.identities if not i.alias))

    def suppression(self, reason: SuppressionReason, at: datetime, detail: str | None = None) -> InboxSuppression:
        """The provider says: write no more."""
        return InboxSuppression(
            receipt_id=self.receipt.receipt_id,
            workspace=self.receipt.workspace,
            provider=self.provider,
            provider_event=self.provider_event,
            identities=self.own().identities,
            reason=reason,
            occurred_at=at,
            received_at=self.receipt.received_at,
            person=self.person,
            campaign=self.campaign,
            detail=detail,
        )

    def signal(
        self, signal: SignalKind, at: datetime, message_id: str | None = None, detail: str | None = None
    ) -> InboxSignal:
        """The provider's own label for the lead."""
        return InboxSignal(
            receipt_id=self.receipt.receipt_id,
            workspace=self.receipt.workspace,
            provider=self.provider,
            provider_event=self.provider_event,
            identities=self.identities,
            signal=signal,
            occurred_at=at,
            received_at=self.receipt.received_at,
            person=self.person,
            campaign=self.campaign,
            message_id=message_id,
            detail=detail,
        )


def label_fact(subject: Subject, at: datetime, label: str) -> InboxFact:
    """What a label that the customer invented means: it suppresses where it says so, else it is kept as it is."""
    if means_do_not_contact(label):
        return subject.suppression("blacklisted", at, label)
    return subject.signal("custom_label", at, detail=label)


def fresh(event: str, facts: Sequence[InboxFact]) -> Normalised:
    """The webhook means these facts; at least one."""
    return Normalised(facts=tuple(facts), verdict="fresh", provider_event=event)


def ignored(event: str, reason: str) -> Normalised:
    """The webhook is understood and means nothing to Headrace."""
    return Normalised(verdict="ignored", reason=reason, provider_event=event)


def unhandled(event: str) -> Normalised:
    """An event no adapter reads."""
    return ignored(event, f"unhandled event: {event_name(event)}" if event else "unhandled event: unnamed")


def malformed(event: str, reason: str) -> Normalised:
    """The webhook lacks what its event needs; the reason names the field."""
    return Normalised(verdict="malformed", reason=reason, provider_event=event)
