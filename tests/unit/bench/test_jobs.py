"""The speed of calls is that of the middle of the run, and of no other calls than were expected."""

import pytest

from bench.failure import BenchmarkFailed
from bench.jobs import calls_per_second
from bench.jobs_log import TEXT, lead, message
from bench.jobs_worker import DRAFT
from streams.ai.draft_checks import DraftContext, check_draft
from streams.jobs.requests import job_for


def test_the_slow_start_and_end_do_not_count() -> None:
    counts = [(0.0, 0), (1.0, 10), (2.0, 200), (3.0, 500), (4.0, 800), (9.0, 990), (20.0, 1000)]
    assert calls_per_second(counts, 1000) == 300


@pytest.mark.parametrize("counts", [[(0.0, 0), (1.0, 900)], [(0.0, 0), (1.0, 1100)], [(0.0, 0), (1.0, 1000)]])
def test_missing_repeated_and_unseen_calls_fail(counts: list[tuple[float, int]]) -> None:
    with pytest.raises(BenchmarkFailed):
        calls_per_second(counts, 1000)


def test_a_message_asks_for_a_job_of_its_own_lead() -> None:
    job = job_for(message(7, "w1"))
    assert job is not None
    assert (job.lead_id, job.workspace) == (lead(7), "w1")
    assert lead(7) != lead(8)


def test_the_draft_passes_the_checks_so_that_no_second_one_is_written() -> None:
    context = DraftContext(
        channel="sms",
        label="Interested",
        written=message(1, "w").sent_at,
        timezone="UTC",
        lead_text=TEXT,
    )
    assert DRAFT.body is not None
    assert not check_draft(DRAFT.body, context)
