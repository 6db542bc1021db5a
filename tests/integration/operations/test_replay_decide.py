"""Jobs decided again on a real log: the same code decides the same, mistakes are put right, nothing is bought."""

import signal
from pathlib import Path

import pytest

from headrace.events.enrichments import LeadStateChanged, MessageClassified
from headrace.events.envelope import read_envelope
from headrace.events.jobs import JobRedecided
from headrace.events.topics import AI_INTERACTIONS, ENRICHMENTS, JOBS, MESSAGES
from headrace.settings import Settings
from operations.runs.runs import find_runs
from tests.headrace_command import headrace
from tests.integration.operations.ai_server import Server
from tests.integration.operations.decided import INTERESTED, TEXTS, Decided

pytestmark = pytest.mark.usefixtures("topics_created")
STATES = "SELECT status FROM analytics.lead_states ORDER BY status"


@pytest.fixture
def decided(settings: Settings, tmp_path: Path) -> Decided:
    return Decided(settings, tmp_path)


def test_the_same_code_decides_the_same(decided: Decided) -> None:
    decided.apply()
    ids = [decided.receive(number, text) for number, text in enumerate(TEXTS)]
    ids += [decided.receive(100 + number, text, lead="of many words") for number, text in enumerate(TEXTS)]
    decided.work(ids)
    before = decided.ends()
    plan = decided.look()
    assert (plan.messages, plan.leads, plan.jobs) == (len(ids), len(TEXTS) + 1, 2 * len(ids))
    assert plan.undecided == []
    assert (plan.same, plan.events) == (plan.jobs, 0), plan.conclusions
    assert decided.outcome("--execute")["result"]["events"] == 0
    assert decided.ends() == before


def test_a_mistake_is_shown_then_put_right_once(decided: Decided) -> None:
    decided.apply()
    ids = [decided.receive(number, text) for number, text in enumerate([INTERESTED, INTERESTED, "ok"])]
    decided.work(ids, "--mistake", "state")
    calls, before = len(decided.records(AI_INTERACTIONS)), decided.ends()
    assert decided.rows(STATES) == [("new",)] * 3

    planned = decided.outcome()

    assert (planned["executed"], planned["plan"]["would_change"]) == (False, 2)
    assert planned["plan"]["conclusions"]["fields"] == {"lead_state.status": 2}
    assert {one["id"] for one in planned["plan"]["conclusions"]["examples"]} == set(ids[:2])
    assert decided.ends() == before, "a plan writes nothing"

    done = decided.outcome("--execute")

    assert done["result"] == {"jobs": 2, "events": 4, "undecided": 0, "asked_for_meanwhile": 0}
    states = [one for one in decided.events(ENRICHMENTS) if isinstance(one, LeadStateChanged)]
    assert [one.status for one in states if one.message_id == ids[0]] == ["new", "qualified"]
    assert {read_envelope(one.headers).correction for one in decided.records(ENRICHMENTS)} == {"", done["run_id"]}
    assert sorted(decided.rows(STATES)) == [("new",), ("qualified",), ("qualified",)]
    assert len(decided.records(AI_INTERACTIONS)) == calls
    assert decided.look().would_change == 0
    assert len([one for one in decided.events(JOBS) if isinstance(one, JobRedecided)]) == 2


