"""Everything goes wrong in turn under load: each accepted webhook is one receipt; each message one row and draft."""

import asyncio
import itertools
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext

import psycopg
import pytest

from operations.dev.sandbox.ai_server import DEFAULT_KEY, serving
from tests.agreement import disagreements
from tests.e2e.conftest import running_stack
from tests.e2e.faults import KILLS, RARE, cut_log
from tests.e2e.metered_model import MeteredModel
from tests.e2e.reckoning import (
    UNFINISHED,
    UNFINISHED_SINCE_CUT,
    ask,
    check_each_message_was_served_once,
    check_every_answer_was_written_down,
    check_rows_equal_the_log,
    check_the_audit,
    count_rows,
)
from tests.e2e.stack import WORKSPACE, Stack
from tests.e2e.traffic import Traffic

#: In the suite each program is killed once. `make chaos` asks for more, and then everything else happens, too.
COUNT = int(os.environ.get("HEADRACE_CHAOS_FAULTS", str(len(KILLS))))
#: Webhooks may be late by so much after a program was killed and is back; in the suite, other stacks share the cores.
RESUME_SECONDS = float(os.environ.get("HEADRACE_CHAOS_RESUME_SECONDS", "30"))
#: Messages, each of them delivered three times on average: with this and the other tests two cores are busy.
PER_SECOND = int(os.environ.get("HEADRACE_CHAOS_MESSAGES", "5"))
#: How long the model takes for each answer: long enough that faults come in between.
MODEL_SECONDS = 0.3


@pytest.fixture
async def model() -> AsyncIterator[MeteredModel]:
    """A model server that the faults don't touch."""
    metered = MeteredModel(MODEL_SECONDS)
    async with serving(metered) as metered.url:
        yield metered


@pytest.mark.timeout(300 + 60 * COUNT)
async def test_nothing_accepted_is_lost_or_doubled(model: MeteredModel) -> None:
    environment = {"AI_PROVIDER": "openai", "AI_BASE_URL": model.url, "OPENAI_API_KEY": DEFAULT_KEY}
    running = running_stack(environment)
    stack = await asyncio.to_thread(running.__enter__)
    try:
        await _live_through_faults(stack, model)
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


async def _live_through_faults(stack: Stack, model: MeteredModel) -> None:
    traffic = Traffic(stack.ingest_url, PER_SECOND)
    running = asyncio.create_task(traffic.run())
    await _until_row(stack, traffic, "m-9000000")
    resumed: dict[str, float] = {}
    for number, (name, fault) in enumerate(itertools.islice(itertools.cycle((KILLS | RARE).items()), COUNT), start=1):
        await asyncio.sleep(2)
        # What a worker was told by the model and could not write down any more, nobody knows.
        with model.nobody_listens() if "killed" in name or "doubled" in name else nullcontext():
            await asyncio.to_thread(fault, stack)
        began = time.monotonic()
        await _until_row(stack, traffic, f"m-9{number:06d}")
        took = time.monotonic() - began
        await _until_views_agree(stack)
        print(f"fault {number}/{COUNT}: {name}, rows again after {took:.1f} s", flush=True)
        if name in KILLS:
            resumed[name] = max(took, resumed.get(name, 0))
    traffic.stop()
    await running
    await _until(lambda: set(traffic.accepted) <= count_rows(stack)[0].keys(), "every accepted webhook has a row", 90)
    await _until(lambda: ask(stack, UNFINISHED) == [(0,)], "every message was looked after", 60 + 20 * COUNT)
    await asyncio.to_thread(_reckon, stack, traffic, model)
    if len(KILLS) < COUNT:
        await _live_on_with_a_cut_log(stack)
    assert {name: took for name, took in resumed.items() if took > RESUME_SECONDS} == {}


def _reckon(stack: Stack, traffic: Traffic, model: MeteredModel) -> None:
    receipts, messages = count_rows(stack)
    print(f"accepted {len(traffic.accepted)}, messages {len(traffic.messages)}, refused {traffic.refused}")
    assert [receipt for receipt, count in receipts.items() if count > 1] == []
    assert set(traffic.accepted) - receipts.keys() == set()
    assert {name: messages[name] for name in traffic.messages} == dict.fromkeys(traffic.messages, 1)
    assert set(messages) - traffic.messages == set(), "a message that was never accepted"
    check_each_message_was_served_once(stack)
    check_every_answer_was_written_down(stack, model)
    check_the_audit(stack)
    check_rows_equal_the_log(stack)


async def _live_on_with_a_cut_log(stack: Stack) -> None:
    """The end of every topic is gone, workspaces with it. What the guide says is done, and nothing new is lost."""
    running = cut_log(stack)
    await asyncio.to_thread(running.__enter__)
    try:
        positions = await _set_back(stack, "topics", "truncated")
        partitions = await _set_back(stack, "proj", "truncated")
        print(f"cut: {positions} positions set back, {partitions} partitions projected again")
        await asyncio.to_thread(stack.headrace, "workspace", "apply", str(WORKSPACE))
        traffic = Traffic(stack.ingest_url, PER_SECOND)
        for number in range(20):
            await _until_row(stack, traffic, f"m-8{number:06d}")
        await _until(lambda: ask(stack, UNFINISHED_SINCE_CUT) == [(0,)], "every new message was looked after", 120)
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


async def _set_back(stack: Stack, *command: str) -> int:
    """Say it until it works: the stack is still starting. Returns of how many partitions something was lost."""
    give_up = time.monotonic() + 90
    while not await asyncio.to_thread(_names_something, stack, *command):
        assert time.monotonic() < give_up, f"headrace {' '.join(command)} names nothing"
        await asyncio.sleep(1)
    done = json.loads(await asyncio.to_thread(stack.headrace, *command, "--execute", "--json"))
    return len(done["truncated"])


def _names_something(stack: Stack, *command: str) -> bool:
    printed = stack.headrace(*command, "--json", check=False)
    return bool(printed) and bool(json.loads(printed)["truncated"])


async def _until_row(stack: Stack, traffic: Traffic, message: str) -> None:
    """Deliver a message of its own and wait until its row stands."""
    await traffic.deliver_one(message)
    query = "SELECT 1 FROM analytics.messages WHERE provider_message_id = %s"
    give_up = time.monotonic() + 90
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(stack.database_url, connect_timeout=2) as connection:
                while time.monotonic() < give_up:
                    if await (await connection.execute(query, [message])).fetchone():
                        return
                    await connection.rollback()
                    await asyncio.sleep(0.1)
        except psycopg.Error:
            await asyncio.sleep(0.2)
        assert time.monotonic() < give_up, f"no row for {message!r} after 90 s"


async def _until_views_agree(stack: Stack) -> None:
    """About whom nobody may write to. What is not projected yet is contradicted for a moment, and only that."""
    left: set[tuple[object, ...]] | None = None

    def agree() -> bool:
        nonlocal left
        try:
            found = {tuple(row.values()) for row in disagreements(stack.database_url)}
        except psycopg.Error:
            return False
        left = found if left is None else left & found
        return not left

    await _until(agree, "the views agree on every lead", 60)


async def _until(is_true: Callable[[], bool], what: str, seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while not await asyncio.to_thread(is_true):
        assert time.monotonic() < give_up, f"after {seconds:.0f} s it is not true that {what}"
        await asyncio.sleep(0.5)
