"""The request agent: folds `messages` into conversations, and asks for the jobs of what people wrote to us."""

from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from msgspec.structs import replace

from events.codec import Codec, UndecodableEvent, UnknownEventType
from events.conversations import ConversationMoved
from events.envelope import Envelope, EnvelopeError, read_envelope
from events.messages import (
    LeadChanged,
    LeadMerged,
    LeadSignalled,
    LeadSuppressed,
    MessageReceived,
    MessageSent,
)
from events.records import Record
from runtime.settings import Settings
from streams.jobs.conversation import Head, capped, moved, suppressed, with_signal
from streams.jobs.conversations import Conversations, PartitionConversations
from streams.jobs.execute_agent import ExecuteAgent
from streams.jobs.job_records import JobRecords
from streams.jobs.requests import asks_for_work, job_for
from workers.dead_letters import dead_letter, fixed_letter
from workers.following import Batch
from workers.outbox import Outbox, OutRecord
from workers.partition_table import Writes

log = structlog.get_logger()

STAGE = "request"


class RequestAgent:
    """Reads `messages`: forwards to `jobs`, waits for the acks, then remembers."""

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        conversations: Conversations,
        execute: ExecuteAgent,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._conversations = conversations
        self._execute = execute
        self._now = now
        self._codec = Codec()
        self._records = JobRecords(settings, "/jobs/request")

    async def process(self, batch: Batch) -> None:
        """Fold, forward, wait for the acks, remember."""
        out: list[OutRecord] = []
        writes: Writes = {}
        async with self._conversations.changing:
            for (_topic, partition), records in batch.items():
                newest_ms = records[-1].timestamp_ms
                self._conversations.forget_due(partition, writes, newest_ms, self._execute.needs)
                view = self._conversations.open(partition, writes, newest_ms)
                for record in records:
                    self._fold_or_set_aside(record, view, out)
            await self._outbox.send(out)
            await self._conversations.write(writes)

    def _fold_or_set_aside(self, record: Record, view: PartitionConversations, out: list[OutRecord]) -> None:
        try:
            envelope = read_envelope(record.headers)
            event = self._codec.decode(envelope.type, record.value or b"")
            fixed = fixed_letter(self._settings, record, STAGE)
            out.extend(self._folded(event, envelope, record.partition, view))
            out.extend(fixed)
        except (EnvelopeError, UnknownEventType, UndecodableEvent, KeyError) as error:
            log.error("request.dead_letter", offset=record.offset, error_class=type(error).__name__)
            out.append(dead_letter(self._settings, record, STAGE, error))

    def _folded(
        self, event: object, envelope: Envelope, partition: int, view: PartitionConversations
    ) -> list[OutRecord]:
        match event:
            case MessageReceived() | MessageSent():
                return self._message(event, envelope, view)
            case LeadChanged():
                head = view.head(event.lead_id)
                # Snapshots of a lead come from one resolver in order: the last one is the lead.
                view.put_head(event.lead_id, replace(head, lead=event))
            case LeadSuppressed():
                view.put_head(event.lead_id, suppressed(view.head(event.lead_id), event))
                cancelled = self._execute.cancellations(partition, event.lead_id, event.received_at)
                return [self._records.job(cancel, envelope.traceparent) for cancel in cancelled]
            case LeadSignalled():
                view.put_head(event.lead_id, with_signal(view.head(event.lead_id), event))
            case LeadMerged():
                return self._merge(event, envelope, view)
        return []

    def _message(
        self, message: MessageReceived | MessageSent, envelope: Envelope, view: PartitionConversations
    ) -> list[OutRecord]:
        known = view.message(message.message_id)
        head = view.head(message.lead_id)
        after = view.add(head, message)
        view.put_head(message.lead_id, after)
        if envelope.correction:
            # Its jobs were asked for when it first came. They are not done again: see `headrace replay`.
            return _followed(message, head, envelope, self._records)
        # What is remembered was asked for before; the job's id makes a repeat harmless, this makes it rare.
        request = None if known is not None and asks_for_work(known) else job_for(message)
        if request is None or self._may_be_forgotten(message, after, view):
            return []
        return [self._records.job(request, envelope.traceparent)]

    def _may_be_forgotten(
        self, message: MessageReceived | MessageSent, head: Head, view: PartitionConversations
    ) -> bool:
        """A message too old to be kept, in a part of the log so old that its job may have ended and be forgotten, too.

        So the log is read again. Were the job done again, it would be paid again; `headrace audit` names a first one.
        """
        if any(ref[2] == message.message_id for ref in head.refs) or not view.is_beyond_memory(self._now()):
            return False
        log.warning("request.beyond_memory", message_id=message.message_id, hint="see docs/operations.md")
        return True

    def _merge(self, event: LeadMerged, envelope: Envelope, view: PartitionConversations) -> list[OutRecord]:
        head = view.head(event.lead_id)
        view.put_head(event.lead_id, replace(head, merged_into=event.into_lead_id))
        return [self._records.moved(moved(event, head, view.messages(head)), envelope.traceparent)]


def _followed(
    message: MessageReceived | MessageSent, head: Head, envelope: Envelope, records: JobRecords
) -> list[OutRecord]:
    """A corrected message of a lead that was merged away goes to where its conversation went."""
    if head.merged_into is None:
        return []
    moved_on = ConversationMoved(
        receipt_id=message.receipt_id,
        workspace=message.workspace,
        lead_id=head.merged_into,
        from_lead_id=message.lead_id,
        at=message.received_at,
        messages=(capped(message),),
    )
    return [records.moved(moved_on, envelope.traceparent)]
