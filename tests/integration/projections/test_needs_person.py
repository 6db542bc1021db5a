"""Who waits for a person: one reason a message, whatever topic's rows came first, and nobody who is answered."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from headrace.events.enrichments import PersonNeeded, ReplyDecided, StepSkipped
from headrace.events.ids import derived_id
from headrace.events.jobs import (
    JobCancelled,
    JobDied,
    JobPaused,
    JobRequested,
    JobResumed,
    JobRetryScheduled,
    JobStarted,
    JobSucceeded,
)
from headrace.events.messages import LeadSuppressed
from headrace.events.needs_person import NEEDS, Reason
from projections import analytics
from projections.connection import connector
from projections.writing.writer import ProjectionWriter

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
#: When the job was asked for, and when something became of it.
ASKED, LATER = START + timedelta(hours=1), START + timedelta(hours=2)
SEND: dict[str, Any] = {
    "draft_id": derived_id("draft", "1"),
    "channel": "email",
    "threshold": 0.9,
    "response_mode": "AI_AUTO_SEND",
}
EventLog = Any
Story = Mapping[str, Sequence[object]]
TellStory = Callable[..., Awaitable[list[dict[str, Any]]]]
TOPICS = ("messages", "jobs", "enrichments")


@pytest.fixture
def needing(database_url: str, events: EventLog) -> TellStory:
    """Writes a story, topic by topic in the order given, and says who needs a person then."""

    async def told(story: Story, order: Sequence[str] = TOPICS) -> list[dict[str, Any]]:
        writer = ProjectionWriter(connector(database_url))
        for topic in order:
            await writer.write({(topic, 0): [events.record(topic, 0, event) for event in story.get(topic, [])]})
        await writer.close()
        async with await psycopg.AsyncConnection.connect(database_url, row_factory=dict_row) as connection:
            statement = "SELECT * FROM analytics.needs_person ORDER BY waiting_since_at, message_id"
            return await (await connection.execute(statement)).fetchall()

    return told


@pytest.fixture
def about(lead_of: Callable[[str], str]) -> dict[str, Any]:
    """The shared fields of a job's events."""
    return {
        "job_id": derived_id("job", "1"),
        "workspace": "acme",
        "lead_id": lead_of("a"),
        "type": "SMARTLEAD_INBOUND_POST_PROCESS",
        "message_id": derived_id("message", "1"),
        "receipt_id": derived_id("receipt", "1"),
        "at": LATER,
    }


@pytest.fixture
def concluded(about: dict[str, Any]) -> Callable[[str], dict[str, Any]]:
    """The shared fields of a step's conclusion."""
    shared = {name: value for name, value in about.items() if name != "type"}
    times = {"sent_at": START + timedelta(minutes=1), "received_at": START + timedelta(minutes=1, seconds=1)}
    return lambda step: {**shared, **times, "job_type": about["type"], "step": step}


def asked(about: dict[str, Any], generation: int = 1) -> JobRequested:
    return JobRequested(**about | {"at": ASKED}, due_at=ASKED, generation=generation)


def put_off(about: dict[str, Any], error_class: Any) -> JobRetryScheduled:
    return JobRetryScheduled(
        **about, attempt=0, due_at=LATER, step="classify", error_class=error_class, reason="why", spends_attempt=False
    )


def died(about: dict[str, Any], generation: int = 1) -> JobDied:
    return JobDied(**about, generation=generation, attempt=5, step="draft", error_class="transient", reason="timeout")


def paused(about: dict[str, Any]) -> JobPaused:
    return JobPaused(**about, paused_by="mara")


#: What became of the job → why a person is needed; None: not, or not yet.
STANDINGS: dict[str, tuple[Callable[[dict[str, Any]], list[object]], Reason | None]] = {
    "waits": (lambda _: [], None),
    "runs": (lambda job: [JobStarted(**job, attempt=1, worker="w")], None),
    "will be retried": (lambda job: [put_off(job, "transient")], None),
    "succeeded": (lambda job: [JobSucceeded(**job, attempt=1, started_at=LATER)], None),
    "died": (lambda job: [died(job)], "job_died"),
    "cancelled by a person": (lambda job: [JobCancelled(**job, reason="x", cancelled_by="mara")], "job_cancelled"),
    "cancelled for a suppression": (lambda job: [JobCancelled(**job, reason="lead suppressed")], None),
    "paused": (lambda job: [paused(job)], "job_paused"),
    "goes on": (lambda job: [paused(job), JobResumed(**job, resumed_by="mara")], None),
    "paused, then died": (lambda job: [paused(job), died(job)], "job_died"),
    "over budget": (lambda job: [put_off(job, "over_budget")], "over_budget"),
    "over budget and paused": (lambda job: [put_off(job, "over_budget"), paused(job)], "job_paused"),
    "AI away": (lambda job: [put_off(job, "dependency_down")], "ai_unavailable"),
    "AI back": (lambda job: [put_off(job, "dependency_down"), JobStarted(**job, attempt=1, worker="w")], None),
    "asked for again": (lambda job: [died(job), asked(job, 2)], None),
    "died twice": (lambda job: [died(job), asked(job, 2), died(job, 2)], "job_died"),
}


