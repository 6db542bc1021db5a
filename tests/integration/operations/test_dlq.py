"""`headrace dlq` on a real log and real rows: one list over all letters, each sent once, whatever dies in between."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from headrace.events.dead_letters import DeadLetterFixed, read_letter_id, redrive_of
from headrace.events.envelope import header_map
from headrace.events.jobs import JobRequested
from headrace.events.records import Record
from headrace.events.topics import DEAD_LETTERS, JOBS, MESSAGES, WEBHOOKS_QUARANTINE
from headrace.settings import Settings
from operations.letters.redrive import SUBJECTS, VERB, abandon_run, refuse_unfinished
from operations.runs.runs import RunRefused, begin, mark_cancelled
from operations.trace.trace_options import TraceOptions
from operations.trace.tracing import trace
from projections.projection import decode_event
from tests.headrace_command import headrace
from tests.integration.operations.installation import NOW, receipt_id
from tests.integration.operations.redriving import Redriving, is_request_of
from tests.integration.operations.story import SECRET
from tests.reply_topics import WEBHOOKS_GHL

pytestmark = pytest.mark.usefixtures("topics_created")

DYING = Path(__file__).with_name("redrive_and_die.py")
SECRET_TEXT = "zebras"


@pytest.fixture
def stack(settings: Settings) -> Redriving:
    return Redriving(settings)


def give_up(stack: Redriving, *numbers: int, stage: str = "dedupe") -> list[str]:
    """A stage gives up on webhooks; the rows are up to date. Returns the letters."""
    for number in numbers:
        stack.dead_letter(WEBHOOKS_GHL, number, number, stage)
    stack.project()
    return [f"{stack.settings.topic(WEBHOOKS_GHL)}:0:{number}:{stage}" for number in numbers]


def failed_again(stack: Redriving, letter: str, generation: int, offset: int, receipt: int) -> None:
    """Dedupe gives up on a record that was sent again."""
    headers = {
        "ce_receiptid": receipt_id(receipt),
        "ce_letter": letter,
        "ce_generation": str(generation),
        "dlq_stage": "dedupe",
        "dlq_topic": stack.settings.topic(WEBHOOKS_GHL),
        "dlq_partition": "0",
        "dlq_offset": str(offset),
        "dlq_error_class": "ZeroDivisionError",
        "dlq_reason": "dedupe could not process it",
        "dlq_attempts": "1",
        "dlq_first_at": NOW.isoformat(),
        "dlq_last_at": NOW.isoformat(),
    }
    stack.send(DEAD_LETTERS, 0, b"{}", [(name, value.encode()) for name, value in headers.items()])


def die_between_sending_and_noting(stack: Redriving) -> None:
    """A redrive by SIGKILL: one letter is sent and noted, a second one only sent."""
    environment = {**os.environ, **stack.environment, "PYTHONPATH": str(Path(__file__).parents[3])}
    died = subprocess.run([sys.executable, str(DYING)], env=environment, capture_output=True, check=False, timeout=120)
    assert died.returncode == -signal.SIGKILL, died.stderr


def test_a_plan_changes_nothing_and_each_letter_is_sent_once_with_who_did_it(stack: Redriving) -> None:
    letters = give_up(stack, 0, 1, 2)
    planned = stack.told("redrive", "--state", "open")
    assert (planned["executed"], planned["plan"]["events"], planned["plan"]["ai_cost_micro_usd"]) == (False, 3, 0)
    assert stack.records(WEBHOOKS_GHL) == []
    done = stack.told("redrive", "--state", "open", "--execute")
    assert done["counts"]["sent"] == 3
    assert stack.redriven(WEBHOOKS_GHL) == letters
    stack.project()
    assert stack.states() == dict.fromkeys(letters, "redriven")
    assert all(one.changed_by and (one.generation, one.run_id) == (1, done["run_id"]) for one in stack.letters())
    again = stack.redrive(letters[0])
    assert (again.in_vain, again.sent) == (1, [])


def test_a_letter_that_fails_again_is_the_same_letter_and_can_be_sent_a_second_time(stack: Redriving) -> None:
    (letter,) = give_up(stack, 0)
    stack.redrive(letter)
    failed_again(stack, letter, generation=1, offset=5, receipt=0)
    stack.project()
    (one,) = stack.letters()
    assert (one.id, one.state, one.attempts, one.error_class) == (letter, "failed again", 2, "ZeroDivisionError")
    # The place where it failed again leads to it, too.
    assert stack.states(ids=(letter.replace(":0:0:", ":0:5:"),)) == {letter: "failed again"}
    stack.redrive(error="zerodivision")
    generations = [redrive_of(record.headers) for record in stack.records(WEBHOOKS_GHL)]
    assert [(one.letter_id, one.generation) for one in generations if one] == [(letter, 1), (letter, 2)]


def test_killed_between_sending_and_noting_a_resumed_run_sends_nothing_twice(stack: Redriving) -> None:
    letters = give_up(stack, *range(5))
    die_between_sending_and_noting(stack)
    assert len(stack.redriven(WEBHOOKS_GHL)) == 2
    stack.project()
    assert sorted(stack.states().values()) == ["open"] * 4 + ["redriven"]
    (run,) = stack.runs()
    resumed = headrace(stack.environment, "runs", "resume", str(run.run_id), "--execute")
    assert resumed.exit_code == 0, resumed.output
    assert "2 letters were sent before; 3 are left" in resumed.output
    assert stack.redriven(WEBHOOKS_GHL) == sorted(letters)
    stack.project()
    assert stack.states() == dict.fromkeys(letters, "redriven")


def test_a_dead_run_that_is_cancelled_leaves_its_letters_as_they_are(stack: Redriving) -> None:
    give_up(stack, *range(3))
    die_between_sending_and_noting(stack)
    (run,) = stack.runs()
    with pytest.raises(RunRefused, match=f"headrace runs resume {run.run_id} --execute"):
        refuse_unfinished(stack.settings)
    abandon_run(stack.settings, run)
    mark_cancelled(stack.settings.database_url, run.run_id, "ann")
    refuse_unfinished(stack.settings)
    stack.project()
    assert sorted(stack.states().values()) == ["open", "redriven", "redriven"]
    assert len(stack.redrive(states=("open",)).sent) == 1


def test_two_operators_are_told_about_each_other(stack: Redriving) -> None:
    (letter,) = give_up(stack, 0)
    with begin(stack.settings.database_url, verb=VERB, subjects=SUBJECTS, scope={}, started_by="ann", run_id=uuid4()):
        for verb in (("redrive", letter), ("discard", letter, "--reason", "x")):
            refused = stack.dlq(*verb, "--execute")
            assert refused.exit_code == 2
            assert "by ann: dlq redrive dead letters" in refused.output
    assert stack.records(WEBHOOKS_GHL) == []


def test_a_discarded_letter_is_kept_with_who_and_why_and_can_be_taken_back(stack: Redriving) -> None:
    first, second = give_up(stack, 0, 1)
    assert stack.dlq("discard", first, "--execute").exit_code == 2, "why is not left out"
    stack.told("discard", first, "--reason", "a test of the provider")
    stack.project()
    assert stack.states() == {first: "open", second: "open"}
    stack.told("discard", first, "--reason", "a test of the provider", "--execute")
    stack.project()
    assert stack.states() == {second: "open"}
    (one,) = stack.letters(ids=(first,), states=None)
    assert (one.state, one.discard_reason, bool(one.changed_by)) == ("discarded", "a test of the provider", True)
    stack.redrive(first)
    stack.project()
    assert stack.states() == {first: "redriven", second: "open"}


def test_a_job_that_died_gets_its_next_life_and_its_letter_follows_it(stack: Redriving) -> None:
    letter, job = stack.job_died(1)
    stack.project()
    (one,) = stack.letters()
    assert (one.id, one.state, one.job_id) == (letter, "open", job)
    (sent,) = stack.redrive(letter).sent
    assert (sent.job_id, sent.job_generation) == (job, 2)
    again: JobRequested = decode_event(stack.records(JOBS)[-1])
    assert (again.job_id, again.generation, again.from_start) == (job, 2, False)
    stack.project()
    assert stack.states() == {letter: "redriven"}
    stack.succeed(1, generation=2)
    stack.project()
    assert stack.states() == {}
    assert stack.states(states=("fixed",)) == {letter: "fixed"}


def test_a_job_that_dies_again_has_one_letter_in_the_list(stack: Redriving) -> None:
    first, job = stack.job_died(1)
    stack.project()
    stack.redrive(first)
    second, _ = stack.job_died(1, generation=2)
    stack.project()
    assert stack.states() == {second: "failed again"}
    (outcome,) = stack.redrive(second).outcomes
    assert outcome.state == "redriven"
    assert [decode_event(one).generation for one in stack.records(JOBS) if is_request_of(one, job)] == [1, 2, 2, 3]


def test_show_tells_where_what_and_why_without_a_word_of_the_lead(stack: Redriving) -> None:
    stack.died(1)
    stack.project()
    (id_,) = stack.states()
    shown = stack.dlq("show", id_)
    assert shown.exit_code == 0, shown.output
    assert SECRET_TEXT not in shown.output.lower()
    assert "permanent: refusal" in shown.output
    assert stack.receipt(1) in shown.output
    texts = stack.dlq("show", id_, "--text").output
    assert SECRET_TEXT in texts.lower()
    assert SECRET not in texts
    assert stack.dlq("show", "webhooks.ghl:0:99:dedupe").exit_code == 1


def test_filters_of_every_kind_find_the_same_letters(stack: Redriving) -> None:
    (letter, _) = give_up(stack, 0, 1)
    conditions: list[tuple[dict[str, Any], int]] = [
        ({"receipt_id": receipt_id(0)}, 1),
        ({"topic": "webhooks.ghl"}, 2),
        ({"topic": read_letter_id(letter).topic}, 2),
        ({"topic": "inbox"}, 0),
        ({"stage": "dedupe"}, 2),
        ({"error": "keyerr"}, 2),
        ({"error": "100%"}, 0),
        ({"provider": "ghl"}, 2),
        ({"provider": "unipile"}, 0),
        ({"workspace": "globex"}, 0),
        ({"since": NOW, "until": NOW + timedelta(seconds=1)}, 2),
        ({"until": NOW}, 0),
        ({"states": ("fixed",)}, 0),
        ({"limit": 1}, 1),
    ]
    assert [(one, len(stack.states(**one))) for one, _ in conditions] == conditions
    listed = stack.told("list", "--topic", "webhooks.ghl", "--receipt", receipt_id(0), "--provider", "ghl")
    assert [one["id"] for one in listed] == [letter]


def test_a_record_that_a_projection_refused_is_projected_again_below_what_came_later(stack: Redriving) -> None:
    stack.message(1, with_jobs=False)
    stack.message(1, with_jobs=False, text="the newer words", body="the newer words")
    stack.project()
    older, newer = stack.records(MESSAGES)
    good = stack.refused(older, "leads", older.value or b"", "BadRecord")
    bad = stack.refused(msgspec.structs.replace(newer, offset=50), "leads", b"{", "UndecodableEvent")
    assert stack.states(receipt_id=receipt_id(1)) == {good: "open", bad: "open"}
    done = stack.told("redrive", "--stage", "project:leads", "--execute", exit_code=1)
    assert {one["id"]: one["state"] for one in done["outcomes"]} == {good: "fixed", bad: "failed again"}
    assert stack.states() == {bad: "failed again"}
    assert stack.rows("SELECT text FROM analytics.messages") == [("the newer words",)]
    assert stack.rows("SELECT fixed_by_run_id::text FROM ctl.dead_letters WHERE state = 'fixed'") == [(done["run_id"],)]
    stack.told("discard", bad, "--reason", "nothing can be made of it", "--execute")
    assert stack.states() == {}


def test_a_refused_record_whose_row_was_missing_gets_it(stack: Redriving) -> None:
    stack.message(1, with_jobs=False)
    stack.project()
    (record,) = stack.records(MESSAGES)
    stack.execute("DELETE FROM proj_v1.messages")
    letter = stack.refused(record, "leads", record.value or b"", "BadRecord")
    stack.redrive(letter)
    assert stack.rows("SELECT src_offset FROM proj_v1.messages") == [(record.offset,)]


def test_quarantined_webhooks_go_where_they_belong_once_their_workspace_is_known(stack: Redriving) -> None:
    receipt = stack.received(1, "yes", topic=WEBHOOKS_QUARANTINE, reason="unknown workspace")
    (record,) = stack.records(WEBHOOKS_QUARANTINE)
    stack.judged(record)
    stack.project()
    (letter,) = stack.states(quarantine=True)
    assert stack.states() == {}, "they are no dead letters"
    assert stack.redrive(letter, quarantine=True).in_vain == 1
    stack.apply("acme", location="l")
    done = stack.told("redrive", "--quarantine", "--state", "open", "--execute")
    assert done["plan"]["assigned"] == {"acme": 1}
    (sent,) = stack.records(WEBHOOKS_GHL)
    told = header_map(sent.headers)
    assert (told["ce_id"], told["ce_workspace"], told.get("ce_quarantinereason")) == (receipt, "acme", None)
    assert sent.value == record.value
    stack.project()
    assert stack.states(quarantine=True) == {letter: "redriven"}
    assert_one_verdict_is_left(stack, letter, receipt, sent)


def assert_one_verdict_is_left(stack: Redriving, letter: str, receipt: str, sent: Record) -> None:
    waiting = "SELECT count(*) FROM analytics.oldest_unprocessed WHERE stage = 'quarantine'"
    verdicts = f"SELECT workspace_id FROM analytics.webhook_receipts WHERE receipt_id = '{receipt}'"  # noqa: S608
    assert stack.rows(verdicts) == [("",)]
    stack.judged(sent)
    place: dict[str, Any] = {"topic": sent.topic, "partition": sent.partition, "offset": sent.offset}
    about: dict[str, Any] = {
        "letter_id": letter,
        "generation": 1,
        "receipt_id": receipt,
        "workspace": "acme",
        "at": NOW,
    }
    stack.event(DEAD_LETTERS, DeadLetterFixed(**about, **place, stage="dedupe"), 0)
    stack.project()
    assert stack.rows(verdicts) == [("acme",)]
    assert stack.rows(waiting) == [(0,)]
    found = trace(stack.settings, receipt, TraceOptions())
    assert (found.candidates, [one.stage for one in found.unfinished if one.stage == "quarantine"]) == ([], [])


@pytest.mark.parametrize("verb", ["list", "redrive", "discard"])
def test_a_stage_that_is_none_is_refused_with_those_there_are(stack: Redriving, verb: str) -> None:
    acting = {"list": (), "redrive": ("--execute",), "discard": ("--reason", "none", "--execute")}[verb]
    for name, told in {"nosuch": "one of dedupe, resolve", "quarantine": "use --quarantine"}.items():
        refused = stack.dlq(verb, "--stage", name, *acting)
        assert (refused.exit_code, told in " ".join(refused.stderr.split())) == (2, True), refused.output
    assert stack.runs() == []
