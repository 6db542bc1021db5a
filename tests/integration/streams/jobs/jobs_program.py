"""The jobs worker with steps for tests, run as a process of its own. What its steps do is told by the message's text.

`sleep 0.2`: each step takes so long. `fail N`: the step `work` fails in the first N attempts. `die`: it fails for good.
`limit S`: it is rate-limited once, for S seconds. `end`: the first step ends the job. `hang`: `work` never returns.
`crash`: `work` raises what no step should. `exit` and `kill`: it ends the process, by itself and with SIGKILL.
`label`: the first step labels the message. `down`: the dependency is down in the first attempt. `bad`: it emits into
a topic it may not write. `large`: its result does not fit into the log. `ask`: `work` asks a model that costs
something. Every run of a step is appended to the file `--journal`, one line each: job, step, attempt.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headrace.events.enrichments import MessageClassified
from headrace.events.ids import derived_id
from headrace.events.jobs import JobType
from headrace.events.messages import LeadSuppressed
from headrace.settings import Settings
from operations.replay.decide.answers import RecordedAi
from streams.ai import tasks
from streams.ai.answers import Classified
from streams.ai.asking import Desk
from streams.ai.provider import Usage
from streams.ai.questions import Classify, ClassifyFacts, Lead
from streams.ai.scripted_provider import Scripted
from streams.ai.tasks import DEFAULT_TIMEOUTS
from streams.jobs.budget_ledger import BudgetLedger
from streams.jobs.context import StepCall
from streams.jobs.desk_ai import ai_of
from streams.jobs.labelling import Labelled
from streams.jobs.step import Emitted, Step, StepContext, StepFailed, StepOutcome
from streams.jobs.types import JOB_TYPES
from streams.jobs.workers import AiSeam, jobs_worker
from tests.paid_provider import PRICES, PaidProvider

ANSWER = Classified(
    label="Interested", opt_out=False, bounce=False, contains_phone=None, proposed_time=False, confidence=0.9
)
#: What every call costs, micro-USD.
COST = 500
QUESTION = Classify(facts=ClassifyFacts(channel="sms"), lead=Lead(text="yes"))


def words(context: StepContext) -> dict[str, str]:
    """`sleep 1;fail 2` → {"sleep": "1", "fail": "2"}."""
    parts = (part.strip().partition(" ") for part in context.job.message.text.split(";"))
    return {name: value for name, _, value in parts}


class Steps:
    """Steps that write down when they run."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal.open("a", buffering=1)

    async def look(self, context: StepContext) -> StepOutcome:
        """Runs without any dependency, and suppresses the lead when told."""
        await self._run("look", context)
        told = words(context)
        if "end" in told:
            return StepOutcome(ends_job="nothing to do")
        if "suppress" in told:
            return StepOutcome(emitted=(Emitted(topic="messages", event=_suppression(context)),))
        job = context.job
        return StepOutcome(
            result={"seen": len(job.conversation), "lead": job.lead is not None, "label": job.label},
            emitted=(self._classified(context),) if "label" in told else (),
        )

    async def work(self, context: StepContext) -> StepOutcome:
        """Fails as it is told."""
        await self._run("work", context)
        told, attempt = words(context), context.job.attempt
        if "ask" in told:
            await context.ai.ask(lambda caller: tasks.classify(QUESTION, caller))
        if "exit" in told:
            os._exit(1)
        if "kill" in told:
            os.kill(os.getpid(), signal.SIGKILL)
        if "die" in told:
            raise StepFailed("told to", "permanent")
        if attempt <= int(told.get("fail", 0)):
            raise StepFailed("told to", "transient")
        if "limit" in told and attempt == 1:
            raise StepFailed("told to", "rate_limited", retry_after=float(told["limit"]))
        if "down" in told and attempt == 1:
            raise StepFailed("told to", "dependency_down")
        if "crash" in told and attempt == 1:
            raise ZeroDivisionError
        if "hang" in told and attempt == 1:
            await asyncio.sleep(3600)
        if "bad" in told and attempt == 1:
            return StepOutcome(emitted=(Emitted(topic="receipts", event=_suppression(context)),))
        if "large" in told:
            return StepOutcome(result={"after": "x" * 100_000})
        return StepOutcome(result={"after": context.results["look"]["seen"]})

    async def note(self, context: StepContext) -> StepOutcome:
        """Needs what the steps before it found."""
        await self._run("note", context)
        return StepOutcome(result={"after": context.results["work"]["after"]})

    async def score(self, context: StepContext) -> StepOutcome:
        """The one step of scoring."""
        await self._run("score", context)
        return StepOutcome(skipped="no score in tests")

    def _classified(self, context: StepContext) -> Emitted:
        job = context.job
        event = MessageClassified(
            workspace=job.workspace,
            lead_id=job.lead_id,
            message_id=job.message.message_id,
            job_id=job.job_id,
            job_type=job.type,
            step="look",
            receipt_id=job.message.receipt_id,
            at=context.now,
            sent_at=job.message.sent_at,
            received_at=job.message.received_at,
            label="Interested",
            confidence=1.0,
        )
        return Emitted(topic="enrichments", event=event)

    async def _run(self, step: str, context: StepContext) -> None:
        self._journal.write(f"{context.job.job_id} {step} {context.job.attempt}\n")
        await asyncio.sleep(float(words(context).get("sleep", 0)))


