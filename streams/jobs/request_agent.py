"""The request agent: folds `messages` into conversations, and asks for the jobs of what people wrote to us.

A fact about a lead that was merged away is folded where it is addressed to, and told on from there: see
`streams.jobs.relatives`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import partial

import structlog
from msgspec.structs import replace

from headrace.events.codec import UNREADABLE
from headrace.events.conversations import ConversationMoved
from headrace.events.envelope import Envelope
from headrace.events.messages import (
    LeadChanged,
    LeadMerged,
    LeadSignalled,
    LeadSplit,
    LeadSuppressed,
    Message,
    MessageReceived,
    MessageSent,
)
from headrace.events.records import Record
from headrace.kafka.faust.keyed_agent import Derive, KeyedAgent, Turn
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.settings import Settings
from streams.jobs.conversation import suppressed_at
from streams.jobs.conversations import Conversations, PartitionConversations
from streams.jobs.job_records import JobRecords
from streams.jobs.learning import Cancellations, Learning
from streams.jobs.requests import asks_for_work, job_for

log = structlog.get_logger()


class RequestAgent(KeyedAgent):
    """Reads `messages`, and writes `jobs`. `needs`: partition, message → True while a job may still ask for it."""

    stage = "request"
    #: A KeyError is a lead or a message that a broken event names.
    faults = (*UNREADABLE, KeyError)
    tells_fixed = True

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        conversations: Conversations,
        needs: Callable[[int, Message], bool],
        cancellations: Cancellations,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(settings, outbox)
        self._conversations = conversations
        self._needs = needs
        self._now = now
        self._records = JobRecords(settings, "/jobs/request")
        self._learning = Learning(self._records, cancellations)

    def turn(self) -> AbstractAsyncContextManager[Turn]:
        """See `KeyedAgent`."""
        return self._conversations.turn(self._open)

    def _open(self, partition: int, records: list[Record]) -> Derive:
        newest_ms = records[-1].timestamp_ms
        self._conversations.forget_due(partition, newest_ms, self._needs)
        return partial(self._folded, self._conversations.open(partition, newest_ms))

    def _folded(self, view: PartitionConversations, record: Record) -> Iterator[OutRecord]:
        envelope, event = self._codec.read(record)
        match event:
            case LeadChanged():
                # Snapshots of a lead come from one resolver in order: the last one is the lead.
                view.put_head(event.lead_id, replace(view.head(event.lead_id), lead=event))
            case LeadMerged():
                yield from self._learning.merge(view, event, envelope.traceparent)
            case MessageReceived() | MessageSent():
                yield from self._message(event, envelope, record.partition, view)
            case LeadSuppressed() | LeadSignalled() | LeadSplit():
                yield from self._learning.learn(record.partition, view, news(event), envelope.traceparent)

    def _message(
        self, message: MessageReceived | MessageSent, envelope: Envelope, partition: int, view: PartitionConversations
    ) -> Iterator[OutRecord]:
        # What is remembered was asked for before; the job's id makes a repeat harmless, this makes it rare.
        known = view.message(message.lead_id, message.message_id)
        was_asked_for = known is not None and asks_for_work(known)
        yield from self._learning.learn(partition, view, news(message), envelope.traceparent)
        # The jobs of a corrected message are not done again: see `headrace replay`.
        if was_asked_for or envelope.correction or (request := job_for(message)) is None:
            return
        if not self._may_be_forgotten(message, view):
            yield self._records.job(request, envelope.traceparent)

    def _may_be_forgotten(self, message: MessageReceived | MessageSent, view: PartitionConversations) -> bool:
        """A message too old to be kept, in a part of the log so old that its job may have ended and be forgotten, too.

        So the log is read again. Were the job done again, it would be paid again; `headrace audit` names a first one.
        """
        refs = view.head(message.lead_id).refs
        if any(ref[2] == message.message_id for ref in refs) or not view.is_beyond_memory(self._now()):
            return False
        log.warning("request.beyond_memory", message_id=message.message_id, hint="see docs/operations.md")
        return True


def news(event: MessageReceived | MessageSent | LeadSuppressed | LeadSignalled | LeadSplit) -> ConversationMoved:
    """What the lead itself learns by an event of its own."""
    told = ConversationMoved(
        receipt_id=event.receipt_id,
        workspace=event.workspace,
        lead_id=event.lead_id,
        from_lead_id=event.lead_id,
        at=event.split_at if isinstance(event, LeadSplit) else event.received_at,
    )
    match event:
        case LeadSuppressed():
            return replace(told, suppressed_reason=event.reason, suppressed_at=suppressed_at(event))
        case LeadSignalled():
            return replace(told, signals=(event,))
        case LeadSplit():
            return replace(told, split=event)
    return replace(told, messages=(event,))
