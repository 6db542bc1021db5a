"""What analysts see of conclusions: the newest message decides, a step done again replaces itself, drafts end."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row

from headrace.events.ai import AiCalled
from headrace.events.enrichments import (
    AiUse,
    BookingDeclined,
    DraftCreated,
    DraftRejected,
    FollowUpScheduled,
    LeadScored,
    LeadStateChanged,
    MessageClassified,
    ReplyDecided,
    StepSkipped,
    TimeZone,
)
from headrace.events.ids import derived_id
from projections.connection import connector
from projections.writing.writer import ProjectionWriter
from tests.agreement import disagreements

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EventLog = Any
Project = Callable[..., Awaitable[None]]
Query = Callable[[str], Awaitable[list[dict[str, Any]]]]
LeadOf = Callable[[str], str]
About = Callable[..., dict[str, Any]]


@pytest.fixture
async def project(database_url: str, events: EventLog) -> AsyncIterator[Project]:
    writer = ProjectionWriter(connector(database_url))

    async def write(*made: object, topic: str = "enrichments") -> None:
        await writer.write({(topic, 0): [events.record(topic, 0, event) for event in made]})

    yield write
    await writer.close()


@pytest.fixture
async def query(database_url: str) -> AsyncIterator[Query]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True, row_factory=dict_row) as connection:

        async def rows(statement: str) -> list[dict[str, Any]]:
            return await (await connection.execute(statement)).fetchall()

        yield rows


@pytest.fixture
def about(lead_of: LeadOf) -> About:
    """The shared fields of a conclusion about message `number` of a lead."""

    def fields(step: str, number: int, lead: str = "a") -> dict[str, Any]:
        return {
            "workspace": "acme",
            "lead_id": lead_of(lead),
            "message_id": derived_id("message", str(number)),
            "job_id": derived_id("job", str(number)),
            "job_type": "SMARTLEAD_INBOUND_POST_PROCESS",
            "step": step,
            "receipt_id": derived_id("receipt", str(number)),
            "at": START + timedelta(hours=1),
            "sent_at": START + timedelta(minutes=number),
            "received_at": START + timedelta(minutes=number, seconds=1),
            "ai": AiUse(
                provider="openai", model="gpt-5-mini", prompt_key="draft", prompt_version=1, prompt_sha256="ab"
            ),
        }

    return fields


def label(about: About, number: int, name: Any, **fields: Any) -> MessageClassified:
    return MessageClassified(**about("classify", number), label=name, confidence=0.9, **fields)


def state(about: About, number: int, status: Any, name: Any, *, automated: bool = False) -> LeadStateChanged:
    return LeadStateChanged(
        **about("lead_state", number), status=status, label=name, is_automated=automated, open_work="pause"
    )


def draft(about: About, number: int, body: str = "Glad to hear it.") -> DraftCreated:
    return DraftCreated(**about("draft", number), draft_id=derived_id("draft", str(number)), channel="email", body=body)


def follow_up(about: About, number: int) -> FollowUpScheduled:
    return FollowUpScheduled(
        **about("follow_up_timing", number),
        kind="recontact",
        due_at=START + timedelta(days=30),
        timezone=TimeZone(name="America/Chicago", evidence="phone"),
        day=date(2026, 4, 1),
        precision="day",
        confidence=0.99,
    )


async def test_one_message_with_all_that_was_concluded(
    project: Project, query: Query, events: EventLog, about: About
) -> None:
    await project(events.lead("a", 0, ("a@x.io",)), events.message("a", 1), topic="messages")
    draft_id = derived_id("draft", "1")
    await project(
        label(about, 1, "Follow Up", contains_phone="+13125550148"),
        follow_up(about, 1),
        BookingDeclined(**about("booking_decision", 1), reason="auto_booking_off", process="none"),
        draft(about, 1),
        ReplyDecided(
            **about("decide_reply", 1),
            draft_id=draft_id,
            channel="email",
            decision="needs_review",
            reasons=("below_threshold", "tone"),
            confidence=0.5,
            threshold=0.9,
            response_mode="AI_AUTO_SEND",
        ),
        LeadScored(
            **about("score", 1) | {"job_id": derived_id("job", "s")}, fit=3, intent=2, overall=2, reasoning="Later."
        ),
    )
    (row,) = await query("SELECT * FROM analytics.conversations")
    assert (row["label"], row["label_confidence"], row["contains_phone"]) == ("Follow Up", 0.9, "+13125550148")
    assert (row["follow_up_kind"], row["follow_up_timezone_evidence"]) == ("recontact", "phone")
    assert row["follow_up_state"] == "open"
    assert (row["is_booking_proposed"], row["booking_decline_reason"]) == (False, "auto_booking_off")
    assert (row["draft"], row["draft_state"]) == ("Glad to hear it.", "open")
    assert (row["decision"], row["decision_reasons"]) == ("needs_review", ["below_threshold", "tone"])
    assert (row["fit"], row["intent"], row["overall"]) == (3, 2, 2)
    steps = await query("SELECT step, outcome, event_type, details FROM analytics.enrichments ORDER BY step")
    assert [step["step"] for step in steps] == [
        "booking_decision",
        "classify",
        "decide_reply",
        "draft",
        "follow_up_timing",
        "score",
    ]
    assert {step["outcome"] for step in steps} == {"done"}
    assert steps[0]["details"] == {"reason": "auto_booking_off", "process": "none"}
    assert "Glad" not in str(steps)


@pytest.mark.parametrize("seed", range(3))
async def test_the_newest_message_decides_in_whatever_order_they_were_processed(
    project: Project, query: Query, about: About, seed: int
) -> None:
    states = [
        state(about, 1, "qualified", "Interested"),
        state(about, 2, "not-interested", "Not Interested"),
        state(about, 3, "meeting-requested", "Meeting Requested"),
        state(about, 4, "new", "Out of Office", automated=True),
    ]
    random.Random(seed).shuffle(states)  # noqa: S311
    for one in states:
        await project(one)
    (row,) = await query("SELECT * FROM analytics.lead_states")
    assert (row["status"], row["label"], row["is_positive"]) == ("meeting-requested", "Meeting Requested", True)


async def test_a_suppression_outlasts_every_message_and_cancels_drafts_and_follow_ups(
    project: Project, query: Query, events: EventLog, about: About
) -> None:
    await project(events.message("a", 1), events.suppression("a", 2), topic="messages")
    await project(draft(about, 1), state(about, 1, "new", "Neutral"), state(about, 9, "qualified", "Interested"))
    await project(follow_up(about, 1))
    (row,) = await query("SELECT * FROM analytics.lead_states")
    assert (row["status"], row["label"], row["is_suppressed"]) == ("blacklisted", "Interested", True)
    (message,) = await query("SELECT draft_state, follow_up_state FROM analytics.conversations")
    assert (message["draft_state"], message["follow_up_state"]) == ("cancelled", "cancelled")


@pytest.mark.parametrize("chain", [[("b", "a")], [("c", "b"), ("b", "a")]])
async def test_what_any_lead_of_a_person_hears_ends_the_drafts_of_all(
    project: Project, query: Query, events: EventLog, about: About, database_url: str, chain: list[tuple[str, str]]
) -> None:
    merges = [events.merge(*pair) for pair in chain]
    youngest, survivor = chain[0][0], chain[-1][1]
    await project(
        *(events.lead(name, 0, (f"{name}@x.io",)) for name in "abc"),
        *merges,
        events.message(survivor, 5),
        topic="messages",
    )
    sent = ReplyDecided(
        **about("decide_reply", 5, survivor),
        draft_id=derived_id("draft", "5"),
        channel="email",
        decision="send_at",
        send_at=START + timedelta(hours=2),
        threshold=0.9,
        response_mode="AI_AUTO_SEND",
    )
    written = DraftCreated(
        **about("draft", 5, survivor), draft_id=derived_id("draft", "5"), channel="email", body="Glad to hear it."
    )
    await project(written, sent)
    statement = "SELECT draft_state, decision, send_at, decision_reasons FROM analytics.conversations ORDER BY sent_at"
    assert (await query(statement))[0]["draft_state"] == "open"
    await project(events.message(youngest, 6), topic="messages")
    assert (await query(statement))[0]["draft_state"] == "superseded"
    await project(events.suppression(youngest, 7), topic="messages")
    assert (await query(statement))[0] == {
        "draft_state": "cancelled",
        "decision": "blocked",
        "send_at": None,
        "decision_reasons": ["suppressed"],
    }
    assert disagreements(database_url) == []


@pytest.mark.parametrize("came_in_for", ["a", "b"])
async def test_a_message_that_a_split_gave_away_supersedes_the_drafts_of_its_new_lead_alone(
    project: Project, query: Query, events: EventLog, about: About, database_url: str, came_in_for: str
) -> None:
    await project(
        *(events.lead(name, 0, (f"{name}@x.io",)) for name in ("a", "b", "new")),
        events.merge("b", "a"),
        events.message("a", 1),
        events.message("new", 2),
        events.message(came_in_for, 3),
        topic="messages",
    )
    theirs = msgspec.structs.replace(draft(about, 2), lead_id=about("draft", 2, "new")["lead_id"])
    await project(draft(about, 1), theirs)
    statement = "SELECT draft_state FROM analytics.conversations WHERE draft_id IS NOT NULL ORDER BY sent_at"
    assert [row["draft_state"] for row in await query(statement)] == ["superseded", "open"]
    await project(events.split("a", "new"), events.move(came_in_for, 3, "new"), topic="messages")
    assert [row["draft_state"] for row in await query(statement)] == ["open", "superseded"]
    assert disagreements(database_url) == []


async def test_what_went_out_before_the_opt_out_stays_as_it_was_decided(
    project: Project, query: Query, events: EventLog, about: About, database_url: str
) -> None:
    await project(events.lead("a", 0, ("a@x.io",)), events.message("a", 1), topic="messages")
    decided = ReplyDecided(
        **about("decide_reply", 1),
        draft_id=derived_id("draft", "1"),
        channel="email",
        decision="send_at",
        send_at=START + timedelta(minutes=2),
        threshold=0.9,
        response_mode="AI_AUTO_SEND",
    )
    await project(draft(about, 1), decided)
    await project(events.suppression("a", 30), topic="messages")
    (row,) = await query("SELECT draft_state, decision, send_at FROM analytics.conversations")
    assert row == {"draft_state": "cancelled", "decision": "send_at", "send_at": START + timedelta(minutes=2)}
    assert disagreements(database_url) == []


async def test_what_was_to_go_out_does_not_once_the_lead_wrote_again(
    project: Project, query: Query, events: EventLog, about: About, database_url: str
) -> None:
    await project(events.lead("a", 0, ("a@x.io",)), events.message("a", 1), topic="messages")
    decided = ReplyDecided(
        **about("decide_reply", 1),
        draft_id=derived_id("draft", "1"),
        channel="email",
        decision="send_at",
        send_at=START + timedelta(hours=1),
        threshold=0.9,
        response_mode="AI_AUTO_SEND",
    )
    await project(draft(about, 1), decided)
    statement = "SELECT draft_state, decision, decision_reasons FROM analytics.conversations WHERE draft_id IS NOT NULL"
    assert [tuple(row.values()) for row in await query(statement)] == [("open", "send_at", [])]
    await project(events.message("a", 2), topic="messages")
    assert [tuple(row.values()) for row in await query(statement)] == [("superseded", "blocked", ["superseded"])]
    assert await query("SELECT send_at FROM analytics.conversations WHERE send_at IS NOT NULL") == []
    assert disagreements(database_url) == []


async def test_the_check_of_agreement_finds_what_it_is_for(
    project: Project, query: Query, events: EventLog, about: About, database_url: str
) -> None:
    await project(events.message("a", 1), topic="messages")
    await project(draft(about, 1))
    assert [row["disagreement"] for row in disagreements(database_url)] == ["message of a lead nobody knows"]
    await project(events.lead("a", 0, ("a@x.io",)), topic="messages")
    assert disagreements(database_url) == []


async def test_a_follow_up_pauses_when_the_lead_writes_again(
    project: Project, query: Query, events: EventLog, about: About
) -> None:
    await project(events.message("a", 1), events.message("a", 2), topic="messages")
    await project(follow_up(about, 1))
    rows = await query("SELECT follow_up_state FROM analytics.conversations ORDER BY sent_at")
    assert [row["follow_up_state"] for row in rows] == ["paused", None]


async def test_a_merge_leaves_one_state_and_its_suppression(
    project: Project, query: Query, events: EventLog, about: About, lead_of: LeadOf
) -> None:
    merged, suppressed = events.merge("b", "a"), events.suppression("b", 1)
    await project(
        events.lead("a", 0, ("a@x.io",)), events.lead("b", 0, ("b@x.io",)), merged, suppressed, topic="messages"
    )
    newer = LeadStateChanged(**about("lead_state", 5, "b"), status="qualified", label="Interested", open_work="pause")
    await project(newer, state(about, 1, "new", "Neutral"))
    (row,) = await query("SELECT * FROM analytics.lead_states")
    assert (str(row["lead_id"]), row["label"], row["status"]) == (lead_of("a"), "Interested", "blacklisted")


async def test_a_draft_is_superseded_by_what_the_lead_writes_next(
    project: Project, query: Query, events: EventLog, about: About
) -> None:
    await project(events.message("a", 1), events.message("a", 2), topic="messages")
    rejected = DraftRejected(
        **about("draft", 2),
        draft_id=derived_id("draft", "2"),
        channel="email",
        failed_checks=("unknown_price",),
        attempts=2,
    )
    await project(draft(about, 1), rejected)
    rows = await query("SELECT draft_state, draft, draft_failed_checks FROM analytics.conversations ORDER BY sent_at")
    assert [row["draft_state"] for row in rows] == ["superseded", "rejected"]
    assert (rows[1]["draft"], rows[1]["draft_failed_checks"]) == (None, ["unknown_price"])


async def test_a_step_done_again_replaces_what_it_said_and_may_unsay_it(
    project: Project, query: Query, events: EventLog, about: About
) -> None:
    await project(events.message("a", 1), topic="messages")
    await project(draft(about, 1), draft(about, 1, "Better."))
    (row,) = await query("SELECT draft FROM analytics.conversations")
    assert row["draft"] == "Better."
    await project(StepSkipped(**about("draft", 1), reason="label_gets_no_draft"))
    (row,) = await query("SELECT draft_id, draft FROM analytics.conversations")
    assert row == {"draft_id": None, "draft": None}
    (step,) = await query("SELECT outcome, skip_reason FROM analytics.enrichments")
    assert step == {"outcome": "skipped", "skip_reason": "label_gets_no_draft"}


async def test_sentiment_by_day(project: Project, query: Query, events: EventLog, about: About) -> None:
    await project(*(events.message("a", number) for number in range(4)), topic="messages")
    await project(
        *(label(about, number, "Interested") for number in range(3)), label(about, 3, "Blacklist", opt_out=True)
    )
    rows = await query("SELECT label, n, share, opt_out_count FROM analytics.sentiment_daily ORDER BY n DESC")
    assert [(row["label"], row["n"], float(row["share"]), row["opt_out_count"]) for row in rows] == [
        ("Interested", 3, 0.75, 0),
        ("Blacklist", 1, 0.25, 1),
    ]


async def test_what_the_ai_cost(project: Project, query: Query, lead_of: LeadOf) -> None:
    def call(cost: int | None, **fields: Any) -> AiCalled:
        shared: dict[str, Any] = {
            "receipt_id": derived_id("receipt", "1"),
            "workspace": "acme",
            "lead_id": lead_of("a"),
            "message_id": derived_id("message", "1"),
            "job_id": derived_id("job", "1"),
            "step": "classify",
            "attempt": 1,
            "call": 1,
            "called_at": START,
            "source": "background-job/smartlead-inbound-post-process",
            "feature": "sentiment.classify",
            "prompt_key": "classify",
            "prompt_version": 1,
            "prompt_sha256": "ab",
            "provider": "openai",
            "api": "chat_completions",
            "model": "gpt-5-mini",
            "input_tokens": 100,
            "output_tokens": 10,
            "usage_source": "reported",
            "billing": "metered",
            "price_version": "p1",
            "latency_ms": 900,
            "status": "ok",
        }
        return AiCalled(**{**shared, **fields}, cost_micro_usd=cost)

    await project(call(45), call(None, status="error", error="timeout"), call(5), topic="ai-interactions")
    (day,) = await query("SELECT * FROM analytics.ai_cost_daily")
    assert (day["n"], day["failed_count"], day["cost_micro_usd"], day["unknown_cost_count"]) == (3, 1, 50, 1)
    assert (str(day["cost_usd"]), day["source_kind"]) == ("0.000050", "background-job")
    calls = await query("SELECT total_tokens, cost_usd, error FROM analytics.ai_interactions WHERE status = 'error'")
    assert calls == [{"total_tokens": 110, "cost_usd": None, "error": "timeout"}]
