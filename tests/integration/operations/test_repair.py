"""Repairs against a real log: damaged and wrongly projected rows made right in place, killed, raced and refused."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from headrace.events.messages import LeadMerged, MessageReceived
from headrace.events.records import Record
from headrace.events.topics import MESSAGES
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import read_ranges
from headrace.kafka.partitioning import fresh_key_partition
from headrace.settings import Settings
from operations.runs.runs import RunCancelled, begin, find_runs, request_cancel, show_run
from operations.versions import repair, repair_keys, repair_window
from operations.versions.repair import RepairPlan, connected, run_repair
from operations.versions.repair_stage import RepairStage, RepairStopped, Replaced
from projections.connection import connector
from projections.projection import Projection, RowOp
from projections.projectors.jobs import PROJECTION as JOB_HISTORY
from projections.projectors.leads import PROJECTION as LEADS
from projections.projectors.messages import project_message
from projections.registry import ALL_PROJECTIONS
from projections.writing.writer import ProjectionWriter
from tests.headrace_command import Finished, headrace
from tests.integration.operations.held import environment
from tests.integration.operations.killed_at import killed_at
from tests.integration.operations.rebuilding import content, rebuilt
from tests.integration.operations.story import NOW, Story

pytestmark = pytest.mark.usefixtures("topics_created")

STORIES = 4
#: Whatever a person with psql may do to rows of every kind.
DAMAGE = """
UPDATE proj_v1.messages SET text = 'nonsense';
UPDATE proj_v1.leads SET email = NULL;
DELETE FROM proj_v1.lead_signals;
UPDATE proj_v1.lead_activity SET first_message_at = '1990-01-01', last_message_at = '2090-01-01';
UPDATE proj_v1.lead_identities SET value = 'wrong' || value;
UPDATE proj_v1.webhook_receipts SET verdict = 'ignored', proj_rev = 7;
DELETE FROM proj_v1.jobs;
UPDATE proj_v1.job_ends SET first_offset = 0, outcome = 'cancelled';
UPDATE proj_v1.job_attempts SET outcome = 'failed', worker = 'nobody';
UPDATE proj_v1.job_steps SET result = '{}', src_topic = 'elsewhere';
UPDATE proj_v1.message_labels SET label = 'Spam', confidence = 0;
UPDATE proj_v1.enrichments SET details = '{"a": 1}';
DELETE FROM proj_v1.drafts;
UPDATE proj_v1.ai_interactions SET cost_micro_usd = 10000000;
UPDATE proj_v1.dead_letters SET reason = 'none';
"""
#: And to what rows say of where they come from: places of other records.
DISPLACEMENT = """
UPDATE proj_v1.messages SET src_offset = greatest(src_offset - 1, 0);
UPDATE proj_v1.enrichments SET src_offset = 0;
"""
Contents = dict[str, dict[str, list[Any]]]


@pytest.fixture
def story(settings: Settings) -> Story:
    """Whole stories of some leads, of which two are one, projected."""
    story = Story(settings)
    for number in range(STORIES):
        story.whole(number)
    story.died(STORIES)
    merge(story, 1, 0)
    story.lead_and_message(1, lead=0)
    story.project()
    return story


def merge(story: Story, lead: int, into: int) -> None:
    event = LeadMerged(
        receipt_id=story.receipt(lead),
        workspace="acme",
        lead_id=story.lead_of(lead),
        into_lead_id=story.lead_of(into),
        merged_at=NOW,
    )
    story.put(MESSAGES, event, lead, "merge", key=story.lead_of(lead))


def contents(settings: Settings, version: int = 1) -> Contents:
    return {one.name: content(settings, one.name, version) for one in ALL_PROJECTIONS}


def command(settings: Settings, *arguments: str) -> Finished:
    return headrace(environment(settings), "proj", "repair", *arguments)


def all_of_it() -> tuple[str, ...]:
    return "--from", "1h", "--to", (datetime.now(UTC) + timedelta(minutes=1)).isoformat()


def planned(settings: Settings, *projections: Projection, key: str | None = None) -> RepairPlan:
    wanted = repair_window.filter_of(key, None)
    return repair_window.plan_window(settings, projections or ALL_PROJECTIONS, None, None, wanted, strict=True)


def repaired(settings: Settings, *projections: Projection, key: str | None = None) -> dict[str, Replaced]:
    """Repair, by this process, everything or one key."""
    plan, wanted, run_id = planned(settings, *projections, key=key), repair_window.filter_of(key, None), uuid4()
    scope = {"plan": msgspec.to_builtins(plan)}
    with begin(
        settings.database_url, verb="proj repair", subjects=plan.subjects, scope=scope, started_by="ann", run_id=run_id
    ) as run:
        return run_repair(settings, run, lambda: wanted.matches, lambda _line: None)


def stages(settings: Settings) -> int:
    with connected(settings) as connection:
        found = connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'repair%'").fetchone()
    return int(found[0]) if found else -1


def test_rows_that_were_damaged_by_hand_are_what_the_log_says_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, right = story.settings, contents(story.settings)
    monkeypatch.setattr(repair, "CHUNK", 3)
    monkeypatch.setattr(repair_keys, "KEYS_PER_BATCH", 1)
    story.execute(DAMAGE + DISPLACEMENT)
    done = repaired(settings)
    assert contents(settings) == right
    assert done["jobs"].inserted >= 2 * STORIES
    assert done["leads"].removed > 0
    assert all(found.inserted + found.replaced for found in done.values())
    assert set(repaired(settings).values()) == {Replaced()}, "what is right is not written again"
    assert stages(settings) == 0


@pytest.mark.parametrize(
    "displacement",
    [
        "UPDATE proj_v1.leads SET src_offset = 999999",
        "UPDATE proj_v1.leads SET src_offset = -7, src_partition = 5",
    ],
)
def test_rows_that_come_from_nowhere_are_refused_and_left_to_a_rebuild(story: Story, displacement: str) -> None:
    settings = story.settings
    story.execute(displacement)
    before = contents(settings)
    with pytest.raises(RepairStopped, match=r"rows of leads .* `headrace proj rebuild leads --execute`"):
        repaired(settings, LEADS)
    assert contents(settings) == before


def test_the_command_plans_first_and_only_touches_the_key(story: Story) -> None:
    settings, right = story.settings, contents(story.settings)
    story.execute(DAMAGE)
    damaged = contents(settings)
    plan = command(settings, "jobs", "--key", story.lead_of(2))
    assert (plan.exit_code, "Nothing was done" in plan.output, "1 of 2 partitions" in plan.output) == (0, True, True)
    assert contents(settings) == damaged
    told = command(settings, "jobs", "--key", story.lead_of(2), "--execute", "--json")
    outcome = json.loads(told.stdout)
    assert (told.exit_code, outcome["executed"], outcome["plan"]["keys"]) == (0, True, 1)
    assert outcome["rows"]["jobs"]["inserted"] > 0

    def of(found: Contents, lead: int) -> list[Any]:
        return [
            row for table in ("jobs", "job_attempts") for row in found["jobs"][table] if story.lead_of(lead) in row[0]
        ]

    now = contents(settings)
    assert of(now, 2) == of(right, 2)
    assert of(now, 3) == of(damaged, 3) != of(right, 3)
    nothing = command(settings, "--key", "nobody", "--execute")
    assert (nothing.exit_code, "No key was touched" in nothing.output) == (0, True)
    assert command(settings, "--from", "1h").exit_code == 2


def test_a_window_chooses_keys_and_all_their_events_count(story: Story) -> None:
    settings = story.settings
    story.execute("UPDATE proj_v1.lead_activity SET first_message_at = '1990-01-01'")
    start = datetime.now(UTC)
    story.lead_and_message(7, lead=3)
    story.project()
    to = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    done = command(settings, "leads", "--from", start.isoformat(), "--to", to, "--execute")
    assert (done.exit_code, "1 keys, touched by 3 records" in done.output) == (0, True), done.output
    with connected(settings) as connection:
        found = dict(connection.execute("SELECT lead_id::text, first_message_at FROM proj_v1.lead_activity").fetchall())
    assert found[story.lead_of(3)] == NOW
    assert found[story.lead_of(2)].year == 1990


def _wrong(record: Record, event: Any) -> list[RowOp]:
    message, activity = project_message(record, event)
    extra = {
        "workspace_id": event.workspace,
        "lead_id": event.lead_id,
        "event_id": event.message_id,
        "provider": event.provider,
        "provider_event": "",
        "signal": "invented",
        "message_id": None,
        "detail": None,
        "occurred_at": event.sent_at,
        "received_at": event.sent_at,
        "receipt_id": event.receipt_id,
    }
    invented = RowOp("lead_activity", {**activity.values, "first_message_at": NOW - timedelta(days=9)})
    return [RowOp("messages", {**message.values, "text": "wrong"}), invented, RowOp("lead_signals", extra)]


async def _project_with(settings: Settings, projection: Projection) -> None:
    writer = ProjectionWriter(
        connector(settings.database_url), topic_prefix=settings.topic_prefix, projections=(projection,)
    )
    batch: dict[tuple[str, int], list[Record]] = {}
    for record in read_ranges(settings, LogOffsets(settings).ranges(writer.topics)):
        batch.setdefault((record.topic, record.partition), []).append(record)
    await writer.write(batch)
    await writer.close()


@pytest.mark.parametrize("rev", [1, 2])
async def test_what_a_wrong_projector_wrote_is_replaced_removed_and_added(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, rev: int
) -> None:
    """With its revision raised, as one should, and without."""
    story = Story(settings)
    for number in range(3):
        story.lead_and_message(number)
    projectors = {kind: found for kind, found in LEADS.projectors.items() if kind.__name__ != "LeadChanged"}
    projectors |= {MessageReceived: _wrong}
    projectors[next(kind for kind in LEADS.projectors if kind.__name__ == "LeadChanged")] = lambda _r, _e: []
    await _project_with(settings, msgspec.structs.replace(LEADS, projectors=projectors))
    mended = msgspec.structs.replace(LEADS, rev=rev)
    monkeypatch.setattr("operations.versions.rebuild.ALL_PROJECTIONS", (mended,))
    done = repaired(settings, mended)["leads"]
    assert (done.removed, done.inserted) == (3, 3 * 3), "signals that were invented; leads and identities left out"
    version = rebuilt(settings, "leads")
    assert content(settings, "leads", 1) == content(settings, "leads", version)


def test_rows_of_merged_leads_are_folded_from_both(story: Story) -> None:
    """A message that was told of two leads: whichever of them is chosen, its row is that of the newer telling."""
    settings, right = story.settings, contents(story.settings)
    for lead in (0, 1):
        story.execute("DELETE FROM proj_v1.messages")
        assert repaired(settings, LEADS, key=story.lead_of(lead))["leads"].inserted == 2
        left = content(settings, "leads", 1)["messages"]
        assert len(left) == 2
        assert set(left) < set(right["leads"]["messages"])


def test_a_row_of_two_leads_that_were_never_merged_is_made_of_both(settings: Settings) -> None:
    story = Story(settings)
    for lead in (0, 1, 2):
        story.lead_and_message(0, lead=lead)
    story.project()
    right = content(settings, "leads", 1)
    for lead in (0, 1, 2):
        story.execute("UPDATE proj_v1.messages SET text = 'nonsense'")
        repaired(settings, LEADS, key=story.lead_of(lead))
        assert content(settings, "leads", 1) == right


def test_workers_go_on_meanwhile_and_no_row_is_set_back(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = story.settings
    monkeypatch.setattr(repair_keys, "KEYS_PER_BATCH", 1)
    story.execute(DAMAGE)
    ended = threading.Event()
    caught_up: list[int] = []

    def traffic() -> None:
        number = 10
        while not ended.is_set() and number < 200:
            story.lead_and_message(number, lead=number % STORIES)
            story.project()
            number += 1

    whole = repair._Repair._catch_up

    def watched(self: Any, partition: int) -> None:
        before = self._stage.progress(self._connection)
        whole(self, partition)
        caught_up.append(self._stage.progress(self._connection)[partition] - before[partition])

    monkeypatch.setattr(repair._Repair, "_catch_up", watched)
    worker = threading.Thread(target=traffic)
    worker.start()
    try:
        repaired(settings)
    finally:
        ended.set()
        worker.join()
    assert sum(caught_up) > 0, "something was projected while rows were replaced"
    version = rebuilt(settings, "leads")
    assert content(settings, "leads", 1) == content(settings, "leads", version)


@pytest.mark.parametrize(
    ("place", "call"),
    [
        ("RepairStage.choose", 1),
        ("RepairStage.add", 4),
        ("RepairStage.compare", 1),
        ("RepairStage.mend_dead_letters", 2),
        ("RepairStage.drop", 1),
    ],
)
def test_a_repair_that_was_killed_is_resumed_to_the_same_rows(story: Story, place: str, call: int) -> None:
    settings, right = story.settings, contents(story.settings)
    story.execute(DAMAGE)
    small = {"operations.versions.repair.CHUNK": 3, "operations.versions.repair_keys.KEYS_PER_BATCH": 1}
    arguments = ("proj", "repair", "leads", "jobs", *all_of_it(), "--execute")
    killed_at(environment(settings), f"operations.versions.repair_stage.{place}", call, small, *arguments)
    (run,) = find_runs(settings.database_url)
    until_dead(settings, run.run_id)
    done = headrace(environment(settings), "runs", "resume", str(run.run_id), "--execute")
    assert done.exit_code == 0, done.output
    now = contents(settings)
    assert (now["leads"], now["jobs"]) == (right["leads"], right["jobs"])
    assert now["enrichments"] != right["enrichments"], "which nobody asked for"
    ended = show_run(settings.database_url, run.run_id)
    assert (ended.state, stages(settings)) == ("done", 0)
    assert ended.result is not None
    assert ended.result["jobs inserted"] >= 2 * STORIES


def until_dead(settings: Settings, run_id: UUID) -> None:
    """Postgres notices that a process is gone within moments."""
    waiting = threading.Event()
    while show_run(settings.database_url, run_id).state == "running":
        waiting.wait(0.02)


def test_webhooks_choose_the_rows_of_all_that_they_caused(settings: Settings) -> None:
    """Verdicts, leads, jobs, conclusions and calls of the webhooks of one workspace, and of nobody else's."""
    story, other = Story(settings), Story(settings, workspace="elsewhere")
    for number in range(2):
        story.whole(number)
    other.whole(0)
    story.project()
    right = contents(settings)
    story.execute(DAMAGE)
    damaged = contents(settings)
    until = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    window = ("--provider", "ghl", "--from", NOW.isoformat(), "--to", until, "--depth", "project", "--workspace")
    plan = headrace(environment(settings), "replay", "webhooks", *window, "acme")
    assert (plan.exit_code, "Nothing was done" in plan.output, contents(settings) == damaged) == (0, True, True)
    done = headrace(environment(settings), "replay", "webhooks", *window, "acme", "--execute", "--json")
    outcome = json.loads(done.stdout)
    assert (done.exit_code, outcome["depth"]) == (0, "project")
    assert set(outcome["rows"]) == {"leads", "webhook_receipts", "jobs", "enrichments", "ai_interactions"}

    def of(found: Contents, workspace: str) -> dict[str, list[Any]]:
        every = {table: rows for tables in found.values() for table, rows in tables.items()}
        return {table: [row for row in rows if row[0].startswith(f"({workspace},")] for table, rows in every.items()}

    now = contents(settings)
    assert of(now, "acme") == of(right, "acme")
    assert of(now, "elsewhere") == of(damaged, "elsewhere")
    nothing = headrace(environment(settings), "replay", "webhooks", *window, "nobody", "--execute")
    assert (nothing.exit_code, "No key was touched" in nothing.output) == (0, True)


