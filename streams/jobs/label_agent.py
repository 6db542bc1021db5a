"""The label agent: folds `enrichments` into conversations, so that a job knows what was concluded before it.

Conclusions that promise something to a lead nobody may write to any more are taken back: see `streams.jobs.promises`.
"""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial

from headrace.events.conversations import ConversationMoved
from headrace.events.enrichments import Enrichment
from headrace.events.records import Record
from headrace.kafka.faust.keyed_agent import Derive, KeyedAgent, Turn
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.settings import Settings
from streams.jobs.conversations import Conversations, PartitionConversations
from streams.jobs.job_records import JobRecords
from streams.jobs.labelling import Labelled, LabelOf
from streams.jobs.learning import Learning
from streams.jobs.promises import speaks_of_promises


class LabelAgent(KeyedAgent):
    """Reads `enrichments`; tells merged leads, and takes promises back."""

    stage = "label"

    def __init__(self, settings: Settings, outbox: Outbox, conversations: Conversations, label_of: LabelOf) -> None:
        super().__init__(settings, outbox)
        self._conversations = conversations
        self._label_of = label_of
        # A label suppresses nobody, so it cancels nothing.
        self._learning = Learning(JobRecords(settings, "/jobs/label"), lambda *_: [])

    def turn(self) -> AbstractAsyncContextManager[Turn]:
        """See `KeyedAgent`."""
        return self._conversations.turn(self._open)

    def _open(self, partition: int, _records: list[Record]) -> Derive:
        return partial(self._folded, self._conversations.open(partition))

    def _folded(self, view: PartitionConversations, record: Record) -> Iterator[OutRecord]:
        envelope, event = self._codec.read(record)
        labelled = self._label_of(event)
        if labelled is not None:
            yield from self._learning.learn(record.partition, view, _news(labelled), envelope.traceparent)
        if isinstance(event, Enrichment) and speaks_of_promises(event):
            yield from self._learning.conclude(view, event, envelope.traceparent)


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