def _suppression(context: StepContext) -> LeadSuppressed:
    message = context.job.message
    return LeadSuppressed(
        receipt_id=message.receipt_id,
        workspace=message.workspace,
        lead_id=context.job.lead_id,
        provider=message.provider,
        reason="unsubscribed",
        occurred_at=message.sent_at,
        received_at=message.received_at,
        provider_event=derived_id("test", message.message_id),
    )


def types(steps: Steps, known: set[str], deadline: float) -> dict[str, tuple[Step, ...]]:
    """The same three steps for every post-processing, one for scoring."""
    post_process = (
        Step("look", steps.look),
        Step("work", steps.work, dependency="ai", deadline=deadline),
        Step("note", steps.note),
    )
    scoring: JobType = "LEAD_SCORING_POST_PROCESS"
    return {name: ((Step("score", steps.score),) if name == scoring else post_process) for name in known}


def paid_ai(now: Callable[[], datetime], seconds: float) -> AiSeam:
    """A model whose every answer costs the same, and the budgets it is asked within."""
    desk, ledger = paid_desk(now, seconds), BudgetLedger(now)
    return AiSeam(ai_of(desk, desk, DEFAULT_TIMEOUTS, ledger), ledger)


def paid_desk(now: Callable[[], datetime], seconds: float = 0.02) -> Desk:
    """See `paid_ai`."""
    usage = Usage(input=COST - 100, output=100, source="reported")
    answers = [Scripted(value=ANSWER, usage=usage, delay_s=seconds)]
    return Desk(provider=PaidProvider({("sentiment.classify", "*"): answers}), prices=PRICES, now=now)


def no_ai(call: StepCall) -> RecordedAi:
    return RecordedAi(call, answers=())


def label_of(event: object) -> Labelled | None:
    """The label of a classified message."""
    if not isinstance(event, MessageClassified):
        return None
    return Labelled(
        receipt_id=event.receipt_id,
        workspace=event.workspace,
        lead_id=event.lead_id,
        label=event.label,
        message_id=event.message_id,
        label_at=event.sent_at,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--without", nargs="*", default=[])
    parser.add_argument("--void-when-suppressed", nargs="*", default=[])
    parser.add_argument("--app", default="jobs")
    parser.add_argument("--hours-ahead", type=float, default=0, help="of the wall clock")
    parser.add_argument("--paid", action="store_true", help="with a model that costs something")
    parser.add_argument("--model-seconds", type=float, default=0.02, help="that it takes to answer")
    parser.add_argument("--deadline", type=float, default=2.0, help="of the step `work`, seconds")
    arguments = parser.parse_args()
    known = set(JOB_TYPES) - set(arguments.without)
    job_types = types(Steps(arguments.journal), known, arguments.deadline)
    void = frozenset(arguments.void_when_suppressed)

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(hours=arguments.hours_ahead)

    ai = paid_ai(now, arguments.model_seconds) if arguments.paid else AiSeam(no_ai)
    jobs_worker(Settings(), job_types, ai, label_of, void, arguments.app, now).run()


if __name__ == "__main__":
    main()