def test_a_second_operator_is_told_who_is_at_it_and_how_to_stop_him(story: Story) -> None:
    settings = story.settings
    with begin(
        settings.database_url,
        verb="proj rebuild",
        subjects=["projection:leads"],
        scope={},
        started_by="ann",
        run_id=uuid4(),
    ) as first:
        refused = command(settings, "leads", *all_of_it(), "--execute")
        assert refused.exit_code == 2
        assert "by ann: proj rebuild leads" in refused.stderr
        assert f"`headrace runs cancel {first.run.run_id} --execute`" in refused.stderr
        assert command(settings, "jobs", *all_of_it(), "--execute").exit_code == 0


def test_a_cancelled_repair_leaves_what_it_replaced_and_nothing_else(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = story.settings
    story.execute(DAMAGE)
    arguments = ("proj", "repair", "jobs", *all_of_it(), "--execute")
    killed_at(environment(settings), "operations.versions.repair_stage.RepairStage.compare", 1, {}, *arguments)
    (run,) = find_runs(settings.database_url)
    until_dead(settings, run.run_id)
    assert stages(settings) == 1
    assert headrace(environment(settings), "runs", "cancel", str(run.run_id), "--execute").exit_code == 0
    assert (show_run(settings.database_url, run.run_id).state, stages(settings)) == ("cancelled", 0)


def test_a_repair_that_runs_stops_when_it_is_asked_to(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = story.settings
    story.execute(DAMAGE)
    plan, wanted = planned(settings, JOB_HISTORY), repair_window.filter_of(None, None)
    scope, run_id = {"plan": msgspec.to_builtins(plan)}, uuid4()
    whole = RepairStage.compare

    def asked(self: RepairStage, connection: Any) -> int:
        request_cancel(settings.database_url, run_id, "bob")
        return whole(self, connection)

    monkeypatch.setattr(RepairStage, "compare", asked)
    damaged = content(settings, "jobs", 1)
    run = begin(
        settings.database_url, verb="proj repair", subjects=plan.subjects, scope=scope, started_by="ann", run_id=run_id
    )
    with pytest.raises(RunCancelled), run:
        run_repair(settings, run, lambda: wanted.matches, lambda _line: None)
    assert (show_run(settings.database_url, run_id).state, stages(settings)) == ("cancelled", 0)
    assert content(settings, "jobs", 1) == damaged, "it had not begun to replace"


async def test_records_that_were_set_aside_become_rows_once_they_can(settings: Settings) -> None:
    story = Story(settings)
    story.lead_and_message(0)

    def broken(_record: Record, _event: Any) -> list[RowOp]:
        raise ValueError("not understood")

    projectors = {**LEADS.projectors, MessageReceived: broken}
    await _project_with(settings, msgspec.structs.replace(LEADS, projectors=projectors))
    assert content(settings, "leads", 1)["messages"] == []
    assert repaired(settings, LEADS)["leads"].inserted == 2
    run = find_runs(settings.database_url)[0]
    with connected(settings) as connection:
        letters = connection.execute("SELECT state, fixed_by_run_id FROM ctl.dead_letters").fetchall()
    assert letters == [("fixed", run.run_id)]


def test_what_can_not_be_repaired_is_refused_with_the_reason(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = story.settings
    monkeypatch.setattr(repair_keys, "MOST_KEYS", 2)
    with pytest.raises(repair_keys.TooManyKeys, match="headrace proj rebuild"):
        planned(settings, LEADS)
    monkeypatch.undo()
    partition = fresh_key_partition(story.lead_of(2).encode(), settings.partitions)
    place = TopicPartition(settings.topic(MESSAGES), partition, 2)
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})
    for deleted in admin.delete_records([place]).values():
        deleted.result()
    cut = command(settings, "leads", "--key", story.lead_of(2))
    assert (cut.exit_code, "retention removed 2 records" in cut.stderr) == (2, True)
    rest = command(settings, *all_of_it())
    assert (rest.exit_code, "leads is left out" in rest.output, "jobs version 1" in rest.output) == (0, True, True)
    with connected(settings) as connection:
        connection.execute(
            "INSERT INTO ctl.projection_versions (projection, version, state, rev) VALUES ('jobs', 1, 'live', 9) "
            "ON CONFLICT (projection, version) DO UPDATE SET rev = excluded.rev"
        )
    newer = command(settings, "jobs", *all_of_it())
    assert (newer.exit_code, "revision 9" in newer.stderr) == (2, True)
