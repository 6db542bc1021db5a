"""Texts that are read for ever stop nobody: other leads are answered while they stand, and a person gets them."""

import sys
from pathlib import Path
from typing import Any

from headrace.events.enrichments import DraftCreated, MessageClassified, ReplyDecided, StepSkipped
from headrace.events.jobs import JobEvent, JobRetryScheduled, JobSucceeded
from headrace.events.topics import ENRICHMENTS
from tests.integration.streams.jobs.hostile_reading import MARK

Jobs = Any
PROGRAM = Path(__file__).with_name("stalled_program.py")
HOSTILE, OTHERS = range(10), range(10, 16)


async def test_ten_hostile_texts_stop_nobody_and_are_put_before_a_person(jobs: Jobs) -> None:
    await jobs.apply("hostile", "acme", mode="AI_AUTO_SEND")
    await jobs.receive(jobs.message(number, f"{MARK} {number}", workspace="hostile") for number in HOSTILE)
    await jobs.receive(jobs.message(number, "Sounds good, tell me more") for number in OTHERS)
    with jobs.program(sys.executable, str(PROGRAM), HEADRACE_READING_SECONDS="0.5"):
        events: dict[str, list[JobEvent]] = await jobs.until_ended(2 * len([*HOSTILE, *OTHERS]), deadline=150)
    assert all(isinstance(job[-1], JobSucceeded) for job in events.values())
    assert last_end(events, "acme") < last_end(events, "hostile"), "the others did not wait for them"
    put_off = {event.reason for job in events.values() for event in job if isinstance(event, JobRetryScheduled)}
    assert put_off <= {"label not known yet"}, "no attempt was lost"
    check_a_person_gets_them(await jobs.read(ENRICHMENTS))


def last_end(events: dict[str, list[JobEvent]], workspace: str) -> Any:
    return max(job[-1].at for job in events.values() if job[-1].workspace == workspace)


def check_a_person_gets_them(conclusions: list[Any]) -> None:
    hostile = [one for one in conclusions if one.workspace == "hostile"]
    labelled = [one for one in hostile if isinstance(one, MessageClassified)]
    assert len(labelled) == len(HOSTILE)
    assert {(one.rule, one.needs_review, one.opt_out) for one in labelled} == {("unreadable", True, False)}
    assert not [one for one in hostile if isinstance(one, DraftCreated | ReplyDecided)], "nothing is answered by itself"
    scoring = [one for one in hostile if one.step == "score"]
    assert [(type(one), one.reason) for one in scoring] == [(StepSkipped, "unreadable")] * len(HOSTILE)
    others = {one.label for one in conclusions if isinstance(one, MessageClassified) and one.workspace == "acme"}
    assert "Neutral" not in others