def test_what_nobody_answered_is_refused_or_bought_within_the_budget(decided: Decided, server: Server) -> None:
    decided.apply()
    ids = [decided.receive(number, text) for number, text in enumerate([INTERESTED, "ok"])]
    decided.work(ids, "--mistake", "label")
    before, calls = decided.ends(), len(decided.records(AI_INTERACTIONS))

    refused = decided.replay("--execute")

    assert refused.exit_code == 2
    assert f"1 for want of a recorded answer to draft. The first: draft of message {ids[0]}." in refused.output
    assert decided.ends() == before
    priced = decided.outcome("--allow-spend", "1", **server.environment)
    assert priced["questions"] == 1
    spent = decided.replay("--execute", "--allow-spend", "1", **server.environment)
    assert (spent.exit_code, server.requests) == (2, 0), "no call may cost more than is left"
    assert "0 of 1 micro-USD are spent" in spent.output
    assert decided.ends() == before
    budget = 10 * priced["most_micro_usd"]

    done = decided.outcome("--execute", "--allow-spend", str(budget), **server.environment)

    assert done["result"]["undecided"] == 0
    costs = [one.cost_micro_usd for one in decided.events(AI_INTERACTIONS) if one.provider == "openai"]
    assert len(costs) == server.requests > 0
    assert 0 < sum(costs) <= budget
    labels = [one for one in decided.events(ENRICHMENTS) if isinstance(one, MessageClassified)]
    assert [one.label for one in labels if one.message_id == ids[0]] == ["Neutral", "Interested"]
    bought = decided.records(AI_INTERACTIONS)[calls:]
    assert {read_envelope(one.headers).correction for one in bought if read_envelope(one.headers).correction} == {
        done["run_id"]
    }
    asked = [one.step for one in decided.events(AI_INTERACTIONS) if one.attempt == 0]
    assert asked.count("draft") == 1
    assert "classify" not in asked, "what was answered is not bought again"
    again = decided.look()
    assert (again.would_change, again.undecided) == (0, []), "what was bought is recorded"


def test_whom_nobody_heard_is_suppressed_at_last(decided: Decided) -> None:
    decided.apply()
    stop = decided.receive(1, "Please stop texting me and remove my number.", lead="a")
    later = decided.receive(2, "ok", lead="a")
    decided.work([stop, later], "--mistake", "deaf")
    done = decided.outcome("--execute")
    assert done["plan"]["new_suppressions"] == 1
    assert done["result"]["jobs"] > 1, "what came after it is decided by it, too"
    assert decided.look().events == 0
    (suppressed,) = [one for one in decided.records(MESSAGES) if read_envelope(one.headers).correction]
    assert read_envelope(suppressed.headers).type == "lead.suppressed.v1"


def test_a_killed_replay_goes_on_and_ends_the_same(decided: Decided) -> None:
    decided.apply()
    ids = [decided.receive(number, INTERESTED) for number in range(4)]
    decided.work(ids, "--mistake", "state")
    # Between conclusions and the end of a job, then behind a whole one.
    assert decided.killed_after(1, *decided.command("--execute")) == -signal.SIGKILL
    (run,) = find_runs(decided.settings.database_url)
    assert run.state == "interrupted"
    assert decided.killed_after(4, "runs", "resume", str(run.run_id), "--execute") == -signal.SIGKILL
    resumed = headrace(decided.environment, "runs", "resume", str(run.run_id), "--execute")
    assert resumed.exit_code == 0, resumed.output
    assert decided.look().would_change == 0
    assert decided.rows(STATES) == [("qualified",)] * 4
    lives = "SELECT generation, state FROM analytics.jobs WHERE type <> 'LEAD_SCORING_POST_PROCESS'"
    assert decided.rows(lives) == [(2, "succeeded")] * 4
    redecided = [one for one in decided.events(JOBS) if isinstance(one, JobRedecided)]
    assert {one.run_id for one in redecided} == {str(run.run_id)}
    assert len(redecided) == 4


def test_an_open_job_and_one_of_unknown_settings_are_left_alone(decided: Decided) -> None:
    decided.apply()
    first = decided.receive(1, INTERESTED)
    decided.work([first], "--mistake", "state", "--wordless")
    decided.receive(2, INTERESTED)
    plan = decided.look()
    assert (plan.jobs, plan.left_alone) == (2, {"not asked for": 2})
    assert plan.missing_answers == {"classify": 1, "score": 1}, "answers were not kept then"
    decided.forget_settings()
    plan = decided.look()
    assert plan.missing_settings == {"acme": 2}
    assert decided.look("now").missing_answers == {"classify": 1, "score": 1}
