"""The label agent: folds `enrichments` into conversations, so that a job knows what was concluded before it."""

import structlog

from events.codec import Codec, UndecodableEvent, UnknownEventType
from events.conversations import ConversationMoved
from events.envelope import EnvelopeError, read_envelope
from events.records import Record
from runtime.settings import Settings
from streams.jobs.conversations import Conversations, PartitionConversations
from streams.jobs.job_records import JobRecords
from streams.jobs.labelling import Labelled, LabelOf, fold_enrichment
from workers.dead_letters import dead_letter
from workers.following import Batch
from workers.outbox import Outbox, OutRecord
from workers.partition_table import Writes

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
        self._records = JobRecords(settings, "/jobs/label")

    async def process(self, batch: Batch) -> None:
        """Fold, forward what belongs to merged leads, remember."""
        out: list[OutRecord] = []
        writes: Writes = {}
        async with self._conversations.changing:
            for (_topic, partition), records in batch.items():
                view = self._conversations.open(partition, writes)
                for record in records:
                    self._fold_or_set_aside(record, view, out)
            await self._outbox.send(out)
            await self._conversations.write(writes)

    def _fold_or_set_aside(self, record: Record, view: PartitionConversations, out: list[OutRecord]) -> None:
        try:
            envelope = read_envelope(record.headers)
            labelled = self._label_of(self._codec.decode(envelope.type, record.value or b""))
        except (EnvelopeError, UnknownEventType, UndecodableEvent) as error:
            log.error("label.dead_letter", offset=record.offset, error_class=type(error).__name__)
            out.append(dead_letter(self._settings, record, STAGE, error))
            return
        if labelled is None:
            return
        before = view.head(labelled.lead_id)
        after = fold_enrichment(before, labelled)
        if after is before:
            return
        view.put_head(labelled.lead_id, after)
        if after.merged_into is not None:
            out.append(self._records.moved(_moved(labelled, after.merged_into), envelope.traceparent))


def _moved(labelled: Labelled, into: str) -> ConversationMoved:
    """A label that came after its lead was merged away follows it."""
    return ConversationMoved(
        receipt_id=labelled.receipt_id,
        workspace=labelled.workspace,
        lead_id=into,
        from_lead_id=labelled.lead_id,
        at=labelled.label_at,
        label=labelled.label,
        label_at=labelled.label_at,
    )
