"""Webhooks read again on a real log: shown before anything is written, written once, and no job asked for again."""

import json
from uuid import uuid4

import psycopg
import pytest

from headrace.events.envelope import read_envelope
from headrace.events.receipts import ReceiptJudged
from headrace.events.topics import INBOX, JOBS, MESSAGES, RECEIPTS
from operations.runs.runs import begin
from tests.integration.operations.installation import Installation
from tests.integration.operations.replayed_pipeline import MISREAD, Pipeline


@pytest.fixture
def pipeline(installation: Installation) -> Pipeline:
    return Pipeline(installation)


pytestmark = pytest.mark.usefixtures("topics_created")


def test_a_misread_message_is_shown_then_corrected_once(pipeline: Pipeline) -> None:
    pipeline.receive(1)
    pipeline.receive(2, right=True)
    planned = pipeline.outcome()
    plan = planned["plan"]
    assert (plan["webhooks"], plan["same"], plan["would_change"]) == (2, 1, 1)
    assert plan["messages"]["fields"] == {"text": 1}
    assert (planned["executed"], plan["events"]) == (False, 1)
    assert MISREAD not in json.dumps(planned), "what people wrote is shown only when asked for"
    assert MISREAD in pipeline.replay("--text").output
    assert len(pipeline.records(MESSAGES)) == 2, "a plan writes nothing"

    done = pipeline.outcome("--execute")

    first, _, corrected = pipeline.records(MESSAGES)
    if first.partition != corrected.partition:
        pytest.fail("the correction left the partition of its lead")
    was, is_ = read_envelope(first.headers), read_envelope(corrected.headers)
    assert (is_.id, is_.receipt_id, is_.correction) == (was.id, was.receipt_id, done["run_id"])
    assert pipeline.events(MESSAGES)[2].text == "the true words 1"
    assert pipeline.outcome()["plan"]["would_change"] == 0
    assert pipeline.outcome("--execute")["plan"]["events"] == 0
    assert len(pipeline.records(MESSAGES)) == 3
    assert pipeline.records(JOBS) == []
    pipeline.installation.project()
    with psycopg.connect(pipeline.settings.database_url) as connection:
        rows = connection.execute("SELECT text FROM analytics.messages ORDER BY text").fetchall()
    assert rows == [("the true words 1",), ("the true words 2",)]


def test_what_was_ignored_becomes_a_message_and_its_verdict_follows(pipeline: Pipeline) -> None:
    pipeline.receive(1, ignored=True)
    done = pipeline.outcome("--execute")["plan"]
    assert (done["new_messages"], done["verdicts"]) == (1, {"ignored → fresh": 1})
    (fact,) = pipeline.events(INBOX)
    verdict: ReceiptJudged = pipeline.events(RECEIPTS)[-1]
    assert (verdict.verdict, verdict.message_ids) == ("fresh", (fact.message_id,))
    again = pipeline.outcome("--execute")["plan"]
    assert (again["unsettled"], again["events"]) == (1, 0), "until it is resolved it is under way, not new"


def test_a_message_that_would_get_another_id_is_held_back(pipeline: Pipeline) -> None:
    pipeline.receive(1, renamed=True)
    before = len(pipeline.records(INBOX))
    done = pipeline.outcome("--execute")["plan"]
    assert (done["held_back"], done["events"], done["vanished_messages"]) == ({"renamed": 1}, 0, 1)
    assert len(pipeline.records(INBOX)) == before


def test_two_operators_are_serialised_by_name(pipeline: Pipeline) -> None:
    pipeline.receive(1)
    with begin(
        pipeline.settings.database_url,
        verb="replay webhooks",
        subjects=["webhooks:ghl"],
        scope={},
        started_by="pat",
        run_id=uuid4(),
    ):
        refused = pipeline.replay("--execute")
    assert refused.exit_code == 2
    assert "by pat" in refused.output
    assert len(pipeline.records(MESSAGES)) == 1
