"""Every provider through every scenario, end to end: real HTTP in, real client to a model's server, rows out."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from headrace.events.topics import BODY_LIMIT
from operations.dev.demo import percentile
from operations.dev.ports import free_ports
from tests.e2e.conftest import running_stack
from tests.e2e.matrix_cases import PROVIDERS, TEXTS, Case, Scenario
from tests.e2e.stack import Stack

POSITIVE = {"Meeting Requested", "Call Requested", "Information Requested", "Interested"}
DEADLINE = 90.0
#: Requests to each route when the table is written.
MEASURED = 200
ABOUT = """# The matrix

Five scenarios for each of the five providers, as `make matrix` saw them: real HTTP in, Kafka, Postgres out, and the
real client asking a server that plays the model. A test holds every cell to what is expected of it.
"""
ABOUT_TIMES = """
## Response times

From the request to the whole answer, one request after the other, beside everything else that runs the matrix. The
webhook is durable by then.
"""
_ROW = """
SELECT c.*, j.state AS job_state, j.attempts, j.error_class, j.due_at, j.job_id,
       (SELECT count(*) FROM analytics.messages m WHERE m.lead_id = c.lead_id) AS lead_messages,
       (SELECT count(*) FROM analytics.jobs o WHERE o.message_id = c.message_id AND o.type = j.type) AS jobs,
       (SELECT s.state FROM analytics.jobs s WHERE s.message_id = c.message_id AND s.type LIKE 'LEAD_SCORING%%')
           AS scoring,
       (SELECT count(*) FROM analytics.ai_interactions a WHERE a.job_id = j.job_id) AS ai_calls,
       (SELECT is_suppressed FROM analytics.leads l WHERE l.lead_id = c.lead_id) AS is_suppressed
