"""What was known of a lead at a moment that is past, folded out of the log again. Values in, values out."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from headrace.events.conversations import ConversationMoved
from headrace.events.envelope import Envelope
from headrace.events.messages import LeadChanged, LeadSignalled, LeadSplit, LeadSuppressed, Message
from streams.jobs.conversation import (
    Head,
    capped,
    suppressed,
    with_label,
    with_message,
    with_signals,
    with_told,
    without_split,
)
from streams.jobs.open_job import milliseconds
from streams.jobs.steps.reading import order

#: What says something about a lead, beside the conclusions of its jobs.
LeadFact = Message | LeadChanged | LeadSplit | LeadSuppressed | LeadSignalled | ConversationMoved


class Moment(NamedTuple):
    """How far a step could see, milliseconds of the brokers' clock: workers fold each topic at a pace of its own."""

    #: Messages, what the provider said, and whether anybody may write to the lead.
    facts: int
    #: What jobs concluded.
    labels: int
    #: What replays put right, and whom jobs suppress that are decided again: nobody saw that then, so there is no doubt
    #: about when it was seen.
    heard: int


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A lead as a job finds it."""

    head: Head
    #: The newest messages, oldest first.
    messages: tuple[Message, ...]


class LabelThen(NamedTuple):
    """The label of one message of the lead, and from when on it was known."""

    known_ms: int
    label: str
    sent_at: datetime
    message_id: str


class HeardThen(NamedTuple):
    """What a message of the lead made of it, by a job, and from when on it was known."""

    known_ms: int
    suppression: LeadSuppressed


class LeadStory:
    """Everything the log says about one lead. Facts are told in any order; messages may be corrected later."""

    def __init__(self) -> None:
        #: Suppressions that jobs concluded from what the lead wrote.
        self.heard: list[LeadSuppressed] = []
        self._facts: list[tuple[int, int, LeadFact]] = []
        self._corrected: dict[str, Message] = {}
        self._sorted = True
        #: Facts that a replay found, by their number.
        self._found: set[int] = set()

    def tell(self, fact: LeadFact, envelope: Envelope, appended_ms: int) -> None:
        """One fact. `appended_ms` is the brokers' time of its record."""
        if envelope.correction and isinstance(fact, Message):
            # It was known all the time; only what it says is put right.
            self._corrected[fact.message_id] = fact
            return
        if isinstance(fact, ConversationMoved):
            # What moves is told again when it is corrected.
            self._corrected |= {message.message_id: message for message in fact.messages}
        if isinstance(fact, LeadSuppressed) and not envelope.source.startswith("/pipeline"):
            self.heard.append(fact)
        known_ms = milliseconds(envelope.time) if envelope.correction else appended_ms
        if envelope.correction:
            self._found.add(len(self._facts))
        self._facts.append((known_ms, len(self._facts), fact))
        self._sorted = False

    def message(self, message_id: str) -> Message | None:
        """A message of the lead as it reads now."""
        if message_id in self._corrected:
            return capped(self._corrected[message_id])
        found = [message for message in self._messages() if message.message_id == message_id]
        return capped(found[-1]) if found else None

    def suppressions(self) -> list[LeadSuppressed]:
        """All there are, whenever they came."""
        return [fact for _, _, fact in self._in_order() if isinstance(fact, LeadSuppressed)]

    def changes_between(self, after_ms: int, until_ms: int) -> list[int]:
        """The moments in which something became known of the lead, in order."""
        return [known_ms for known_ms, _, _ in self._in_order() if after_ms < known_ms <= until_ms]

    def at(
        self,
        moment: Moment,
        labels: Iterable[LabelThen],
        heard: Iterable[HeardThen] = (),
        *,
        put_right: bool = True,
    ) -> Known:
        """The lead at a moment. `labels` are those its jobs concluded at any time, `heard` what is not in the log.

        Without `put_right` it is what a worker could know then, but for the words of messages.
        """
        head, messages, gone = Head(), dict[str, Message](), set[str]()
        for known_ms, number, fact in self._in_order():
            is_found = number in self._found
            if known_ms <= (moment.heard if is_found else moment.facts) and (put_right or not is_found):
                head = self._folded(head, fact, messages, gone)
        for known_ms, suppression in heard:
            if known_ms <= moment.heard:
                head = suppressed(head, suppression)
        for label in sorted(labels):
            if label.known_ms <= moment.labels:
                head = with_label(head, label.label, label.sent_at, label.message_id)
        kept = (messages[ref[2]] for ref in head.refs)
        return Known(head=head, messages=tuple(sorted(kept, key=order)))

    def _folded(self, head: Head, fact: LeadFact, messages: dict[str, Message], gone: set[str]) -> Head:
        match fact:
            case Message():
                return self._with_messages(head, (fact,), messages, gone)
            case LeadChanged():
                return msgspec.structs.replace(head, lead=fact)
            case LeadSplit():
                gone |= set(fact.message_ids)
                return without_split(head, fact)
            case LeadSuppressed():
                return suppressed(head, fact)
            case LeadSignalled():
                return with_signals(head, (fact,))
            case ConversationMoved():
                if fact.split is not None:
                    head = self._folded(head, fact.split, messages, gone)
                return self._with_messages(with_told(head, fact), fact.messages, messages, gone)

    def _with_messages(self, head: Head, more: Iterable[Message], messages: dict[str, Message], gone: set[str]) -> Head:
        for message in more:
            if message.message_id in gone:
                continue
            now = capped(self._corrected.get(message.message_id, message))
            messages[now.message_id] = now
            head, _ = with_message(head, now)
        return head

    def _messages(self) -> Iterable[Message]:
        for _, _, fact in self._in_order():
            if isinstance(fact, Message):
                yield fact
            elif isinstance(fact, ConversationMoved):
                yield from fact.messages

    def _in_order(self) -> list[tuple[int, int, LeadFact]]:
        if not self._sorted:
            self._facts.sort(key=lambda one: one[:2])
            self._sorted = True
        return self._facts
