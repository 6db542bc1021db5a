"""A step that was overtaken while it waited for a model concludes over what the log says by then, and pays once."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from streams.jobs.looking import Look, run_looking
from streams.jobs.step import JobInput, Overtaken, Step, StepContext, StepOutcome, is_suppressed
from streams.jobs.types import JOB_TYPES
from tests.unit.streams.jobs.one_person import Person, wrote

NOW = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)


class World:
    """What the log says, which may change under a step."""

    def __init__(self, job: JobInput) -> None:
        self.job = job
        self.asked = 0

    def suppress(self) -> None:
        self.job = replace(self.job, suppressed_reason="unsubscribed")

    def look_again(self) -> Look:
        return Look(self.job, NOW)

    async def run(self, step: Step) -> tuple[StepOutcome, Look]:
        context_of: Any = Seen
        return await run_looking(step, Look(self.job), self.look_again, context_of)


class Seen:
    """The context of a step, as far as it matters here."""

    def __init__(self, look: Look, is_overtaken: Callable[[], bool]) -> None:
        self.job = look.job
        self.is_overtaken = is_overtaken


@pytest.fixture
async def world() -> World:
    person = Person()
    await person.load()
    await person.receive(wrote("lead-0", 1))
    while person.log.positions["jobs", 0] + person.log.positions["jobs", 1] + person.log.positions["jobs", 2] == 0:
        for place in person.log.positions:
            await person.read(place, 1)
    (job_id,) = person.waiting()
    await person.begin(job_id)
    return World(person.running[job_id][1])


def step_of(world: World, *, asks: bool, changes: bool, heeds: bool = True) -> Step:
    async def run(context: StepContext) -> StepOutcome:
        if context.job.suppressed_reason is not None:
            return StepOutcome(skipped="suppressed")
        world.asked += 1
        if changes:
            world.suppress()
        if asks and context.is_overtaken():
            raise Overtaken
        return StepOutcome(result={"promised": True})

    return Step("any", run, overtaken=is_suppressed if heeds else None)


@pytest.mark.parametrize("asks", [True, False], ids=["seen after the call", "seen before the write"])
async def test_a_suppression_meanwhile_changes_the_conclusion(world: World, asks: bool) -> None:
    outcome, look = await world.run(step_of(world, asks=asks, changes=True))
    assert (outcome.skipped, look.saw_at, world.asked) == ("suppressed", NOW, 1)


async def test_a_suppression_since_the_attempt_began_is_seen_before_anything_is_asked(world: World) -> None:
    step = step_of(world, asks=True, changes=False)
    look = Look(world.job)
    world.suppress()
    context_of: Any = Seen
    outcome, seen = await run_looking(step, look, world.look_again, context_of)
    assert (outcome.skipped, seen.saw_at, world.asked) == ("suppressed", NOW, 0)


async def test_a_step_that_is_not_overtaken_keeps_the_look_of_its_attempt(world: World) -> None:
    outcome, look = await world.run(step_of(world, asks=True, changes=False))
    assert (outcome.result, look.saw_at, world.asked) == ({"promised": True}, None, 1)


async def test_a_step_that_heeds_nothing_is_never_run_twice(world: World) -> None:
    outcome, look = await world.run(step_of(world, asks=True, changes=True, heeds=False))
    assert (outcome.result, look.saw_at, world.asked) == ({"promised": True}, None, 1)


def test_only_what_hears_and_labels_a_message_goes_on_for_a_suppressed_lead() -> None:
    assert [step.name for step in JOB_TYPES["SMS_INBOUND_POST_PROCESS"] if step.overtaken is None] == [
        "opt_out_and_bounce",
        "classify",
    ]
