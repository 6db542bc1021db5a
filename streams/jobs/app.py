"""The jobs app as it is run: the worker with its job types and the model the settings choose."""

from datetime import UTC, datetime

from headrace.kafka.faust.worker import Worker
from headrace.settings import Settings
from streams.ai.asking import Desk
from streams.ai.chosen import ai_desk, price_table, timeouts
from streams.ai.local_provider import LocalProvider
from streams.ai.pricing import FREE_PROVIDERS
from streams.jobs.budget_ledger import BudgetLedger
from streams.jobs.desk_ai import ai_of
from streams.jobs.reading_pool import ReadingPool
from streams.jobs.types import JOB_TYPES, label_of
from streams.jobs.workers import AiSeam, jobs_worker


def jobs_app(settings: Settings) -> Worker:
    """Nothing connects before `run`. Raises AISettingsError when the settings of the model don't add up."""
    readers = ReadingPool(settings)
    embedded = Desk(provider=LocalProvider(read_of=readers.of), prices=price_table(settings), now=_now)
    desk = ai_desk(settings, readers.of)
    ledger = BudgetLedger(_now)
    # Where answers cost nothing there is no budget to keep, and no day to read back.
    is_free = desk.provider.name in FREE_PROVIDERS
    ai = ai_of(desk, embedded, timeouts(settings), ledger, readers.of)
    seam = AiSeam(ai, None if is_free else ledger, readers)
    return jobs_worker(settings, JOB_TYPES, seam, label_of)


def _now() -> datetime:
    return datetime.now(UTC)
