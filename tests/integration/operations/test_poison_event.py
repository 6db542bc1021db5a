"""A poison event from end to end, with real workers: set aside, mended, sent again through a kill, accounted for."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from headrace.events.job_plan import job_id
from headrace.events.jobs import JobStepFinished
from headrace.events.topics import JOBS
from headrace.settings import Settings
from tests.headrace_command import headrace
from tests.integration.operations.decided import INTERESTED, POST_PROCESS, Decided
from tests.integration.operations.redriving import HEADRACE, POISON_PROGRAM, Redriving
from tests.reply_topics import WEBHOOKS_GHL

pytestmark = pytest.mark.usefixtures("topics_created")

POISONED = 6


def audit(stack: Redriving) -> Any:
    done = headrace(stack.environment, "audit", "--json", "--wait", "5")
    return json.loads(done.stdout)


def test_webhooks_an_adapter_failed_on_go_through_once_it_is_mended(settings: Settings) -> None:
    stack = Redriving(settings)
    receipts = [stack.received(number, f"poison {number}") for number in range(POISONED)]
    stack.received(100, "all is well")
    with stack.process(HEADRACE, "run", "projections"):
        with stack.process(sys.executable, str(POISON_PROGRAM)):
            stack.until("SELECT count(*) FROM analytics.dead_letters WHERE stage = 'dedupe'", (POISONED,))
            stack.until("SELECT count(*) FROM analytics.messages", (1,))
            letters = stack.states()
            assert set(letters.values()) == {"open"}
            too_early(stack, max(letters))
        # The provider's own retry of one of them comes after the adapter was mended, and before the redrive.
        stack.received(0, "poison 0", repeat=1)
        with stack.process(HEADRACE, "run", "pipeline"):
            stack.until("SELECT count(*) FROM analytics.messages", (2,))
            run_id = killed_in_the_middle(stack)
            refused = stack.dlq("redrive", "--stage", "dedupe", "--execute")
            assert refused.exit_code == 2
            assert f"headrace runs resume {run_id} --execute" in refused.output
            resumed = headrace(stack.environment, "runs", "resume", run_id, "--execute")
            assert resumed.exit_code == 0, resumed.output
            stack.until("SELECT count(*) FROM analytics.dead_letters WHERE state = 'fixed'", (POISONED,))
        assert stack.redriven(WEBHOOKS_GHL) == sorted([*letters, max(letters)])
        assert stack.states() == {}
        assert stack.rows("SELECT count(*), count(DISTINCT message_id) FROM analytics.messages") == [(7, 7)]
        verdicts = dict(stack.rows("SELECT receipt_id::text, verdict FROM analytics.webhook_receipts"))
        assert {receipt: verdicts[receipt] for receipt in receipts} == dict.fromkeys(receipts, "fresh") | {
            receipts[0]: "duplicate"
        }
        report = audit(stack)
    webhooks = next(one for one in report["topics"] if one["topic"] == settings.topic(WEBHOOKS_GHL))
    assert report["missing"] == []
    assert webhooks == {
        "topic": settings.topic(WEBHOOKS_GHL),
        "records": 2 * POISONED + 3,
        "proven": POISONED + 2,
        "in_flight": 0,
        "dead_lettered": POISONED + 1,
        "repeats": 0,
        "missing": 0,
    }
    run = newest_run(stack)
    assert (run["run_id"], run["state"]) == (run_id, "done")
    assert (run["result"]["sent"], run["result"]["fixed"]) == (POISONED, POISONED)


def test_a_job_a_worker_failed_on_is_done_once_it_is_mended(settings: Settings, tmp_path: Path) -> None:
    stack, decided = Redriving(settings), Decided(settings, tmp_path)
    decided.apply()
    message = decided.receive(1, INTERESTED)
    with stack.process(HEADRACE, "run", "projections"):
        with decided.worker("--mistake", "fatal"):
            stack.until("SELECT count(*) FROM analytics.dead_letters WHERE stage = 'execute'", (1,))
            stack.until("SELECT count(*) FROM analytics.jobs WHERE state = 'died'", (1,))
        (letter,) = stack.letters()
        assert (letter.state, letter.error_class, letter.job_id) == ("open", "permanent", job_id(message, POST_PROCESS))
        with decided.worker():
            (outcome,) = stack.told("redrive", letter.id, "--wait", "60", "--execute")["outcomes"]
            assert (outcome["id"], outcome["state"]) == (letter.id, "fixed")
            stack.until("SELECT count(*) FROM analytics.jobs WHERE state = 'succeeded'", (2,))
        stack.until("SELECT label, draft_state FROM analytics.conversations", ("Interested", "open"))
    assert stack.states() == {}
    events = [one for one in decided.events(JOBS) if one.job_id == letter.job_id]
    assert max(one.generation for one in events) == 2
    finished = Counter(one.step for one in events if isinstance(one, JobStepFinished))
    assert set(finished.values()) == {1}, "what was finished before it died is not done again"


def too_early(stack: Redriving, letter: str) -> None:
    """A redrive before the adapter is mended: it fails again, and says so."""
    (outcome,) = stack.told("redrive", letter, "--wait", "60", "--execute", exit_code=1)["outcomes"]
    assert (outcome["id"], outcome["state"], outcome["error_class"]) == (letter, "failed again", "ZeroDivisionError")
    assert stack.states(states=("failed again",)) == {letter: "failed again"}


def newest_run(stack: Redriving) -> Any:
    return json.loads(headrace(stack.environment, "runs", "list", "--json").stdout)[0]


def killed_in_the_middle(stack: Redriving) -> str:
    """A redrive that SIGKILL ended after it had sent some, and not all. Returns its run."""
    before = len(stack.redriven(WEBHOOKS_GHL))
    command = (HEADRACE, "dlq", "redrive", "--stage", "dedupe", "--rate", "2", "--wait", "60", "--execute")
    with stack.process(*command) as process:
        stack.until_true(lambda: len(stack.redriven(WEBHOOKS_GHL)) >= before + 2, "two letters sent")
        process.kill()
        process.wait()
    assert 2 <= len(stack.redriven(WEBHOOKS_GHL)) - before < POISONED
    stack.until_true(lambda: newest_run(stack)["state"] == "interrupted", "the run is interrupted")
    found: str = newest_run(stack)["run_id"]
    return found
