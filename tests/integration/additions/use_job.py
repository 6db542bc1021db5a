"""The toy job asked for by the end of the job before it, and each of its steps done."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from headrace.events.job_plan import SCORING, STEPS
from headrace.events.jobs import JobRequested
from headrace.events.messages import MessageReceived
from headrace.events.workspaces import JobSettings
from streams.ai.reading import read_here
from streams.jobs.context import Context, Profile
from streams.jobs.requests import job_ids, jobs_after
from streams.jobs.step import JobInput, StepOutcome
from streams.jobs.types import JOB_TYPES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MESSAGE = MessageReceived(
    receipt_id="r1",
    workspace="acme",
    provider="unipile",
    lead_id="l1",
    message_id="m1",
    conversation_id="c1",
    channel="linkedin",
    direction="inbound",
    source="direct",
    provider_event="message.received",
    provider_message_id=None,
    sent_at=NOW,
    received_at=NOW,
    text="Please remove me from your list.",
    body="Please remove me from your list.",
)


async def done(request: JobRequested) -> dict[str, StepOutcome]:
    """The outcome of each step, as a worker carries them out one after the other."""
    job = JobInput(
        job_id=request.job_id,
        type=request.type,
        attempt=1,
        generation=1,
        workspace="acme",
        lead_id="l1",
        message=MESSAGE,
        conversation=(MESSAGE,),
        lead=None,
        suppressed_reason=None,
        label=None,
        label_at=None,
    )
    profile = Profile("acme", "Acme", "UTC", JobSettings())
    asks_nobody: Any = None
    outcomes: dict[str, StepOutcome] = {}
    for step in JOB_TYPES[request.type]:
        results = {name: outcome.result for name, outcome in outcomes.items()}
        outcomes[step.name] = await step.run(Context(job, profile, results, NOW, asks_nobody, read_here))
    return outcomes


def main() -> None:
    about: dict[str, Any] = {"workspace": "acme", "lead_id": "l1", "message_id": "m1", "receipt_id": "r1"}
    scored = JobRequested(job_id="j1", type=SCORING, at=NOW, due_at=NOW, **about)
    (toy,) = jobs_after(scored, NOW)
    outcomes = asyncio.run(done(toy))
    told = {
        "type": toy.type,
        "asked for by": toy.requested_by,
        "is one of the message's": toy.job_id in job_ids(MESSAGE),
        "all steps done": tuple(outcomes) == STEPS[toy.type],
        "concluded": [type(emitted.event).__name__ for one in outcomes.values() for emitted in one.emitted],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
