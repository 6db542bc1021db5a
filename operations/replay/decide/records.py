"""The records that put a decision right: conclusions in place of the recorded ones, then the job's new life as one."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from headrace.events.codec import Codec
from headrace.events.envelope import Envelope
from headrace.events.ids import event_id
from headrace.events.jobs import JobRedecided, RedecidedStep
from headrace.events.topics import ENRICHMENTS, JOBS, MESSAGES, Topic
from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings
from operations.replay.decide.deciding import DecidedJob, DecidedStep

SOURCE = "/replay/decide"


class Redecisions:
    """Builds the records of one run. A run that goes on builds the same ones."""

    def __init__(self, settings: Settings, run_id: str, decided_by: str, at: datetime) -> None:
        """`at` is when the run began."""
        self._settings = settings
        self._run_id = run_id
        self._decided_by = decided_by
        self._at = at
        self._codec = Codec()

    def conclusions(self, job: DecidedJob) -> Iterator[OutRecord]:
        """What is to be acknowledged before the end: an end tells that the conclusions are all there."""
        for step in job.steps:
            if step.conclusion is not None and self._is_due(step, job):
                yield self._record(ENRICHMENTS, job, step.conclusion, step.at, step.step)
        for number, suppression in enumerate(job.suppressions):
            yield self._record(MESSAGES, job, suppression, _heard_at(job), "suppression", str(number))

    def end(self, job: DecidedJob) -> OutRecord:
        """The whole life of the job."""
        request = job.job.request
        event = JobRedecided(
            job_id=request.job_id,
            workspace=request.workspace,
            lead_id=request.lead_id,
            type=request.type,
            message_id=request.message_id,
            receipt_id=request.receipt_id,
            generation=job.job.life.generation + 1,
            at=self._at,
            run_id=self._run_id,
            decided_by=self._decided_by,
            steps=tuple(_lived(step) for step in job.steps),
        )
        return self._record(JOBS, job, event, self._at)

    def _is_due(self, step: DecidedStep, job: DecidedJob) -> bool:
        life = job.job.life
        known = life.conclusions.get(step.step)
        return bool(step.changes) or (
            known is not None and known.correction != "" and known.correction not in life.replays
        )

    def _record(self, topic: Topic, job: DecidedJob, event: Any, time: datetime, *parts: str) -> OutRecord:
        request, type_ = job.job.request, self._codec.type_of(event)
        envelope = Envelope(
            id=event_id(type_, request.job_id, str(job.job.life.generation + 1), self._run_id, *parts),
            type=type_,
            source=SOURCE,
            time=time,
            subject=request.lead_id,
            receipt_id=request.receipt_id,
            workspace=request.workspace,
            correction=self._run_id,
        )
        key = request.lead_id.encode()
        partition = key_partition(key, self._settings.partitions)
        return OutRecord(self._settings.topic(topic), partition, key, self._codec.encode(event), envelope.headers())


def _heard_at(job: DecidedJob) -> datetime:
    return next(step.at for step in job.steps if step.suppressions)


def _lived(step: DecidedStep) -> RedecidedStep:
    return RedecidedStep(
        step=step.step,
        result=step.outcome.result,
        skipped=step.outcome.skipped,
        ends_job=step.outcome.ends_job,
        answers=step.answers,
    )
