"""The demo: a whole installation for a minute, every sample webhook posted twice, and every count checked."""

import math
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import msgspec
import psycopg

from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from headrace.workspaces.document import read_workspace_files
from headrace.workspaces.store import apply_workspaces
from operations.dev import stack
from operations.dev.cannot_start import CannotStart
from operations.dev.environment import database_url, secrets_key
from operations.dev.home import PROJECT
from operations.dev.ports import free_ports
from operations.dev.samples import WORKSPACE_FILE, Sample, sample_webhooks
from operations.dev.settings import DevSettings
from operations.dev.state import Phase

#: Apart from `.headrace`, so that a demo disturbs no stack of a person who works.
DEMO_HOME = PROJECT / ".headrace" / "demo"
_ROWS_TIMEOUT = 45.0
_FOLLOW_TIMEOUT = 15.0


class Answer(msgspec.Struct, frozen=True):
    """How ingest answered one sample, and how long it took."""

    sample: Sample
    status: int
    seconds: float


class ProviderCount(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one provider's webhooks. Percentiles are whole response times, milliseconds."""

    provider: str
    sent: int
    verdicts: dict[str, int]
    messages: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    #: What is not as it should be; empty when every count is right.
    wrong: tuple[str, ...]


class MessageRow(msgspec.Struct, frozen=True):
    """A row of `analytics.conversations`, as far as the demo shows it."""

    provider: str
    channel: str
    direction: str
    lead: str
    text: str
    #: None where there was nothing to conclude, as for a message of ours.
    label: str | None
    decision: str | None
    #: Overall, 1 to 4.
    score: int | None
    draft: str | None


class JobCount(msgspec.Struct, frozen=True, kw_only=True):
    """What the jobs did with the inbound messages."""

    #: Two for each message a person wrote: understand and answer it, score its lead.
    expected: int
    #: State → jobs.
    states: dict[str, int]
    most_attempts: int
    ai_calls: int
    #: Millionths of a US dollar; None when a call's cost is not known.
    cost_micro_usd: int | None

    @property
    def is_right(self) -> bool:
        """True when every job succeeded."""
        return self.states == {"succeeded": self.expected}


class DemoResult(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the demo saw."""

    providers: tuple[ProviderCount, ...]
    messages: tuple[MessageRow, ...]
    jobs: JobCount

    @property
    def is_right(self) -> bool:
        """True when every count is what the samples say, and every job succeeded."""
        return self.jobs.is_right and not any(provider.wrong for provider in self.providers)


class Demo:
    """One demo. `steps` runs it and names each step as it begins; `result` stands after the last one."""

    def __init__(self) -> None:
        kafka, controller, postgres, ingest, sandbox = free_ports(5)
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in ("KAFKA_BOOTSTRAP", "DATABASE_URL")},
            "HEADRACE_HOME": str(DEMO_HOME),
            "HEADRACE_KAFKA_PORT": str(kafka),
            "HEADRACE_KAFKA_CONTROLLER_PORT": str(controller),
            "HEADRACE_POSTGRES_PORT": str(postgres),
            "HEADRACE_INGEST_PORT": str(ingest),
            "HEADRACE_SANDBOX_PORT": str(sandbox),
            "HEADRACE_PARTITIONS": "4",
        }
        self._settings = DevSettings(
            home=DEMO_HOME,
            kafka_port=kafka,
            kafka_controller_port=controller,
            postgres_port=postgres,
            ingest_port=ingest,
            sandbox_port=sandbox,
            kafka_bootstrap=None,
            database_url=None,
        )
        self.result: DemoResult

    def steps(self) -> Iterator[Phase | str]:
        """Run the demo. Raises CannotStart when the stack does not come up, with the reason."""
        with self._stack_wiped_afterwards():
            yield from stack.start_in_background(self._settings, self._environment)
            yield "applying the sample workspace"
            samples = sample_webhooks()
            self._apply_workspace()
            yield f"posting {len(samples)} sample webhooks of {len(ADAPTERS)} providers, each twice"
            answers = self._post([*samples, *samples])
            yield "waiting for the rows and the jobs"
            self.result = self._read(samples, answers)
            yield "stopping everything"

    @contextmanager
    def _stack_wiped_afterwards(self) -> Iterator[None]:
        self._wipe()
        try:
            yield
        finally:
            self._wipe()

    def _wipe(self) -> None:
        stack.stop(self._settings)
        stack.reset(self._settings)
        shutil.rmtree(DEMO_HOME, ignore_errors=True)

    def _apply_workspace(self) -> None:
        settings = Settings(
            kafka_bootstrap=self._settings.bootstrap, partitions=4, secrets_key=secrets_key(self._settings)
        )
        apply_workspaces(settings, read_workspace_files([WORKSPACE_FILE], ADAPTERS), datetime.now(UTC))
        give_up = time.monotonic() + _FOLLOW_TIMEOUT
        while httpx.get(f"{self._settings.ingest_url}/health/ready", trust_env=False).json()["workspaces"] == 0:
            if time.monotonic() > give_up:
                raise CannotStart("Ingest has not seen the sample workspace: see `headrace dev logs ingest`.")
            time.sleep(0.05)

    def _post(self, samples: Sequence[Sample]) -> list[Answer]:
        answers = []
        with httpx.Client(base_url=self._settings.ingest_url, trust_env=False, timeout=10) as client:
            # Connected before the first request is timed.
            client.get("/health/live")
            for sample in samples:
                began = time.perf_counter()
                response = client.post(sample.path, headers=sample.headers, params=sample.query, content=sample.body)
                answers.append(Answer(sample, response.status_code, time.perf_counter() - began))
        return answers

    def _read(self, samples: Sequence[Sample], answers: Sequence[Answer]) -> DemoResult:
        expected_messages = sum(sample.new_messages for sample in samples)
        give_up = time.monotonic() + _ROWS_TIMEOUT
        with psycopg.connect(database_url(self._settings), autocommit=True) as connection:
            while time.monotonic() < give_up:
                receipts, messages = _counts(connection)
                jobs = _jobs(connection)
                if receipts.total() >= len(answers) and messages.total() >= expected_messages and jobs.is_right:
                    break
                time.sleep(0.1)
            rows = tuple(MessageRow(*row) for row in connection.execute(_MESSAGES).fetchall())
        return DemoResult(
            providers=tuple(count_provider(name, answers, receipts, messages) for name in ADAPTERS),
            messages=rows,
            jobs=jobs,
        )


_RECEIPTS = "SELECT provider, verdict, count(*) FROM analytics.webhook_receipts GROUP BY 1, 2"
_MESSAGE_COUNTS = "SELECT provider, count(*) FROM analytics.messages GROUP BY 1"
_MESSAGES = """
SELECT m.provider, m.channel, m.direction,
       coalesce(nullif(concat_ws(' ', l.first_name, l.last_name), ''), l.email, l.phone, left(m.lead_id::text, 8)),
       left(regexp_replace(m.text, '\\s+', ' ', 'g'), 60), c.label, c.decision, c.overall, c.draft
FROM analytics.messages m
JOIN analytics.leads l USING (workspace_id, lead_id)
JOIN analytics.conversations c USING (workspace_id, message_id)
ORDER BY m.provider, m.received_at, m.message_id
"""
_JOBS_EXPECTED = "SELECT 2 * count(*) FROM analytics.messages WHERE direction = 'inbound' AND source = 'direct'"
_JOB_STATES = "SELECT state, count(*), max(attempts) FROM analytics.jobs GROUP BY 1"
_AI_CALLS = """
SELECT count(*), CASE WHEN bool_and(cost_micro_usd IS NOT NULL) THEN sum(cost_micro_usd)::bigint END
FROM analytics.ai_interactions
"""


def _jobs(connection: psycopg.Connection) -> JobCount:
    states = connection.execute(_JOB_STATES).fetchall()
    ((expected,),) = connection.execute(_JOBS_EXPECTED).fetchall()
    ((calls, cost),) = connection.execute(_AI_CALLS).fetchall()
    return JobCount(
        expected=expected,
        states={state: count for state, count, _ in states},
        most_attempts=max((attempts for _, _, attempts in states), default=0),
        ai_calls=calls,
        cost_micro_usd=cost,
    )


def _counts(connection: psycopg.Connection) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    receipts = {(provider, verdict): count for provider, verdict, count in connection.execute(_RECEIPTS)}
    messages: Counter[str] = Counter(dict(connection.execute(_MESSAGE_COUNTS).fetchall()))
    return Counter(receipts), messages


def count_provider(
    provider: str, answers: Iterable[Answer], receipts: Counter[tuple[str, str]], messages: Counter[str]
) -> ProviderCount:
    """One provider's counts, held against what its samples say. Each sample was posted twice."""
    ours = [answer for answer in answers if answer.sample.provider == provider]
    expected: Counter[str] = Counter(answer.sample.verdict for answer in ours[: len(ours) // 2])
    expected["duplicate"] += len(ours) // 2
    verdicts = {verdict: count for (name, verdict), count in sorted(receipts.items()) if name == provider}
    expected_messages = sum(answer.sample.new_messages for answer in ours) // 2
    wrong = [
        f"{verdict}: {verdicts.get(verdict, 0)} instead of {expected.get(verdict, 0)}"
        for verdict in sorted({*expected, *verdicts})
        if verdicts.get(verdict, 0) != expected.get(verdict, 0)
    ]
    refused = sum(answer.status != httpx.codes.OK for answer in ours)
    if refused:
        wrong.append(f"not answered 200: {refused}")
    if messages[provider] != expected_messages:
        wrong.append(f"messages: {messages[provider]} instead of {expected_messages}")
    times = sorted(answer.seconds * 1000 for answer in ours)
    return ProviderCount(
        provider=provider,
        sent=len(ours),
        verdicts=verdicts,
        messages=messages[provider],
        p50_ms=percentile(times, 50),
        p95_ms=percentile(times, 95),
        p99_ms=percentile(times, 99),
        wrong=tuple(wrong),
    )


def percentile(ascending: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of a non-empty sequence."""
    return ascending[max(0, math.ceil(len(ascending) * percent / 100) - 1)]
