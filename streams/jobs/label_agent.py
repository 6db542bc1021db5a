"""The label agent: folds `enrichments` into conversations, so that a job knows what was concluded before it.

Conclusions that promise something to a lead nobody may write to any more are taken back: see `streams.jobs.promises`.
"""

from collections.abc import Iterator

import structlog

from headrace.events.codec import Codec, UndecodableEvent, UnknownEventType
from headrace.events.conversations import ConversationMoved
from headrace.events.enrichments import Enrichment
from headrace.events.envelope import EnvelopeError, read_envelope
from headrace.events.records import Record
from headrace.kafka.faust.dead_letters import dead_letter
from headrace.kafka.faust.following import Batch
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.settings import Settings
from streams.jobs.conversations import Conversations, PartitionConversations
from streams.jobs.job_records import JobRecords
from streams.jobs.labelling import Labelled, LabelOf
from streams.jobs.learning import Learning
from streams.jobs.promises import speaks_of_promises

log = structlog.get_logger()

STAGE = "label"


class LabelAgent:
    """Reads `enrichments`."""

    def __init__(self, settings: Settings, outbox: Outbox, conversations: Conversations, label_of: LabelOf) -> None:
        self._settings = settings
        self._outbox = outbox
        self._conversations = conversations
        self._label_of = label_of
        self._codec = Codec()
        # A label suppresses nobody, so it cancels nothing.
        self._learning = Learning(JobRecords(settings, "/jobs/label"), lambda *_: [])

    async def process(self, batch: Batch) -> None:
        """Fold, forward what merged leads are told and what is taken back, remember."""
        out: list[OutRecord] = []
        async with self._conversations.changing() as writes:
            for (_topic, partition), records in batch.items():
                view = self._conversations.open(partition)
                for record in records:
                    self._fold_or_set_aside(record, view, out)
            await self._outbox.send(out)
            await self._conversations.write(writes)

    def _fold_or_set_aside(self, record: Record, view: PartitionConversations, out: list[OutRecord]) -> None:
        try:
            envelope = read_envelope(record.headers)
            event = self._codec.decode(envelope.type, record.value or b"")
            labelled = self._label_of(event)
        except (EnvelopeError, UnknownEventType, UndecodableEvent) as error:
            log.error("label.dead_letter", offset=record.offset, error_class=type(error).__name__)
            out.append(dead_letter(self._settings, record, STAGE, error))
            return
        out.extend(self._folded(event, labelled, record.partition, view, envelope.traceparent))

    def _folded(
        self, event: object, labelled: Labelled | None, partition: int, view: PartitionConversations, traceparent: str
    ) -> Iterator[OutRecord]:
        if labelled is not None:
            yield from self._learning.learn(partition, view, _news(labelled), traceparent)
        if isinstance(event, Enrichment) and speaks_of_promises(event):
            yield from self._learning.conclude(view, event, traceparent)


def _news(labelled: Labelled) -> ConversationMoved:
    """What the lead learns by it."""
    return ConversationMoved(
        receipt_id=labelled.receipt_id,
        workspace=labelled.workspace,
        lead_id=labelled.lead_id,
        from_lead_id=labelled.lead_id,
        at=labelled.label_at,
        label=labelled.label,
        label_at=labelled.label_at,
        label_message_id=labelled.message_id,
    )
