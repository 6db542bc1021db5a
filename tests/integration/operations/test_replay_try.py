"""Another model on a real log, by a server that costs something: compared, bounded, and nothing live is touched."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from headrace.settings import Settings
from operations.runs.runs import find_runs
from operations.versions.verify import hash_content
from projections.registry import ALL_PROJECTIONS
from tests.headrace_command import Finished, headrace
from tests.integration.operations.ai_server import Server
from tests.integration.operations.decided import INTERESTED, START, TEXTS, Decided, json_in

pytestmark = pytest.mark.usefixtures("topics_created")
OBJECTION = {
    "label": "Objection",
    "opt_out": False,
    "bounce": False,
    "contains_phone": None,
    "proposed_time": False,
    "confidence": 0.97,
}


@pytest.fixture
def decided(settings: Settings, tmp_path: Path) -> Decided:
    found = Decided(settings, tmp_path)
    found.apply()
    found.work([found.receive(number, text) for number, text in enumerate((*TEXTS, INTERESTED))])
    found.installation.project()
    return found


#: Of TEXTS and one more: what no rule labels.
ASKED = 9


def command(*options: str) -> tuple[str, ...]:
    window = ("--from", START.isoformat(), "--to", (START + timedelta(days=1)).isoformat())
    return ("replay", "try", "--step", "classify", "--provider", "ghl", *window, "--json", *options)


def tried(decided: Decided, server: Server, *options: str) -> Finished:
    return headrace({**decided.environment, **server.environment}, *command(*options))


def live(decided: Decided) -> list[Any]:
    """The content of all live tables."""
    return list(hash_content(decided.settings.database_url, ALL_PROJECTIONS))


def schemas(decided: Decided) -> list[str]:
    with psycopg.connect(decided.settings.database_url) as connection:
        return [name for (name,) in connection.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^try_'")]


def test_another_model_is_compared_and_nothing_live_is_touched(decided: Decided, server: Server) -> None:
    ends, rows = decided.ends(), live(decided)
    plan = json_in(tried(decided, server))["plan"]
    assert (plan["jobs"], plan["questions"]) == (len(TEXTS) + 1, ASKED)
    assert plan["most_micro_usd"] > 0
    refused = tried(decided, server, "--execute")
    assert (refused.exit_code, server.requests) == (2, 0)
    assert "--allow-spend" in refused.output
    server.tell("POST", [{"contains": INTERESTED, "schema": "classify", "content": json.dumps(OBJECTION)}])
    server.tell("POST", [{"fault": "status", "status": 429, "headers": {"retry-after": "0.2"}, "times": 1}])

    done = tried(decided, server, "--execute", "--allow-spend", str(plan["most_micro_usd"]), "--text")

    assert done.exit_code == 0, done.output
    found = json_in(done)
    assert found["report"]["changed"] == {"Interested → Objection": 2}
    assert (found["report"]["asked"], found["report"]["agreed"]) == (ASKED, ASKED - 2)
    assert found["report"]["calls"] == server.requests == ASKED + 1, "the one turned away is asked again"
    assert 0 < found["report"]["cost_micro_usd"] <= plan["most_micro_usd"]
    assert set(found["texts"].values()) == {INTERESTED}
    assert (decided.ends(), live(decided)) == (ends, rows)

    listed = headrace(decided.environment, "replay", "tries")
    assert "try_1" in listed.output
    again = json_in(headrace(decided.environment, "replay", "compare", "try_1", "--json"))
    assert again["report"] == found["report"]
    assert again["texts"] == {}
    assert headrace(decided.environment, "replay", "drop", "try_1", "--execute").exit_code == 0
    assert schemas(decided) == []


def test_a_budget_holds_and_nothing_is_bought_twice(decided: Decided, server: Server) -> None:
    plan = json_in(tried(decided, server))["plan"]
    one = plan["most_micro_usd"] // ASKED
    stopped = tried(decided, server, "--execute", "--allow-spend", str(one + one // 5))
    assert stopped.exit_code == 2
    assert "--allow-spend" in stopped.output
    bought = server.requests
    assert 0 < bought < ASKED
    other = tried(decided, server, "--execute", "--allow-spend", "1", "--into", "try_1", "--model", "gpt-5")
    assert (other.exit_code, server.requests) == (2, bought)

    server.tell("PATCH", {"delay": 0.5})
    arguments = command("--execute", "--allow-spend", str(plan["most_micro_usd"]), "--into", "try_1", "--at-once", "1")
    with subprocess.Popen(
        [Path(sys.executable).with_name("headrace"), *arguments],
        env={**os.environ, **decided.environment, **server.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        give_up = time.monotonic() + 60
        while server.requests < bought + 2:
            assert time.monotonic() < give_up
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    server.tell("PATCH", {"delay": 0})
    run = find_runs(decided.settings.database_url)[0]
    assert run.state == "interrupted"
    resumed = headrace({**decided.environment, **server.environment}, "runs", "resume", str(run.run_id), "--execute")
    assert resumed.exit_code == 0, resumed.output
    assert ASKED <= server.requests <= ASKED + 1, "only what was under way at the kill is asked again"
    report = json_in(headrace(decided.environment, "replay", "compare", "try_1", "--json"))["report"]
    assert (report["asked"], report["agreed"]) == (ASKED, ASKED)


def test_a_cancelled_try_leaves_nothing(decided: Decided, server: Server) -> None:
    stopped = tried(decided, server, "--execute", "--allow-spend", "1")
    assert stopped.exit_code == 2
    assert schemas(decided) == ["try_1"]
    run = find_runs(decided.settings.database_url)[0]
    assert headrace(decided.environment, "runs", "cancel", str(run.run_id), "--execute").exit_code == 0
    assert schemas(decided) == []
    free = json_in(headrace(decided.environment, *command("--ai-provider", "local", "--execute")))["report"]
    assert (free["agreement"], free["cost_micro_usd"]) == (1.0, 0)
