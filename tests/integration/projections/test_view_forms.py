"""Views got other forms so that they scale; their rows are those of the first forms, which a migration keeps."""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import psycopg
import pytest
from psycopg.rows import dict_row

from headrace.events.enrichments import (
    BookingDeclined,
    Decision,
    DraftCreated,
    DraftRejected,
    FollowUpScheduled,
    Grade,
    LeadScored,
    LeadStateChanged,
    MessageClassified,
    ReplyDecided,
    StepSkipped,
    TimeZone,
)
from headrace.events.ids import derived_id
from headrace.events.receipts import IngestLatencyMeasured, LatencyBucket
from projections import migrations
from projections.analytics import VIEWS, view_sql
from projections.connection import connector
from projections.registry import ALL_PROJECTIONS
from projections.versions import OWN_VIEWS, schemas
from projections.writing.writer import ProjectionWriter

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FIRST = Path(migrations.__file__).parent / "versions" / "0001_read_model"
PARTS = ("views_of_leads", "views_of_webhooks", "views_of_jobs", "views_of_conclusions", "views_of_ai")
NAMES = "abcdefghijkl"
MESSAGES = 90
COMPARED = ("messages", "leads", "lead_identities", "lead_states", "webhook_latency_hourly")
EventLog = Any
Rows = list[dict[str, Any]]


