"""Buys missing answers for a run that decides again: within its budget, each call in the log like any other."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from headrace.events.ai import AiCalled
from headrace.events.codec import Codec
from headrace.events.envelope import Envelope, read_envelope
from headrace.events.ids import event_id
from headrace.events.jobs import StepAnswer
from headrace.events.topics import AI_INTERACTIONS
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.kafka.log_offsets import LogOffsets
from headrace.kafka.log_records import read_ranges
from headrace.kafka.partitioning import key_partition
from headrace.settings import Settings
from operations.replay.decide.answers import AnswerMissing, RecordedAi
from operations.replay.decide.plan import DecideWork, decide_lead
from operations.replay.decide.records import SOURCE
from operations.replay.spending import MissingAnswers, Spender, desk_of
from operations.runs.run_budget import RunBudget, cost_of
from operations.runs.runs import Run
from projections.projection import decode_event
from streams.ai.provider import AIResult, AITask, Caller
from streams.jobs.context import StepCall
from streams.jobs.step_ai import A, StepAi


class Calls:
    """Writes the records of a run's calls. Tries count on over all questions of a step; nobody ran an attempt."""

    def __init__(self, settings: Settings, run_id: str, outbox: Outbox) -> None:
        self._settings = settings
        self._run_id = run_id
        self._outbox = outbox
        self._codec = Codec()
        self._tries: defaultdict[tuple[str, str], int] = defaultdict(int)

    async def keep(self, _call: StepCall, calls: Sequence[AiCalled]) -> None:
        """See `operations.replay.spending.Keep`."""
        if calls:
            await self._outbox.send([self._record(one) for one in calls])

    def _record(self, call: AiCalled) -> OutRecord:
        self._tries[call.job_id, call.step] += 1
        call = msgspec.structs.replace(call, attempt=0, call=self._tries[call.job_id, call.step])
        type_ = self._codec.type_of(call)
        envelope = Envelope(
            id=event_id(type_, call.job_id, call.step, str(call.call), call.called_at.isoformat(), self._run_id),
            type=type_,
            source=SOURCE,
            time=call.called_at,
            subject=call.lead_id,
            receipt_id=call.receipt_id,
            workspace=call.workspace,
            correction=self._run_id,
        )
        key = call.lead_id.encode()
        place = self._settings.topic(AI_INTERACTIONS), key_partition(key, self._settings.partitions)
        return OutRecord(*place, key, self._codec.encode(call), envelope.headers())


def buyer_of(settings: Settings, run: Run, limit: int, outbox: Outbox) -> MissingAnswers:
    """The buyer of a run, which may have spent something before. Raises SpendingRefused, KafkaUnreachable."""
    budget = RunBudget(limit, spent_by(settings, run))
    calls = Calls(settings, str(run.run_id), outbox)
    return MissingAnswers(Spender(desk_of(settings), settings, budget, calls.keep, lambda task: task))


def spent_by(settings: Settings, run: Run) -> int:
    """What the calls of a run cost so far, by the log: micro-USD."""
    spent = 0
    for record in read_ranges(settings, LogOffsets(settings).window([settings.topic(AI_INTERACTIONS)], run.started_at)):
        if read_envelope(record.headers).correction == str(run.run_id):
            spent += cost_of(decode_event(record))
    return spent


class _PricingAi(RecordedAi):
    """Adds up what the missing questions may cost, and asks nobody."""

    def __init__(self, call: StepCall, answers: Sequence[StepAnswer], pricing: "Pricing") -> None:
        super().__init__(call, answers)
        self._pricing = pricing

    async def ask(self, task_of: Callable[[Caller], AITask[A]], *, embedded: bool = False) -> AIResult[A]:
        """Raises AnswerMissing."""
        try:
            return await super().ask(task_of, embedded=embedded)
        except AnswerMissing as missing:
            self._pricing.add(missing.task, embedded=embedded)
            raise


class Pricing:
    """The least that is to be asked, and what it may cost: what follows from the answers comes on top."""

    def __init__(self, spender: Spender) -> None:
        self.questions = 0
        #: None when the model has no price.
        self.most_micro_usd: int | None = 0
        self._spender = spender

    def seam(self, call: StepCall, answers: Sequence[StepAnswer]) -> StepAi:
        """See `operations.replay.decide.deciding.Asking`."""
        return _PricingAi(call, answers, self)

    def add(self, task: AITask[Any], *, embedded: bool) -> None:
        """One more question."""
        self.questions += 1
        most = 0 if embedded else self._spender.most(task)
        self.most_micro_usd = None if most is None or self.most_micro_usd is None else self.most_micro_usd + most


async def priced(settings: Settings, work: DecideWork) -> Pricing:
    """What the missing answers of a plan may cost. Nobody is asked. Raises SpendingRefused."""
    pricing = Pricing(Spender(desk_of(settings), settings, RunBudget(0), _kept_nowhere, lambda task: task))
    for lead_id, one in work.decided.items():
        if one.undecided:
            await decide_lead(work.cases.leads[lead_id], work.profile_then, pricing.seam)
    return pricing


async def _kept_nowhere(_call: StepCall, _calls: Sequence[AiCalled]) -> None:
    """No call is made."""
