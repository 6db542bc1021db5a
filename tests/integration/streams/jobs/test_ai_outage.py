"""The model's server is away for five minutes, a hundred times faster: nothing is lost, guessed or given up.

The product's own worker and the real client against the sandbox, which first answers 503 and then is not there at all.
"""

import asyncio
import re
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from headrace.events.ai import AiCalled
from headrace.events.enrichments import LeadScored, MessageClassified
from headrace.events.jobs import JobEvent, JobRetryScheduled, JobSucceeded
from headrace.events.topics import AI_INTERACTIONS, ENRICHMENTS
from operations.dev.ports import free_ports
from operations.dev.sandbox.ai_answers import SandboxAnswers
from operations.dev.sandbox.ai_server import DEFAULT_KEY, Rule, Sandbox, serving
from streams.ai.local_provider import LocalProvider
from tests.contract.ai.questions import FixedClassifier

Jobs = Any
Events = dict[str, list[JobEvent]]
HEADRACE = str(Path(sys.executable).with_name("headrace"))
#: So much faster than life: the outage of five minutes, and the settings' defaults.
FASTER = 100
OUTAGE = 300 / FASTER
TIERS = ",".join(str(seconds / FASTER) for seconds in (10, 60, 600, 3600, 21_600))
#: Of the gauge headrace_breaker_state.
OPEN = 2.0
BEFORE, MEANWHILE = range(5), range(5, 35)


async def test_the_model_is_away_for_five_minutes(jobs: Jobs) -> None:
    port, metrics = free_ports(2)
    environment = {
        "AI_PROVIDER": "openai",
        "AI_BASE_URL": f"http://127.0.0.1:{port}/v1",
        "OPENAI_API_KEY": DEFAULT_KEY,
        "HEADRACE_RETRY_TIERS": TIERS,
        "HEADRACE_BREAKER_SECONDS": str(30 / FASTER),
        "HEADRACE_METRICS_PORT": str(metrics),
    }
    sandbox = Sandbox(answers=SandboxAnswers(LocalProvider(FixedClassifier)))
    await jobs.apply("acme")
    await jobs.receive(jobs.message(number, "Sounds good") for number in BEFORE)
    with jobs.program(HEADRACE, "run", "jobs", **environment):
        async with serving(sandbox, port=port):
            await jobs.until_ended(2 * len(BEFORE))
            sandbox.rules = [Rule(fault="status", status=503)]
            gone = time.monotonic()
            await jobs.receive(jobs.message(number, "Sounds good") for number in MEANWHILE)
            await until_breaker_is(OPEN, metrics)
            await asyncio.sleep(OUTAGE / 2)
        await asyncio.sleep(OUTAGE / 2)
        labelled = await labels(jobs)
        assert await breaker(metrics) > 0, "it does not forget while nothing answers"
        sandbox.rules = []
        took = time.monotonic() - gone
        async with serving(sandbox, port=port):
            events: Events = await jobs.until_ended(2 * len([*BEFORE, *MEANWHILE]))
            await until_breaker_is(0.0, metrics)
    assert len(labelled) == len(BEFORE), "nobody guesses while the model is away"
    assert set(await labels(jobs)) == {"Interested"}
    assert len(await labels(jobs)) == len([*BEFORE, *MEANWHILE])
    assert all(isinstance(job[-1], JobSucceeded) for job in events.values())
    assert len([one for one in await jobs.read(ENRICHMENTS) if isinstance(one, LeadScored)]) == len(events) / 2
    check_the_outage_is_told(events, await jobs.read(AI_INTERACTIONS), took)


def check_the_outage_is_told(events: Events, calls: list[Any], seconds: float) -> None:
    put_off = [event for job in events.values() for event in job if isinstance(event, JobRetryScheduled)]
    assert {event.error_class for event in put_off} == {"transient", "dependency_down"}
    assert all(event.step == "classify" for event in put_off)
    parked = [event for event in put_off if event.error_class == "dependency_down"]
    assert {event.reason for event in parked} == {"ai unavailable"}
    assert not any(event.spends_attempt for event in parked)
    failed = [call for call in calls if isinstance(call, AiCalled) and call.status == "error"]
    assert {"server_error"} <= {call.error for call in failed} <= {"server_error", "connection"}
    # Each first call may begin before five have failed; then there is one probe whenever the breaker half opens.
    assert len(failed) <= len(MEANWHILE) + 2 + seconds / (30 / FASTER)


async def labels(jobs: Jobs) -> list[str]:
    return [one.label for one in await jobs.read(ENRICHMENTS) if isinstance(one, MessageClassified)]


async def until_breaker_is(state: float, metrics: int) -> None:
    give_up = time.monotonic() + 30
    while (found := await breaker(metrics)) != state:
        assert time.monotonic() < give_up, f"the breaker stands at {found}"
        await asyncio.sleep(0.02)


async def breaker(metrics: int) -> float:
    """What Prometheus is told."""
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"http://127.0.0.1:{metrics}/metrics")).text
    match = re.search(r'^headrace_breaker_state\{dependency="ai"\} (\S+)$', text, re.MULTILINE)
    assert match is not None
    return float(match[1])
