"""Job events, and what steps emit, as Kafka records: envelope, key and partition."""

import hashlib
from datetime import datetime
from typing import Any

from headrace.events.ai import AiCalled
from headrace.events.codec import Codec
from headrace.events.conversations import ConversationMoved
from headrace.events.enrichments import Enrichment
from headrace.events.envelope import Envelope, format_time
from headrace.events.ids import event_id
from headrace.events.jobs import AnyJobEvent, JobRequested
from headrace.events.messages import LeadSuppressed
from headrace.events.topics import AI_INTERACTIONS, ENRICHMENTS, JOBS, MESSAGES, Topic
from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings
from streams.jobs.step import Emitted

#: Where a step may write.
STEP_TOPICS = {topic.name: topic for topic in (ENRICHMENTS, MESSAGES)}


class JobRecords:
    """Builds the records of one producer, whose URI reference is `source`."""

    def __init__(self, settings: Settings, source: str) -> None:
        self._settings = settings
        self._codec = Codec()
        self._source = source

    def job(self, event: AnyJobEvent, traceparent: str = "") -> OutRecord:
        """An event of a job. A request is told apart by its generation alone, so that a repeat has the same id."""
        parts = [event.job_id, str(event.generation)]
        if not isinstance(event, JobRequested):
            parts += [format_time(event.at), getattr(event, "step", "")]
        return self._record(JOBS, event, event, parts, event.at, traceparent)

    def moved(self, event: ConversationMoved, traceparent: str) -> OutRecord:
        """What a lead knows, on its way to another one. Told apart by what is told: one cause may take several."""
        told = hashlib.sha256(self._codec.encode(event)).hexdigest()
        return self._record(JOBS, event, event, [event.lead_id, event.from_lead_id, told], event.at, traceparent)

    def withdrawn(self, event: Enrichment, traceparent: str) -> OutRecord:
        """A conclusion that takes back what its step had concluded."""
        parts = [event.job_id, event.step, "withdrawn", format_time(event.at)]
        return self._record(ENRICHMENTS, event, event, parts, event.at, traceparent)

    def suppressed(self, event: LeadSuppressed, traceparent: str) -> OutRecord:
        """A suppression that a split passes on."""
        parts = [event.lead_id, event.reason, format_time(event.occurred_at)]
        return self._record(MESSAGES, event, event, parts, event.received_at, traceparent)

    def emitted(self, emitted: Emitted, request: JobRequested, place: list[str], at: datetime, trace: str) -> OutRecord:
        """What a step emits. `place` tells it apart from all else the job emits. KeyError for a forbidden topic."""
        parts = [request.job_id, request.lead_id, str(request.generation), *place]
        return self._record(STEP_TOPICS[emitted.topic], emitted.event, request, parts, at, trace)

    def called(self, call: AiCalled, request: JobRequested, at: datetime, trace: str) -> OutRecord:
        """A call of a model. Each is one of its own, also when the next attempt asks the same again.

        The lead is part of its id: were one job ever run for two leads, each call would still be charged by itself.
        """
        place = [call.step, "call", str(call.call), str(call.attempt)]
        parts = [request.job_id, request.lead_id, str(request.generation), *place]
        return self._record(AI_INTERACTIONS, call, request, parts, at, trace)

    def _record(
        self,
        topic: Topic,
        event: Any,
        about: AnyJobEvent | ConversationMoved | LeadSuppressed | Enrichment,
        parts: list[str],
        at: datetime,
        traceparent: str,
    ) -> OutRecord:
        type_ = self._codec.type_of(event)
        envelope = Envelope(
            id=event_id(type_, *parts),
            type=type_,
            source=self._source,
            time=at,
            subject=about.lead_id,
            receipt_id=about.receipt_id,
            workspace=about.workspace,
            traceparent=traceparent,
        )
        key = about.lead_id.encode()
        partition = key_partition(key, self._settings.partitions)
        return OutRecord(self._settings.topic(topic), partition, key, self._codec.encode(event), envelope.headers())
