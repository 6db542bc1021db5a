"""What a redrive does about a letter depends on who gave up on it, and never makes things worse."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from headrace.events.codec import Codec
from headrace.events.dead_letters import Redrive, redrive_of
from headrace.events.envelope import Envelope
from headrace.events.ids import derived_id
from headrace.events.inbox import Identity
from headrace.events.job_plan import job_id
from headrace.events.jobs import JobRequested
from headrace.events.messages import LeadChanged, LeadSuppressed
from headrace.events.records import Record
from headrace.events.webhooks import WebhookMeta, read_webhook, webhook_headers
from headrace.kafka.partitioning import key_partition
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from headrace.workspaces.directory import Directory
from headrace.workspaces.workspace import ProviderAccount, Workspace
from operations.jobs.job_list import JobRow, JobState
from operations.letters.letter import Letter, State
from operations.letters.plan import planned
from operations.letters.quarantine import Assigning
from operations.letters.remedy import InVain, Known, Remedy, Reproject, Resend, remedy_for

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SETTINGS = Settings(partitions=8)
CODEC = Codec()
BODY = {"contact_id": "c1", "location": {"id": "L1"}, "message": {"body": "yes"}}
JOB = job_id(derived_id("message", "1"), "SMS_INBOUND_POST_PROCESS")
ACME = Workspace(
    id="acme", name="acme", timezone="Europe/Paris", providers={"ghl": ProviderAccount(accounts={"location_id": "L1"})}
)


def letter(stage: str, topic: str, *, state: State = "open", generation: int = 0) -> Letter:
    return Letter(
        id=f"{topic}:3:7:{stage}",
        state=state,
        stage=stage,
        origin_topic=topic,
        origin_partition=3,
        origin_offset=7,
        workspace="acme",
        receipt_id=None,
        error_class="KeyError",
        reason="",
        attempts=1,
        first_failed_at=NOW,
        last_failed_at=NOW,
        generation=generation,
        changed_at=None,
        changed_by=None,
        run_id=None,
        discard_reason=None,
        job_id=None,
        kept_topic="dead-letters",
        kept_partition=0,
        kept_offset=0,
    )


def webhook(body: Any = BODY, *, workspace: str = "acme", reason: str = "") -> Record:
    meta = WebhookMeta(
        receipt_id=derived_id("receipt", "1"),
        provider="ghl",
        workspace=workspace,
        received_at=NOW,
        quarantine_reason=reason,
    )
    value = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Record("webhooks.quarantine" if reason else "webhooks.ghl", 3, 7, b"key", value, webhook_headers(meta), 0)


def event(topic: str, event: Any, type_: str = "") -> Record:
    envelope = Envelope(id="1", type=type_ or CODEC.type_of(event), source="/test", time=NOW)
    return Record(topic, 3, 7, b"key", CODEC.encode(event), envelope.headers(), 0)


def request(type_: str = "SMS_INBOUND_POST_PROCESS") -> JobRequested:
    return JobRequested(
        job_id=JOB,
        workspace="acme",
        lead_id=derived_id("lead", "1"),
        type=type_,
        message_id=derived_id("message", "1"),
        receipt_id=derived_id("receipt", "1"),
        at=NOW,
        due_at=NOW,
    )


def job(state: JobState, generation: int = 1) -> JobRow:
    return JobRow(
        workspace="acme",
        job_id=JOB,
        type="SMS_INBOUND_POST_PROCESS",
        state=state,
        generation=generation,
        attempts=1,
        lead_id=derived_id("lead", "1"),
        message_id=derived_id("message", "1"),
        receipt_id=derived_id("receipt", "1"),
        requested_at=NOW,
        requested_by="pipeline",
        due_at=None,
        ended_at=NOW,
        worker=None,
        step=None,
        error_class=None,
        reason=None,
    )


def known(*jobs: JobRow, workspaces: tuple[Workspace, ...] = (ACME,)) -> Known:
    assigning = Assigning(Directory(workspaces))
    by_id = {one.job_id: one for one in jobs}
    return Known(settings=SETTINGS, jobs=by_id, assigning=assigning, by="ann", now=NOW)


def in_vain(remedy: Remedy) -> InVain:
    assert isinstance(remedy, InVain)
    return remedy


def resend(remedy: Remedy) -> Resend:
    assert isinstance(remedy, Resend)
    return remedy


def test_a_webhook_goes_to_its_place_as_it_was_with_its_letter_and_the_next_generation() -> None:
    record = webhook()
    again = resend(remedy_for(letter("dedupe", "webhooks.ghl", generation=1), record, known()))
    out = again.record
    assert (out.topic, out.partition, out.key, out.value) == ("webhooks.ghl", 3, record.key, record.value)
    assert out.headers[: len(record.headers)] == record.headers
    assert redrive_of(out.headers) == again.redrive == Redrive("webhooks.ghl:3:7:dedupe", 2)


def test_a_job_is_asked_for_again_in_its_next_life() -> None:
    again = resend(remedy_for(letter("execute", "jobs"), event("jobs", request()), known(job("died", generation=3))))
    assert again.request is not None
    assert (again.request.generation, again.request.requested_by, again.request.from_start) == (4, "ann", False)
    assert CODEC.decode("job.requested.v1", again.record.value or b"") == again.request
    assert redrive_of(again.record.headers) == Redrive("jobs:3:7:execute", 1)


@pytest.mark.parametrize("state", ["waiting", "running", "succeeded", "cancelled"])
def test_a_job_is_asked_for_again_where_a_retry_of_it_would_do_something(state: JobState) -> None:
    remedy = remedy_for(letter("execute", "jobs"), event("jobs", request()), known(job(state)))
    assert isinstance(remedy, Resend) == (state in ("waiting", "cancelled"))


def test_a_job_nobody_can_run_or_nobody_knows_says_what_to_do() -> None:
    unknown = remedy_for(letter("execute", "jobs"), event("jobs", request("FAX_POST_PROCESS")), known())
    assert "FAX_POST_PROCESS" in in_vain(unknown).why
    assert "upgrade" in in_vain(unknown).what_to_do
    assert "proj status" in in_vain(remedy_for(letter("execute", "jobs"), event("jobs", request()), known())).what_to_do


def test_an_event_of_a_newer_program_waits_for_the_upgrade() -> None:
    newer = event("messages", request(), "message.received.v99")
    remedy = in_vain(remedy_for(letter("request", "messages"), newer, known()))
    assert "newer" in remedy.why
    assert "upgrade" in remedy.what_to_do


@pytest.mark.parametrize("type_", ["weather.changed.v1", "message.received.v1"])
def test_an_event_that_this_program_cannot_read_either_is_not_sent(type_: str) -> None:
    broken = msgspec.structs.replace(event("inbox", request(), type_), value=b"{")
    assert "can't read it either" in in_vain(remedy_for(letter("resolve", "inbox"), broken, known())).why


def test_facts_about_a_lead_may_come_late_but_a_snapshot_may_not() -> None:
    fact = LeadSuppressed(
        receipt_id=derived_id("receipt", "1"),
        workspace="acme",
        lead_id=derived_id("lead", "1"),
        provider="ghl",
        reason="unsubscribed",
        occurred_at=NOW,
        received_at=NOW,
        provider_event="x",
    )
    snapshot = LeadChanged(
        receipt_id=derived_id("receipt", "1"),
        workspace="acme",
        lead_id=derived_id("lead", "1"),
        created_at=NOW,
        changed_at=NOW,
        identities=(Identity(kind="email", value="a@x.io"),),
    )
    resend(remedy_for(letter("request", "messages"), event("messages", fact), known()))
    remedy = in_vain(remedy_for(letter("request", "messages"), event("messages", snapshot), known()))
    assert "above newer ones" in remedy.why


@pytest.mark.parametrize(
    ("state", "fits"),
    [("open", True), ("failed again", True), ("discarded", True), ("redriven", False), ("fixed", False)],
)
def test_what_is_settled_or_under_way_is_left_alone(state: State, fits: bool) -> None:
    remedy = remedy_for(letter("dedupe", "webhooks.ghl", state=state), webhook(), known())
    assert isinstance(remedy, Resend) == fits


def test_what_a_projection_refused_is_projected_and_what_is_gone_is_said() -> None:
    refused = remedy_for(letter("project:leads", "messages"), webhook(), known())
    assert refused == Reproject(projection="leads", bytes=len(webhook().value or b""))
    assert "not kept" in in_vain(remedy_for(letter("dedupe", "webhooks.ghl"), None, known())).why


def test_a_quarantined_webhook_becomes_what_ingest_would_have_stored() -> None:
    record = webhook(workspace="", reason="unknown workspace")
    again = resend(remedy_for(letter("quarantine", "webhooks.quarantine"), record, known()))
    key = ADAPTERS["ghl"].deliver("acme", BODY).dedupe_key.encode()
    out, meta = again.record, read_webhook(again.record.headers)
    assert (out.topic, out.key, out.partition) == ("webhooks.ghl", key, key_partition(key, 8))
    assert (out.value, again.assigned_to) == (record.value, "acme")
    assert (meta.receipt_id, meta.received_at) == (derived_id("receipt", "1"), NOW)
    assert (meta.workspace, meta.timezone, meta.quarantine_reason) == ("acme", "Europe/Paris", "")


@pytest.mark.parametrize(
    ("body", "workspaces", "why"),
    [
        (BODY, (), "names no workspace"),
        (b"{nonsense", (ACME,), "can't be read"),
    ],
)
def test_a_quarantined_webhook_that_still_belongs_to_nobody_stays(
    body: Any, workspaces: tuple[Workspace, ...], why: str
) -> None:
    record = webhook(body, workspace="", reason="unknown workspace")
    remedy = remedy_for(letter("quarantine", "webhooks.quarantine"), record, known(workspaces=workspaces))
    assert why in in_vain(remedy).why


def test_the_plan_counts_what_is_done_and_what_is_not() -> None:
    letters: list[tuple[Letter, Record | None]] = [
        (letter("dedupe", "webhooks.ghl"), webhook()),
        (letter("execute", "jobs"), event("jobs", request())),
        (letter("project:leads", "messages"), webhook()),
        (letter("dedupe", "webhooks.ghl"), None),
    ]
    jobs = known(job("died"))
    pieces = [[(one, remedy_for(one, record, jobs))] for one, record in letters]
    plan = planned(pieces, rate=2)
    assert (plan.letters, plan.events, plan.reprojected, plan.jobs) == (4, 2, 1, 1)
    assert plan.minutes == pytest.approx(3 / 2 / 60, abs=0.01)
    assert {(one.stage, one.action): one.letters for one in plan.groups} == {
        ("dedupe", "send again"): 1,
        ("dedupe", "in vain"): 1,
        ("execute", "ask for its job again"): 1,
        ("project:leads", "project again"): 1,
    }
    assert [one.letters for one in plan.in_vain] == [1]