@pytest.mark.parametrize(("became", "reason"), STANDINGS.values(), ids=STANDINGS.keys())
async def test_how_a_job_stands_says_who_needs_a_person(
    needing: TellStory, events: EventLog, about: dict[str, Any], became: Any, reason: Reason | None
) -> None:
    rows = await needing({"messages": [events.message("a", 1)], "jobs": [asked(about), *became(about)]})
    assert [row["reason"] for row in rows] == ([] if reason is None else [reason])


@pytest.mark.parametrize("order", list(permutations(TOPICS)), ids=" ".join)
async def test_a_step_tells_it_in_whatever_order_topics_are_read(
    needing: TellStory, events: EventLog, about: dict[str, Any], concluded: Any, order: tuple[str, ...]
) -> None:
    need = PersonNeeded(**concluded("classify"), reason="answer_invalid", fields=("confidence",))
    story = {
        "messages": [events.lead("a", 0, ("a@x.io",)), events.message("a", 1)],
        "jobs": [asked(about), JobSucceeded(**about, attempt=1, started_at=LATER)],
        "enrichments": [need],
    }
    (row,) = await needing(story, order)
    assert (row["reason"], row["fields"], row["waiting_since_at"]) == ("answer_invalid", ["confidence"], LATER)
    assert (row["text"], str(row["message_id"]), row["channel"]) == ("text 1", about["message_id"], "email")
    assert row["todo"] == next(need.todo for need in NEEDS if need.reason == "answer_invalid")


async def test_what_a_step_said_last_counts(needing: TellStory, events: EventLog, concluded: Any) -> None:
    told = PersonNeeded(**concluded("decide_reply"), reason="other_language")
    unsaid = StepSkipped(**concluded("decide_reply"), reason="suppressed")
    assert len(await needing({"messages": [events.message("a", 1)], "enrichments": [told]})) == 1
    assert await needing({"enrichments": [unsaid]}) == []


async def test_a_decided_draft_is_no_second_reason(
    needing: TellStory, events: EventLog, about: dict[str, Any], concluded: Any
) -> None:
    held = ReplyDecided(**concluded("decide_reply"), **SEND, decision="needs_review", reasons=("tone",))
    story: Story = {"messages": [events.message("a", 1)], "enrichments": [held]}
    assert await needing({**story, "jobs": [asked(about), asked(about, 2), died(about, 2)]}) == []


async def test_one_message_has_one_reason(
    needing: TellStory, events: EventLog, about: dict[str, Any], concluded: Any
) -> None:
    need = PersonNeeded(**concluded("decide_reply"), reason="objection")
    story = {"messages": [events.message("a", 1)], "jobs": [asked(about), died(about)], "enrichments": [need]}
    assert [row["reason"] for row in await needing(story)] == ["objection"]


async def test_who_was_answered_or_wrote_again_or_opted_out_waits_no_more(
    needing: TellStory, events: EventLog, about: dict[str, Any], lead_of: Callable[[str], str]
) -> None:
    jobs = [asked(about), died(about)]
    assert len(await needing({"messages": [events.message("a", 1)], "jobs": jobs})) == 1
    campaign = events.message("a", 2, inbound=False, source="campaign")
    machine = events.message("a", 3, is_automated=True)
    assert len(await needing({"messages": [campaign, machine]})) == 1, "neither is an answer, nor a person's word"
    assert await needing({"messages": [events.message("a", 4, inbound=False)]}) == []


async def test_a_suppression_of_the_lead_or_one_it_lives_on_as_ends_it(
    needing: TellStory, events: EventLog, about: dict[str, Any], lead_of: Callable[[str], str]
) -> None:
    jobs = [asked(about), died(about)]
    leads = [events.lead("a", 0, ("a@x.io",)), events.lead("b", 0, ("b@x.io",))]
    merged = [*leads, events.message("a", 1), events.merge("a", "b")]
    (row,) = await needing({"messages": merged, "jobs": jobs})
    assert str(row["lead_id"]) == lead_of("b")
    suppressed = LeadSuppressed(
        receipt_id=derived_id("receipt", "9"),
        workspace="acme",
        lead_id=lead_of("b"),
        provider="smartlead",
        reason="unsubscribed",
        occurred_at=LATER,
        received_at=LATER,
        provider_event="LEAD_UNSUBSCRIBED",
    )
    assert await needing({"messages": [suppressed]}) == []


async def test_scores_need_nobody(needing: TellStory, events: EventLog, about: dict[str, Any]) -> None:
    score = about | {"type": "LEAD_SCORING_POST_PROCESS", "job_id": derived_id("job", "s")}
    assert await needing({"messages": [events.message("a", 1)], "jobs": [asked(score), died(score)]}) == []


def quoted(text: str) -> str:
    return text.replace("'", "''")


def test_the_view_says_what_is_declared() -> None:
    view = (Path(analytics.__file__).parent / "views" / "needs_person.sql").read_text(encoding="utf-8")
    listed = ",\n        ".join(f"('{need.reason}', '{quoted(need.todo)}')" for need in NEEDS)
    assert f"    VALUES\n        {listed}\n" in view
    comment = view.split("needs_person.reason IS")[1].split("\n")[0]
    assert [need.reason for need in NEEDS if need.reason not in comment] == []
