"""The jobs worker as it is run, with a model that takes its time and always says: interested, drafted, safe to send."""

import argparse
from datetime import UTC, datetime
from decimal import Decimal

from pydantic import BaseModel

from headrace.settings import Settings
from streams.ai.answers import Classified, Draft, ReplyDecision, Score
from streams.ai.asking import Desk
from streams.ai.local_provider import LocalProvider
from streams.ai.pricing import ModelPrice, PriceTable
from streams.ai.provider import Feature
from streams.ai.scripted_provider import Scripted, ScriptedProvider
from streams.ai.tasks import DEFAULT_TIMEOUTS
from streams.jobs.budget_ledger import BudgetLedger
from streams.jobs.desk_ai import ai_of
from streams.jobs.types import JOB_TYPES, label_of
from streams.jobs.workers import AiSeam, jobs_worker

ANSWERS: dict[Feature, BaseModel] = {
    "sentiment.classify": Classified(
        label="Interested", opt_out=False, bounce=False, contains_phone=None, proposed_time=False, confidence=0.95
    ),
    "draft.generate": Draft(outcome="drafted", body="Glad to hear it. What would you like to know first?"),
    "auto_send.evaluate": ReplyDecision(safe_to_send=True, confidence=0.95, concerns=()),
    "lead_scoring.score": Score(fit=3, intent=3, overall=3, reasoning="Interested."),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, required=True, help="seconds a call takes")
    delay = parser.parse_args().delay
    script = {(feature, "*"): [Scripted(value=value, delay_s=delay)] for feature, value in ANSWERS.items()}
    prices = PriceTable({"scripted": ModelPrice(input=Decimal(0), cached=Decimal(0), output=Decimal(0))})
    desk = Desk(provider=ScriptedProvider(script), prices=prices, now=_now)
    embedded = Desk(provider=LocalProvider(), prices=prices, now=_now)
    seam = AiSeam(ai_of(desk, embedded, DEFAULT_TIMEOUTS, BudgetLedger(_now)))
    jobs_worker(Settings(), JOB_TYPES, seam, label_of).run()


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
