"""What follows when a lead learns something: relatives are told, and a suppression ends what is open for the lead."""

from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec.structs import replace

from headrace.events.conversations import ConversationMoved
from headrace.events.enrichments import Enrichment
from headrace.events.jobs import JobCancelled
from headrace.events.messages import LeadMerged, LeadSuppressed
from headrace.kafka.faust.outbox import OutRecord
from streams.jobs.conversation import Head
from streams.jobs.conversations import PartitionConversations
from streams.jobs.job_records import JobRecords
from streams.jobs.promises import split_by_suppression, with_conclusion, withdrawal
from streams.jobs.relatives import learn, merge

#: The events that end those open jobs of a suppressed lead (by partition and lead id) that make no sense any more.
Cancellations = Callable[[int, str, datetime], list[JobCancelled]]


class Learning:
    """For agents that change leads: folds into a view of a partition, and returns the records to be written for it."""

    def __init__(self, records: JobRecords, cancellations: Cancellations) -> None:
        self._records = records
        self._cancellations = cancellations

    def learn(
        self, partition: int, view: PartitionConversations, told: ConversationMoved, traceparent: str
    ) -> Iterator[OutRecord]:
        """A lead is told something."""
        may_suppress = told.suppressed_at is not None or told.split is not None
        before = view.head(told.lead_id) if may_suppress else None
        for event in learn(view, told):
            yield self._records.moved(event, traceparent)
        if before is not None:
            for suppression in passed_on(before, view, told):
                yield self._records.suppressed(suppression, traceparent)
        if told.suppressed_at is not None:
            for cancel in self._cancellations(partition, told.lead_id, told.at):
                yield self._records.job(cancel, traceparent)
            head = view.head(told.lead_id)
            yield from self._withdrawn(view, told.lead_id, head, head, traceparent)

    def merge(self, view: PartitionConversations, event: LeadMerged, traceparent: str) -> Iterator[OutRecord]:
        """A lead lives on as another one."""
        for told in merge(view, event):
            yield self._records.moved(told, traceparent)

    def conclude(self, view: PartitionConversations, event: Enrichment, traceparent: str) -> Iterator[OutRecord]:
        """A job concluded something that may promise something."""
        before = view.head(event.lead_id)
        after = replace(before, promises=with_conclusion(before.promises, event))
        yield from self._withdrawn(view, event.lead_id, before, after, traceparent)

    def _withdrawn(
        self, view: PartitionConversations, lead_id: str, before: Head, after: Head, traceparent: str
    ) -> Iterator[OutRecord]:
        """Remember the promises that stand; take back the others."""
        standing, broken = split_by_suppression(after.promises, after.suppressed_at)
        if standing != before.promises:
            view.put_head(lead_id, replace(after, promises=standing))
        for promise in broken:
            if after.suppressed_at is not None:
                yield self._records.withdrawn(withdrawal(promise, after.suppressed_at), traceparent)


def passed_on(before: Head, view: PartitionConversations, told: ConversationMoved) -> Iterator[LeadSuppressed]:
    """The suppressions of leads that were taken out of this one, for what was said while they were one.

    Nobody knows which of the two it was meant for.
    """
    after = view.head(told.lead_id)
    reason, at = after.suppressed_reason, after.suppressed_at
    if reason is None or at is None:
        return
    for new_lead_id, split_at in after.splits:
        is_new = (new_lead_id, split_at) not in before.splits
        is_late = at != before.suppressed_at and at <= split_at
        if (is_new or is_late) and _was_split(view, told.lead_id, new_lead_id):
            yield LeadSuppressed(
                receipt_id=told.receipt_id,
                workspace=told.workspace,
                lead_id=new_lead_id,
                provider="headrace",
                reason=reason,
                occurred_at=at,
                # A merge may be older than what it tells of.
                received_at=max(told.at, at),
                provider_event="lead split",
                detail=f"inherited from {told.lead_id}",
            )


def _was_split(view: PartitionConversations, lead_id: str, new_lead_id: str) -> bool:
    """False for its relatives: they tell it what they hear, so one of them is enough."""
    split = view.split(lead_id, new_lead_id)
    return split is not None and split.lead_id == lead_id