FROM analytics.conversations c
JOIN analytics.jobs j ON j.message_id = c.message_id AND j.type LIKE '%%_INBOUND_POST_PROCESS'
JOIN analytics.webhook_receipts r ON r.receipt_id = c.receipt_id
WHERE c.receipt_id = ANY(%s)
"""

_VERDICT = """
SELECT verdict, reason, coalesce(cardinality(message_ids), 0) FROM analytics.webhook_receipts WHERE receipt_id = %s
"""


@dataclass
class Matrix:
    """A stack whose jobs ask a sandbox, and what was posted to it."""

    stack: Stack
    sandbox_url: str
    #: One for all: making a client takes longer than the answer it waits for.
    client: httpx.Client
    seconds: dict[str, list[float]] = field(default_factory=dict)
    receipts: dict[Case, list[str]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def post(self, case: Case, content: bytes | None = None) -> str:
        """Post the case's webhook once more, or another body in its name; remember the time. Returns its receipt."""
        url = f"{self.stack.ingest_url}{case.path}"
        headers = {"content-type": "application/json", **case.headers}
        began = time.perf_counter()
        answer = self.client.post(url, headers=headers, content=content or case.content)
        if case.scenario != "largest":
            self.seconds.setdefault(case.path.partition("?")[0], []).append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text
        receipt: str = answer.json()["receipt_id"]
        self.receipts.setdefault(case, []).append(receipt)
        return receipt

    def ask(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows."""
        with psycopg.connect(self.stack.database_url) as connection:
            return connection.execute(query, parameters).fetchall()

    def verdict(self, receipt: str) -> tuple[Any, ...]:
        """Verdict, reason and number of messages of a webhook, once it has them."""
        give_up = time.monotonic() + DEADLINE
        while not (found := self.ask(_VERDICT, receipt)):
            assert time.monotonic() < give_up, "no verdict"
            time.sleep(0.1)
        return found[0]

    def row(self, case: Case, settled: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The message's row of the case, once it is as `settled` wants it."""
        give_up = time.monotonic() + DEADLINE
        row: dict[str, Any] | None = None
        with psycopg.connect(self.stack.database_url, autocommit=True, row_factory=dict_row) as connection:
            while time.monotonic() < give_up:
                row = connection.execute(_ROW, [self.receipts[case]]).fetchone()
                if row is not None and settled(row):
                    return row
                time.sleep(0.1)
        pytest.fail(f"{case.name}: still {row}")

    def key(self, accepted: str) -> None:
        """Change the key the model's server accepts."""
        httpx.patch(f"{self.sandbox_url}/control", json={"key": accepted}, trust_env=False)

    def tell(self, case: Case, row: dict[str, Any]) -> None:
        """A line of the table."""
        cells = (
            case.provider,
            case.scenario,
            row["label"] or "",
            row["job_state"],
            row["attempts"],
            row["draft_state"] or "",
            row["decision"] or "",
            row["overall"] or "",
            row["ai_calls"],
        )
        self.lines.append(f"| {' | '.join(map(str, cells))} |")


@pytest.fixture(scope="module")
def matrix(shared_services: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    """One stack for all cells: each has a lead of its own."""
    (port,) = free_ports(1)
    log = (tmp_path_factory.mktemp("sandbox") / "log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "operations.dev.sandbox.ai_server", "--port", str(port)], stdout=log, stderr=log
    )
    try:
        environment = {
            **shared_services,
            "AI_PROVIDER": "openai",
            "AI_BASE_URL": f"http://127.0.0.1:{port}/v1",
            "OPENAI_API_KEY": "sandbox-key",
            "HEADRACE_RETRY_TIERS": "4,8",
            "HEADRACE_BREAKER_SECONDS": "2",
        }
        with running_stack(environment) as stack, httpx.Client(trust_env=False) as client:
            found = Matrix(stack, f"http://127.0.0.1:{port}", client)
            yield found
            _report(found)
    finally:
        server.terminate()
        server.wait(timeout=10)
        log.close()


def finished(row: dict[str, Any]) -> bool:
    """Both jobs ended, and their last decision is projected: `jobs` and `enrichments` are read side by side."""
    scored = row["scoring"] == "died" or row["overall"] is not None
    return row["job_state"] in ("succeeded", "died") and row["scoring"] in ("succeeded", "died") and scored


def cell(matrix: Matrix, provider: str, scenario: Scenario) -> tuple[Case, dict[str, Any]]:
    case = Case(provider, scenario)
    matrix.post(case)
    return case, matrix.row(case, finished)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_interested_reply_is_labelled_drafted_decided_and_scored(matrix: Matrix, provider: str) -> None:
    case, row = cell(matrix, provider, "interested")
    matrix.tell(case, row)
    assert row["label"] in POSITIVE
    assert (row["job_state"], row["attempts"]) == ("succeeded", 1)
    assert row["draft_state"] == "open"
    assert row["draft"]
    assert row["ai_calls"] >= 2
    if provider == "unipile":
        assert (row["decision"], row["decision_reasons"]) == ("needs_review", ["linkedin_is_sent_by_hand"])
    else:
        assert (row["decision"], row["decision_reasons"]) == ("send_at", [])
        assert row["send_at"] > row["received_at"]
    assert row["overall"] >= 3
    assert not row["is_suppressed"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_bare_thanks_is_neutral_and_drafts_nothing(matrix: Matrix, provider: str) -> None:
    case, row = cell(matrix, provider, "thanks")
    matrix.tell(case, row)
    assert (row["label"], row["job_state"], row["draft_state"]) == ("Neutral", "succeeded", None)
    assert row["decision"] in (None, "blocked")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_remove_me_suppresses_the_lead_without_asking_a_model(matrix: Matrix, provider: str) -> None:
    case, row = cell(matrix, provider, "remove me")
    matrix.tell(case, row)
    assert (row["label"], row["is_opt_out"], row["is_suppressed"]) == ("Blacklist", True, True)
    assert (row["job_state"], row["draft_state"], row["ai_calls"]) == ("succeeded", None, 0)
    assert (row["fit"], row["intent"], row["overall"]) == (1, 1, 1)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_same_payload_twice_is_one_message_and_one_job(matrix: Matrix, provider: str) -> None:
    case = Case(provider, "twice")
    matrix.post(case)
    matrix.post(case)
    row = matrix.row(case, finished)
    matrix.tell(case, row)
    verdicts = sorted(matrix.verdict(receipt)[0] for receipt in matrix.receipts[case])
    assert verdicts == ["duplicate", "fresh"]
    assert (row["lead_messages"], row["jobs"], row["attempts"]) == (1, 1, 1)


def test_the_story_of_a_job_begins_with_the_raw_request(matrix: Matrix) -> None:
    case, row = cell(matrix, "emailbison", "remove me")
    story = json.loads(matrix.stack.headrace("trace", str(row["job_id"]), "--json"))
    found = list(nodes(story["trees"]))
    assert [node["id"] for node in story["trees"]] == [matrix.receipts[case][0]]
    assert [node["what"] for node in found if node.get("is_asked_for")] == ["job"]
    kinds = Counter(node["what"] for node in found)
    assert (kinds["fact"], kinds["suppression"], kinds["step"], kinds["lead score"]) == (1, 1, 8, 1)
    # In the order of the broker's times.
    assert story["trees"][0]["children"][0]["what"] == "raw request"
    assert (story["unfinished"], story["looked"]["gaps"], story["problems"]) == ([], [], [])


def nodes(trees: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every node of a story, parents first."""
    for node in trees:
        yield node
        yield from nodes(node.get("children", []))


def test_a_bad_key_is_a_visible_retry_and_no_label(matrix: Matrix) -> None:
    """All providers at once: a wrong key concerns the whole installation."""
    cases = [Case(provider, "bad key") for provider in PROVIDERS]
    matrix.key("another key")
    for case in cases:
        matrix.post(case)
    waiting = [matrix.row(case, lambda row: row["job_state"] == "waiting" and row["attempts"] >= 1) for case in cases]
    matrix.key("sandbox-key")
    assert {(row["attempts"], row["label"], row["due_at"] is not None) for row in waiting} == {(1, None, True)}
    assert all(row["error_class"] for row in waiting)
    for case in cases:
        row = matrix.row(case, finished)
        matrix.tell(case, row)
        assert (row["job_state"], row["attempts"]) == ("succeeded", 2)
        assert row["label"] in POSITIVE


def test_a_body_just_under_the_limit_gets_through_every_topic_and_client(matrix: Matrix) -> None:
    cases = [Case(provider, "largest") for provider in PROVIDERS]
    for case in cases:
        assert len(case.content) == BODY_LIMIT - 1
        matrix.post(case)
    query = "SELECT body FROM analytics.messages WHERE receipt_id = ANY(%s)"
    for case in cases:
        row = matrix.row(case, finished)
        assert row["job_state"] == "succeeded"
        with psycopg.connect(matrix.stack.database_url) as connection:
            assert connection.execute(query, [matrix.receipts[case]]).fetchall() == [(TEXTS["largest"],)]


def test_a_blank_message_is_ignored_and_a_reply_without_words_of_its_own_is_neutral(matrix: Matrix) -> None:
    blank = Case("ghl", "thanks", number=1)
    assert matrix.verdict(matrix.post(blank, json.dumps(blank.saying("  ")).encode())) == (
        "ignored",
        "empty message",
        0,
    )
    quoted = Case("emailbison", "thanks", number=1)
    body = quoted.saying("\n\nOn Mon, Mar 2, 2026 at 9:00 AM Jo wrote:\n> Interested in a call?")
    matrix.post(quoted, json.dumps(body).encode())
    row = matrix.row(quoted, finished)
    assert (row["label"], row["job_state"], row["draft_state"]) == ("Neutral", "succeeded", None)


def test_the_same_reply_under_two_names_is_one_job(matrix: Matrix) -> None:
    """EmailBison tells a reply as LEAD_REPLIED and, when it is marked, once more as LEAD_INTERESTED."""
    case = Case("emailbison", "interested", number=1)
    matrix.post(case)
    named = case.body | {"event": case.body["event"] | {"type": "LEAD_INTERESTED"}}
    matrix.post(case, json.dumps(named).encode())
    row = matrix.row(case, finished)
    verdicts = [matrix.verdict(receipt)[2] for receipt in matrix.receipts[case]]
    assert len(verdicts) == 2
    assert (row["lead_messages"], row["jobs"], row["attempts"]) == (1, 1, 1)


def _measure(matrix: Matrix) -> None:
    """Enough requests for a quantile: repeats, which cost ingest as much as any and nobody else anything."""
    for provider in PROVIDERS:
        for _ in range(MEASURED):
            matrix.post(Case(provider, "thanks"))


def _report(matrix: Matrix) -> None:
    target = os.environ.get("HEADRACE_MATRIX_FILE")
    if target:
        _measure(matrix)
    names = ("provider", "scenario", "label", "job", "attempts", "draft", "decision", "score", "AI calls")
    table = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}", *sorted(matrix.lines)]
    times = ["| route | requests | p50 ms | p95 ms | p99 ms |", "|---|---|---|---|---|"]
    for route, seconds in matrix.seconds.items():
        ordered = sorted(second * 1000 for second in seconds)
        shown = " | ".join(f"{percentile(ordered, percent):.1f}" for percent in (50, 95, 99))
        times.append(f"| {route} | {len(ordered)} | {shown} |")
    text = "\n".join([ABOUT, *table, ABOUT_TIMES, *times, ""])
    print(f"\n{text}")
    if target:
        Path(target).write_text(text)
