"""Letters are asked for by the stages there are."""

from headrace.kafka.faust.keyed_agent import KeyedAgent
from operations.letters.letter import STAGES
from streams.jobs import workers as jobs_workers
from streams.pipeline import workers as pipeline_workers


def test_every_agent_that_gives_up_on_records_can_be_named() -> None:
    assert jobs_workers is not pipeline_workers, "both declare their agents by being imported"
    ours = [agent for agent in KeyedAgent.__subclasses__() if agent.__module__.startswith("streams.")]
    assert {agent.stage for agent in ours} == set(STAGES)
