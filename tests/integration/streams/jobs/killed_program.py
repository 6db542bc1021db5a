"""The jobs worker with the steps of the product, which ends itself with SIGKILL where the test says.

The file `--kills` holds lines `<step> before` and `<step> after`: before the step begins, and when it has its answer
but nothing of it is written yet. Each is done once and noted in `--kills-done`; every run of a step is a line of
`--journal`: job, step, attempt. Killed, the worker is started again, in a process that has the imports already. Its
model costs something.
"""

import argparse
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from headrace.settings import Settings
from streams.ai.answers import Classified, Draft, ReplyDecision, Score
from streams.ai.asking import Desk
from streams.ai.provider import Usage
from streams.ai.scripted_provider import Scripted
from streams.ai.tasks import DEFAULT_TIMEOUTS
from streams.jobs.budget_ledger import BudgetLedger
from streams.jobs.desk_ai import ai_of
from streams.jobs.step import Step, StepContext, StepOutcome
from streams.jobs.types import JOB_TYPES, label_of
from streams.jobs.workers import AiSeam, jobs_worker
from tests.paid_provider import PRICES, PaidProvider

USAGE = Usage(input=400, output=100, source="reported")
ANSWERS: dict[Any, Any] = {
    "sentiment.classify": Classified(
        label="Interested", opt_out=False, bounce=False, contains_phone=None, proposed_time=False, confidence=0.95
    ),
    "draft.generate": Draft(outcome="drafted", body="Glad to hear it. What would you like to know first?"),
    "auto_send.evaluate": ReplyDecision(safe_to_send=True, confidence=0.95, concerns=()),
    "lead_scoring.score": Score(fit=2, intent=3, overall=3, reasoning="Wants to know more."),
}


class Killer:
    """Ends the process where it is told to."""

    def __init__(self, kills: Path, done: Path, journal: Path) -> None:
        self._left = set(kills.read_text().splitlines()) - set(done.read_text().splitlines())
        self._done = done.open("a", buffering=1)
        self._journal = journal.open("a", buffering=1)

    def wrapped(self, step: Step) -> Step:
        """The same step, within reach of a kill."""

        async def run(context: StepContext) -> StepOutcome:
            self._kill(f"{step.name} before")
            self._journal.write(f"{context.job.job_id} {step.name} {context.job.attempt}\n")
            outcome = await step.run(context)
            self._kill(f"{step.name} after")
            return outcome

        return replace(step, run=run)

    def _kill(self, point: str) -> None:
        if point in self._left:
            self._done.write(f"{point}\n")
            os.kill(os.getpid(), signal.SIGKILL)


def work(kills: Path, done: Path, journal: Path) -> None:
    """One life of the worker."""
    killer = Killer(kills, done, journal)
    types = {name: tuple(killer.wrapped(step) for step in steps) for name, steps in JOB_TYPES.items()}
    script = {(feature, "*"): [Scripted(value=value, usage=USAGE)] for feature, value in ANSWERS.items()}

    def now() -> datetime:
        return datetime.now(UTC)

    desk = Desk(provider=PaidProvider(script), prices=PRICES, now=now)
    ledger = BudgetLedger(now)
    jobs_worker(Settings(), types, AiSeam(ai_of(desk, desk, DEFAULT_TIMEOUTS, ledger), ledger), label_of).run()


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--kills", "--kills-done", "--journal"):
        parser.add_argument(name, type=Path, required=True)
    given = parser.parse_args()
    given.kills_done.touch()
    while True:
        child = os.fork()
        if child == 0:
            work(given.kills, given.kills_done, given.journal)
            return
        signal.signal(signal.SIGTERM, lambda *_, pid=child: os.kill(pid, signal.SIGTERM))
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
