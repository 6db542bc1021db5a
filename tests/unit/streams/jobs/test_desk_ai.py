"""The AI seam of a step: every call is recorded, also failed ones, and a budget is kept."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from headrace.events.jobs import StepAnswer
from headrace.events.workspaces import JobSettings
from streams.ai import tasks
from streams.ai.answers import Classified
from streams.ai.asking import Desk
from streams.ai.pricing import PriceTable
from streams.ai.provider import AIRetryable, Caller, Usage
from streams.ai.questions import Classify, ClassifyFacts, Lead
from streams.ai.scripted_provider import Scripted
from streams.ai.tasks import DEFAULT_TIMEOUTS
from streams.jobs.budget_ledger import BudgetLedger
from streams.jobs.context import Profile, StepCall
from streams.jobs.desk_ai import DeskAi
from streams.jobs.recorded_answers import AnswerUnfit, answers_question, as_result
from streams.jobs.step import JobInput, StepFailed
from tests.paid_provider import PRICES, PaidProvider
from tests.unit.streams.jobs.sms import sms

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
ANSWER = Classified(
    label="Interested", opt_out=False, bounce=False, contains_phone=None, proposed_time=False, confidence=0.9
)
USAGE = Usage(input=400, output=100, source="reported")
CALLER = Caller(
    receipt_id="r",
    workspace="acme",
    lead_id="l",
    message_id="m",
    job_id="j",
    job_type="SMS_INBOUND_POST_PROCESS",
    step="classify",
)


def step_call(limit: int | None) -> StepCall:
    message = sms(NOW, "yes", lead_id="l")
    job = JobInput(
        job_id="j",
        type="SMS_INBOUND_POST_PROCESS",
        attempt=2,
        generation=1,
        workspace="acme",
        lead_id="l",
        message=message,
        conversation=(message,),
        lead=None,
        suppressed_reason=None,
        label=None,
        label_at=None,
    )
    profile = Profile("acme", "Acme", "UTC", JobSettings(ai_budget_micro_usd_per_day=limit))
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    return StepCall(job=job, step="classify", workspace=profile, receipt_id="r", traceparent=trace)


def seam(ledger: BudgetLedger, limit: int | None, *answers: Scripted, prices: PriceTable = PRICES) -> DeskAi:
    script: Mapping[Any, Any] = {("sentiment.classify", "*"): answers}
    desk = Desk(provider=PaidProvider(script), prices=prices, now=lambda: NOW)
    return DeskAi(step_call(limit), desk, desk, DEFAULT_TIMEOUTS, ledger)


async def asked(ai: DeskAi) -> Any:
    question = Classify(facts=ClassifyFacts(channel="sms"), lead=Lead(text="yes"))
    return await ai.ask(lambda caller: tasks.classify(question, caller))


async def test_a_call_is_recorded_once_with_its_ids() -> None:
    ai = seam(BudgetLedger(lambda: NOW), None, Scripted(value=ANSWER, usage=USAGE))
    await asked(ai)
    (call,) = ai.take_calls()
    assert (call.job_id, call.step, call.attempt) == ("j", "classify", 2)
    assert call.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert ai.take_calls() == ()


async def test_an_answer_is_kept_so_that_nobody_need_ask_again() -> None:
    ai = seam(BudgetLedger(lambda: NOW), None, Scripted(value=ANSWER, usage=USAGE))
    given = await asked(ai)
    (kept,) = ai.take_answers()
    assert ai.take_answers() == ()
    wire = msgspec.json.decode(msgspec.json.encode(kept), type=StepAnswer)
    task = tasks.classify(Classify(facts=ClassifyFacts(channel="sms"), lead=Lead(text="yes")), CALLER)
    again = as_result(wire, task)
    assert answers_question(wire, task, embedded=False)
    assert (again.value, again.model, again.prompt.canary) == (given.value, given.model, given.prompt.canary)
    assert again.calls == (), "no call was made"
    other = tasks.classify(Classify(facts=ClassifyFacts(channel="sms"), lead=Lead(text="no")), CALLER)
    assert not answers_question(wire, other, embedded=False), "other words are another question"
    assert not answers_question(wire, task, embedded=True)


async def test_an_answer_that_fits_no_schema_any_more_is_refused() -> None:
    ai = seam(BudgetLedger(lambda: NOW), None, Scripted(value=ANSWER, usage=USAGE))
    await asked(ai)
    (kept,) = ai.take_answers()
    task = tasks.classify(Classify(facts=ClassifyFacts(channel="sms"), lead=Lead(text="yes")), CALLER)
    with pytest.raises(AnswerUnfit, match=r"sentiment\.classify"):
        as_result(replace(kept, value={"label": "Unheard of"}), task)


async def test_a_failed_call_is_recorded_too() -> None:
    ai = seam(BudgetLedger(lambda: NOW), None, Scripted(error=(AIRetryable, "timeout")))
    with pytest.raises(AIRetryable):
        await asked(ai)
    assert [call.error for call in ai.take_calls()] == ["timeout"]


async def test_a_budget_ends_for_the_day_and_begins_anew() -> None:
    now = NOW
    ledger = BudgetLedger(lambda: now)
    limit = 1_000
    await asked(
        seam(ledger, limit * 100, Scripted(value=ANSWER, usage=Usage(input=900, output=100, source="reported")))
    )
    with pytest.raises(StepFailed) as caught:
        await asked(seam(ledger, limit, Scripted(value=ANSWER)))
    assert (caught.value.reason, caught.value.error_class) == ("over_budget", "over_budget")
    assert caught.value.retry_after == 9 * 3600
    now = NOW + timedelta(days=1)
    await asked(seam(ledger, limit * 100, Scripted(value=ANSWER)))


async def test_tries_count_on_over_the_questions_of_a_step() -> None:
    ai = seam(BudgetLedger(lambda: NOW), None, *[Scripted(value=ANSWER, usage=USAGE)] * 2)
    await asked(ai)
    await asked(ai)
    assert [call.call for call in ai.take_calls()] == [1, 2]


async def test_a_try_of_unknown_cost_says_what_it_may_have_cost() -> None:
    ai = seam(BudgetLedger(lambda: NOW), None, Scripted(value=ANSWER, usage=USAGE), Scripted(value=ANSWER, usage=None))
    await asked(ai)
    await asked(ai)
    known, unknown = ai.take_calls()
    assert (known.cost_micro_usd, known.most_micro_usd) == (500, None)
    assert unknown.cost_micro_usd is None
    assert (unknown.most_micro_usd or 0) > 500


async def test_a_failed_call_gives_its_reservation_back_unless_it_may_be_billed() -> None:
    ledger = BudgetLedger(lambda: NOW)
    for _ in range(20):
        with pytest.raises(AIRetryable):
            await asked(seam(ledger, 20_000, Scripted(error=(AIRetryable, "connection"))))
    await asked(seam(ledger, 20_000, Scripted(value=ANSWER)))


async def test_a_budget_without_a_price_lets_nothing_through() -> None:
    ai = seam(BudgetLedger(lambda: NOW), 1_000_000, Scripted(value=ANSWER), prices=PriceTable({}))
    with pytest.raises(StepFailed, match="price_unknown"):
        await asked(ai)
