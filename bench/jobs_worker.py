"""The jobs worker of the benchmarks: steps that do nothing, steps that wait, or the real ones with a model in no time.

python -m bench.jobs_worker {nothing,waiting,real} [--seconds S]
"""

import argparse
import asyncio
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.place import environment, module, running, wait_for_line
from headrace.settings import Settings
from operations.dev.home import Home
from operations.replay.decide.answers import RecordedAi
from streams.ai.answers import Classified, Draft, Score
from streams.ai.asking import Desk
from streams.ai.pricing import PriceTable
from streams.ai.scripted_provider import Scripted, ScriptedProvider
from streams.ai.tasks import DEFAULT_TIMEOUTS
from streams.jobs.budget_ledger import BudgetLedger
from streams.jobs.context import StepCall
from streams.jobs.desk_ai import ai_of
from streams.jobs.step import Step, StepContext, StepOutcome
from streams.jobs.types import JOB_TYPES, label_of
from streams.jobs.workers import AiSeam, jobs_worker

#: What the worker says once it may run jobs.
READY = '"jobs.ready"'
_START_SECONDS = 300.0

INTERESTED = Classified(
    label="Interested", opt_out=False, bounce=False, contains_phone=None, proposed_time=False, confidence=0.9
)
DRAFT = Draft(outcome="drafted", body="Glad to hear it. What would you like to know first?")
SCORE = Score(fit=2, intent=3, overall=3, reasoning="Wants to know more.")


class Worker(msgspec.Struct, frozen=True):
    """A worker that may run jobs, and the seconds it took to get there."""

    process: "subprocess.Popen[bytes]"
    ready_s: float

    @property
    def peak_mib(self) -> float:
        """Its largest resident set until now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
        return int(kib) / 1024


@contextmanager
def running_worker(
    home: Home,
    settings: Settings,
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    patience: float = _START_SECONDS,
) -> Iterator[Worker]:
    """This program with its arguments, once it may run jobs, until the end of the block. Raises BenchmarkFailed."""
    variables = {**environment(settings), **(variables or {})}
    program = module("jobs_worker", *arguments, variables=variables)
    # Its own log: the other workers of a group say that they are ready, too.
    program = replace(program, name=f"{program.name}-{variables.get('HEADRACE_INSTANCE_ID', '0')}")
    log = home.log(program.name)
    already = log.stat().st_size if log.exists() else 0
    began = time.monotonic()
    with running(program, home) as process:
        wait_for_line(READY, patience, process, log, already)
        yield Worker(process, time.monotonic() - began)


def _no_ai(call: StepCall) -> RecordedAi:
    return RecordedAi(call, answers=())


def _step(seconds: float) -> Step:
    async def run(_context: StepContext) -> StepOutcome:
        if seconds:
            await asyncio.sleep(seconds)
        return StepOutcome()

    return Step("wait" if seconds else "nothing", run)


def _instant_ai() -> AiSeam:
    """Answers without any delay, in the process: every call is made, reserved, recorded and kept all the same."""
    script = {
        ("sentiment.classify", "*"): [Scripted(value=INTERESTED)],
        ("draft.generate", "*"): [Scripted(value=DRAFT)],
        ("lead_scoring.score", "*"): [Scripted(value=SCORE)],
    }
    desk = Desk(provider=ScriptedProvider(script), prices=PriceTable({}), now=_now)  # type: ignore[arg-type]
    return AiSeam(ai_of(desk, desk, DEFAULT_TIMEOUTS, BudgetLedger(_now)))


def _now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    """The worker, until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", choices=("nothing", "waiting", "real"))
    parser.add_argument("--seconds", type=float, default=0.0, help="that a waiting step takes")
    given = parser.parse_args()
    if given.steps == "real":
        types = dict(JOB_TYPES)
        jobs_worker(Settings(), types, _instant_ai(), label_of).run()
    else:
        seconds = given.seconds if given.steps == "waiting" else 0.0
        jobs_worker(Settings(), {name: (_step(seconds),) for name in JOB_TYPES}, AiSeam(_no_ai), label_of).run()


if __name__ == "__main__":
    main()
