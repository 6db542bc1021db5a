"""Scores: one to four, without a model for those nobody may write to, and never on a guess of the label."""

from collections.abc import Callable
from typing import Any

import pytest

from streams.ai.answers import Score
from streams.jobs.step import StepFailed
from streams.jobs.steps import score

World = Any
STEPS = (score.STEP,)
ANSWER = Score(fit=3, intent=4, overall=4, reasoning="Asks for a meeting; clinics with many locations.")


@pytest.fixture
def scoring(world: World) -> World:
    world.job_type = "LEAD_SCORING_POST_PROCESS"
    world.label, world.label_at = "Interested", world.message("x").sent_at
    world.answers = [ANSWER]
    return world


async def test_a_lead_is_scored_by_its_newest_label(scoring: World) -> None:
    ran = await scoring.run("tell me more", STEPS)
    event = ran.of("score")
    assert (event.fit, event.intent, event.overall, event.reasoning) == (3, 4, 4, ANSWER.reasoning)
    assert scoring.asked[0].question.facts.label == "Interested"
    assert ran.calls[0].source == "background-job/lead-scoring-post-process"


@pytest.mark.parametrize(
    "change",
    [
        lambda world: setattr(world, "suppressed", "unsubscribed"),
        lambda world: setattr(world, "label", "Blacklist"),
    ],
)
async def test_the_suppressed_get_the_lowest_without_a_model(scoring: World, change: Callable[[World], None]) -> None:
    change(scoring)
    event = (await scoring.run("tell me more", STEPS)).of("score")
    assert (event.fit, event.intent, event.overall, event.ai) == (1, 1, 1, None)
    assert scoring.asked == []


async def test_an_opt_out_counts_before_its_suppression_arrives(scoring: World) -> None:
    scoring.label = None
    event = (await scoring.run("STOP", STEPS)).of("score")
    assert (event.overall, event.ai) == (1, None)


@pytest.mark.parametrize("minutes", [None, -5])
async def test_a_label_that_is_still_on_its_way_is_waited_for(scoring: World, minutes: int | None) -> None:
    scoring.label_at = None if minutes is None else scoring.message("x", minutes=minutes).sent_at
    with pytest.raises(StepFailed) as caught:
        await scoring.run("tell me more", STEPS)
    assert (caught.value.reason, caught.value.error_class) == ("label not known yet", "transient")
