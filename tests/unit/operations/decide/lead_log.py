"""A lead whose jobs ran once: told as the log tells it, and decided again."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.events.envelope import Envelope
from headrace.events.jobs import JobRedecided, JobRequested, JobStarted, JobStepFinished, JobSucceeded, RedecidedStep
from headrace.events.messages import LeadSuppressed, MessageReceived
from headrace.events.workspaces import JobSettings
from operations.replay.decide.deciding import Job, LeadDeciding
from operations.replay.decide.known import LeadStory
from operations.replay.decide.lives import Life
from streams.jobs.context import Profile
from streams.jobs.open_job import Place, milliseconds
from streams.jobs.step import Step

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PROFILE = Profile("acme", "Acme", "UTC", JobSettings())


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def envelope(correction: str = "", time: datetime = NOW, source: str = "/pipeline/resolve") -> Envelope:
    return Envelope(id="e", type="t", source=source, time=time, correction=correction)


class Lead:
    """One lead's part of the log."""

    def __init__(self) -> None:
        self.story = LeadStory()
        self.lives: dict[str, Life] = {}
        self._offset = 0

    def message(self, number: int, text: str, *, correction: str = "") -> MessageReceived:
        """A message that came `number` seconds after nine."""
        message = MessageReceived(
            receipt_id=f"r{number}",
            workspace="acme",
            provider="ghl",
            lead_id="l",
            message_id=f"m{number}",
            conversation_id="c",
            channel="sms",
            direction="inbound",
            source="direct",
            provider_event="sms",
            provider_message_id=None,
            sent_at=after(number),
            received_at=after(number),
            text=text,
            body=text,
        )
        self.story.tell(message, envelope(correction), milliseconds(after(number)))
        return message

    def suppression(self, seconds: float, *, correction: str = "") -> LeadSuppressed:
        event = LeadSuppressed(
            receipt_id="r",
            workspace="acme",
            lead_id="l",
            provider="ghl",
            reason="unsubscribed",
            occurred_at=after(seconds),
            received_at=after(seconds),
            provider_event="OPT_OUT",
        )
        self.story.tell(event, envelope(correction, after(seconds)), milliseconds(after(seconds)))
        return event

    def life(self, number: int) -> Life:
        return self.lives.setdefault(f"j{number}", Life())

    def take(self, number: int, kind: type[Any], seconds: float, **fields: Any) -> None:
        """An event of the job of a message."""
        self._offset += 1
        event = kind(**_about(number), **({"generation": 1} | fields), at=after(seconds))
        self.life(number).take(event, Place(0, self._offset, milliseconds(after(seconds))))

    def ran(self, number: int, seconds: float, results: Mapping[str, dict[str, Any]], **answers: Any) -> None:
        """The job ran its steps at a moment."""
        self.take(number, JobRequested, number, due_at=NOW)
        self.take(number, JobStarted, seconds, attempt=1, worker="w")
        for step, result in results.items():
            self.take(
                number, JobStepFinished, seconds, step=step, attempt=1, result=result, answers=answers.get(step, ())
            )
        self.take(number, JobSucceeded, seconds, attempt=1, started_at=after(seconds), worker="w")

    def concluded(self, number: int, seconds: float, event: Any, correction: str = "") -> None:
        self.life(number).conclude(event, envelope(correction, after(seconds)), milliseconds(after(seconds)))

    def redecided(self, number: int, run_id: str, *steps: RedecidedStep) -> None:
        self.take(number, JobRedecided, 999, generation=2, run_id=run_id, decided_by="pat", steps=steps)

    def job(self, number: int, *steps: Step) -> Job:
        life = self.life(number)
        message = self.story.message(f"m{number}")
        assert life.request is not None
        assert message is not None
        return Job(life=life, request=life.request, message=message, steps=steps)

    def deciding(self, *jobs: Job, **options: Any) -> LeadDeciding:
        return LeadDeciding(self.story, self.lives, jobs, options.pop("profile", lambda _w, _ms: PROFILE), **options)


def _about(number: int) -> dict[str, str]:
    return {
        "job_id": f"j{number}",
        "workspace": "acme",
        "lead_id": "l",
        "type": "SMS_INBOUND_POST_PROCESS",
        "message_id": f"m{number}",
        "receipt_id": f"r{number}",
    }
