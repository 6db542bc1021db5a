"""The ledger of AI budgets: other workers' calls and those before a restart count, and none counts twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from headrace.events.ai import AiCalled
from headrace.events.codec import Codec
from headrace.events.envelope import Envelope
from headrace.events.records import Record
from headrace.events.workspaces import JobSettings
from streams.jobs.budget_ledger import BudgetLedger
from streams.jobs.context import Profile
from streams.jobs.step import StepFailed

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
LIMIT = 100
CODEC = Codec()
ACME = Profile("acme", "Acme", "America/New_York", JobSettings(ai_budget_micro_usd_per_day=LIMIT))


def call(
    cost: int | None, *, number: int = 1, at: datetime = NOW, workspace: str = "acme", most: int | None = None
) -> AiCalled:
    return AiCalled(
        receipt_id="r",
        workspace=workspace,
        lead_id="l",
        message_id="m",
        job_id="j",
        step="classify",
        attempt=1,
        call=number,
        called_at=at,
        source="background-job/sms-inbound-post-process",
        feature="sentiment.classify",
        prompt_key="classify",
        prompt_version=1,
        prompt_sha256="",
        provider="openai",
        api="chat_completions",
        model="m",
        usage_source="reported",
        billing="metered",
        cost_micro_usd=cost,
        most_micro_usd=most,
        price_version="",
        latency_ms=1,
        status="ok",
    )


def record(event: Any) -> Record:
    type_ = CODEC.type_of(event)
    headers = Envelope(id="1", type=type_, source="/test", time=NOW).headers()
    return Record("ai-interactions", 0, 0, b"", CODEC.encode(event), headers, 0)


def ledger(*read: Any, now: datetime = NOW) -> BudgetLedger:
    """As after a start that found these records."""
    made = BudgetLedger(lambda: now)
    made.begin()
    made.take([one if isinstance(one, Record) else record(one) for one in read])
    made.reached_end()
    return made


def left(of: BudgetLedger) -> int:
    """What a call may still cost at most."""
    fitting = 0
    for most in range(1, LIMIT + 1):
        try:
            of.reserve(ACME, "probe", most)
        except StepFailed:
            break
        of.settle(ACME, "probe", ())
        fitting = most
    return fitting


def test_a_start_reads_what_was_spent_today_by_anybody() -> None:
    yesterday = datetime(2026, 3, 2, 4, 59, tzinfo=UTC)
    found = ledger(call(30), call(20, number=2), call(40, at=yesterday), call(9, workspace="other"))
    assert left(found) == 50


def test_a_call_of_ones_own_counts_once_before_and_after_it_is_read_back() -> None:
    found = ledger()
    found.reserve(ACME, "a", 80)
    assert left(found) == 20
    mine = call(30)
    found.settle(ACME, "a", [mine])
    assert left(found) == 70
    found.take([record(mine)])
    assert left(found) == 70
    found.take([record(call(5, number=2))])
    assert left(found) == 65


def test_starting_over_counts_nothing_twice_and_forgets_nothing_meanwhile() -> None:
    first, mine = call(30), call(20, number=2)
    found = ledger(first)
    found.reserve(ACME, "a", 40)
    found.settle(ACME, "a", [mine])
    found.begin()
    found.take([record(first), record(mine)])
    assert left(found) == 50, "until the end is reached, what was known before counts"
    found.reached_end()
    assert left(found) == 50


def test_a_call_of_unknown_cost_counts_as_the_most_it_may_have_cost() -> None:
    found = ledger(call(None, most=60))
    assert left(found) == 40
    found.settle(ACME, "a", [call(None, number=2, most=10)])
    assert left(found) == 30


def test_what_nobody_can_read_stops_nothing() -> None:
    broken = replace(record(call(1)), value=b"{", offset=7)
    assert left(ledger(broken, call(30))) == 70


def test_over_budget_says_when_the_workspaces_next_day_begins() -> None:
    with pytest.raises(StepFailed) as caught:
        ledger(call(90)).reserve(ACME, "a", 11)
    assert (caught.value.reason, caught.value.error_class) == ("over_budget", "over_budget")
    assert caught.value.retry_after == timedelta(hours=14).total_seconds()


def test_the_next_day_is_a_new_one() -> None:
    now = NOW
    found = BudgetLedger(lambda: now)
    found.begin()
    found.take([record(call(90))])
    found.reached_end()
    assert left(found) == 10
    now = NOW + timedelta(hours=14)
    assert left(found) == LIMIT


def test_workers_share_by_their_partitions() -> None:
    found = ledger(call(20))
    found.take_share(2, 8)
    assert left(found) == 20
    found.take_share(8, 8)
    assert left(found) == 80