class Life:
    """What happens to a few people, at random: they write, merge, split, opt out, and are decided about again."""

    def __init__(self, events: EventLog, lead_of: Callable[[str], str], seed: int) -> None:
        self._events = events
        self._lead_of = lead_of
        self._chance = random.Random(seed)  # noqa: S311
        self._owners: dict[int, str] = {}

    def messages(self) -> Iterator[object]:
        chance, events = self._chance, self._events
        yield from (events.lead(name, number, (f"{name}@x.io",)) for number, name in enumerate(NAMES))
        yield from (events.lead(f"half-{name}", 0, (f"half-{name}@x.io",)) for name in "abc")
        for number in range(MESSAGES):
            self._owners[number] = name = chance.choice(NAMES)
            # Some at the same moment, and in no order.
            at = {"sent_at": START + timedelta(minutes=chance.randrange(40))}
            kind = {"inbound": chance.random() < 0.7, "is_automated": chance.random() < 0.15}
            yield events.message(name, number, **kind, **at)
        yield from (events.suppression(chance.choice(NAMES), chance.randrange(40)) for _ in range(3))
        # Chains, also one that ends in a circle.
        yield from (events.merge(*pair) for pair in ("ba", "cb", "dc", "fe", "hg", "gh", "ig"))
        for name in "abc":
            yield events.split(name, f"half-{name}")
            mine = [number for number, owner in self._owners.items() if owner == name]
            yield from (events.move(name, number, f"half-{name}") for number in chance.sample(mine, len(mine) // 3))
        yield events.merge("half-c", "e")

    def conclusions(self) -> Iterator[object]:
        for number in [*range(MESSAGES), *self._chance.sample(range(MESSAGES), 30)]:
            steps = [step for made in self._kinds(number) for step in made]
            yield from (step for step in steps if self._chance.random() < 0.8)

    def _kinds(self, number: int) -> list[list[object]]:
        chance, of = self._chance, self._about
        draft_id = derived_id("draft", str(number))
        draft: dict[str, Any] = {"draft_id": draft_id, "channel": "email"}
        decided: dict[str, Any] = {"threshold": 0.9, "response_mode": "AI_AUTO_SEND"}
        decision: Decision = chance.choice(get_args(Decision))
        send_at = START + timedelta(minutes=chance.randrange(60)) if decision == "send_at" else None
        return [
            [MessageClassified(**of("classify", number), label="Interested", confidence=0.9)],
            [
                LeadStateChanged(
                    **of("lead_state", number),
                    status=chance.choice(("new", "qualified")),
                    label="Interested",
                    is_automated=chance.random() < 0.2,
                    open_work="pause",
                )
            ],
            [
                FollowUpScheduled(
                    **of("follow_up_timing", number),
                    kind="recontact",
                    due_at=START + timedelta(days=9),
                    timezone=TimeZone(name="America/Chicago", evidence="phone"),
                    confidence=0.9,
                )
            ],
            [BookingDeclined(**of("booking_decision", number), reason="no_slots", process="none")],
            [DraftCreated(**of("draft", number), **draft, body=f"draft {chance.random()}")],
            [ReplyDecided(**of("decide_reply", number), **draft, **decided, decision=decision, send_at=send_at)],
            [
                LeadScored(
                    **of("score", number), fit=3, intent=2, overall=chance.choice(get_args(Grade)), reasoning="Because."
                )
            ],
            # What was concluded is unsaid now and then.
            [
                StepSkipped(**of(step, number), reason="suppressed")
                for step in ("lead_state", "follow_up_timing", "booking_decision", "draft", "decide_reply")
                if chance.random() < 0.1
            ],
            [
                DraftRejected(**of("draft", number), **draft, failed_checks=("too_long",), attempts=2)
                for _ in range(chance.random() < 0.1)
            ],
        ]

    def _about(self, step: str, number: int) -> dict[str, Any]:
        return {
            "workspace": "acme",
            "lead_id": self._lead_of(self._owners[number]),
            "message_id": derived_id("message", str(number)),
            "job_id": derived_id("job", step if step == "score" else "post", str(number)),
            "job_type": "SMARTLEAD_INBOUND_POST_PROCESS",
            "step": step,
            "receipt_id": derived_id("receipt", str(number)),
            "at": START + timedelta(hours=1, seconds=self._chance.randrange(10_000)),
            "sent_at": START + timedelta(minutes=number % 40),
            "received_at": START + timedelta(minutes=number, seconds=1),
        }


def latencies() -> Iterator[IngestLatencyMeasured]:
    for window in range(6):
        at = START + timedelta(minutes=25 * window)
        for process, status in (("a", 200), ("b", 503), ("b", 429)):
            buckets = tuple(LatencyBucket(1000 * 2**power, 1 + (window + power) % 3) for power in range(window + 1))
            yield IngestLatencyMeasured(
                process_id=process,
                route="/webhooks/ghl",
                status=status,
                window_start=at,
                window_end=at + timedelta(seconds=10),
                count=sum(bucket.count for bucket in buckets),
                sum_us=5_000,
                max_us=900 * 2**window,
                buckets=buckets,
            )


async def live(database_url: str, events: EventLog, life: Life) -> None:
    writer = ProjectionWriter(connector(database_url))
    for topic, made in (("messages", life.messages()), ("enrichments", life.conclusions())):
        await writer.write({(topic, 0): [events.record(topic, 0, event) for event in made]})
    await writer.write({("ingest-latency", 0): [events.record("ingest-latency", 0, one) for one in latencies()]})
    await writer.close()


def move_to_second_version(connection: psycopg.Connection[Any]) -> None:
    """The rows of `leads` are those of version 2, while all other projections stay at their first."""
    (leads,) = (one for one in ALL_PROJECTIONS if one.name == "leads")
    connection.execute("CREATE SCHEMA proj_v2")
    for table in leads.tables:
        connection.execute(f"CREATE TABLE proj_v2.{table} (LIKE proj_v1.{table} INCLUDING ALL)".encode())
        connection.execute(f"INSERT INTO proj_v2.{table} SELECT * FROM proj_v1.{table}".encode())  # noqa: S608
        connection.execute(f"TRUNCATE proj_v1.{table}".encode())
    connection.execute("UPDATE ctl.projection_versions SET version = 2 WHERE projection = 'leads'")
    of = schemas({one.name: 2 if one.name == "leads" else 1 for one in ALL_PROJECTIONS})
    for name in VIEWS:
        connection.execute(view_sql(name, of).encode())


def make_first_forms(connection: psycopg.Connection[Any], of: Mapping[str, str]) -> None:
    """The views as the first migration made them, in the schema `before`."""
    connection.execute("CREATE SCHEMA before")
    places = {**of, **dict.fromkeys(OWN_VIEWS, "before")}
    for part in PARTS:
        text = re.sub(r"^COMMENT ON .*?;$", "", (FIRST / f"{part}.sql").read_text(), flags=re.MULTILINE | re.DOTALL)
        text = text.replace("CREATE SCHEMA analytics;", "").replace("analytics.", "before.")
        text = re.sub(r"\bproj_v1\.(\w+)", lambda found: f"{places[found[1]]}.{found[1]}", text)
        connection.execute(text.encode())


def rows(connection: psycopg.Connection[Any], view: str) -> Rows:
    found = connection.execute(f"SELECT * FROM {view}".encode()).fetchall()  # noqa: S608 - our own views
    return sorted((dict(row) for row in found), key=str)


def different(left: Rows, right: Rows) -> list[Any]:
    """Each value that differs, and how many rows there are of each where that does."""
    if len(left) != len(right):
        return [(len(left), len(right))]
    pairs = zip(left, right, strict=True)
    return [(name, one[name], other[name]) for one, other in pairs for name in one if one[name] != other[name]]


def _given_up(row: dict[str, Any]) -> dict[str, Any]:
    """What the first form told of a draft that was superseded, as it is told now."""
    if (row["draft_state"], row["decision"]) == ("superseded", "send_at"):
        return row | {"decision": "blocked", "send_at": None, "decision_reasons": ["superseded"]}
    return row


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("seed", range(3))
async def test_a_view_has_the_rows_of_its_first_form(
    database_url: str, events: EventLog, lead_of: Callable[[str], str], seed: int, version: int
) -> None:
    await live(database_url, events, Life(events, lead_of, seed))
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        if version == 2:
            move_to_second_version(connection)
        make_first_forms(
            connection, schemas({one.name: version if one.name == "leads" else 1 for one in ALL_PROJECTIONS})
        )
        for own in OWN_VIEWS:
            assert rows(connection, f"proj_v{version}.{own}") == rows(connection, f"before.{own}")
        for view in COMPARED:
            assert different(rows(connection, f"analytics.{view}"), rows(connection, f"before.{view}")) == []
        spoken = rows(connection, "analytics.conversations")
        assert different(spoken, list(map(_given_up, rows(connection, "before.conversations")))) == []
        waiting = rows(connection, "analytics.drafts_to_review")
    assert {"open", "superseded", "cancelled", "rejected"} <= {row["draft_state"] for row in spoken}
    assert {("superseded", "blocked"), ("open", "send_at")} <= {(row["draft_state"], row["decision"]) for row in spoken}
    assert {(row["draft_id"], row["lead_id"], row["draft"]) for row in waiting} == {
        (row["draft_id"], row["lead_id"], row["draft"])
        for row in spoken
        if (row["draft_state"], row["decision"]) == ("open", "needs_review")
    }
    assert waiting
