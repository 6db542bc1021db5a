"""The offline provider keeps to its time, and says who spoke."""

import time
from typing import Any

import pytest

from streams.ai.local_provider import LocalProvider
from streams.ai.provider import AIRetryable
from streams.ai.rules.reply import Reply
from tests.contract.ai.questions import FixedClassifier, classify_task, draft_task, score_task


class Sleepy(FixedClassifier):
    """Answers too late."""

    def classify(self, reply: Reply) -> Any:
        time.sleep(0.3)
        return super().classify(reply)


async def test_late_is_a_time_out() -> None:
    with pytest.raises(AIRetryable) as raised:
        await LocalProvider(Sleepy).run(classify_task(), 0.02)
    assert (raised.value.reason, raised.value.calls[0].billing) == ("timeout", "none")


async def test_classifier_and_rules_are_told_apart() -> None:
    provider = LocalProvider(FixedClassifier)
    classified = await provider.run(classify_task("please stop"), 5)
    assert (classified.model, classified.rule, classified.value.opt_out) == ("fixed", "opt-out", True)
    assert (await provider.run(score_task(), 5)).model.startswith("rules-")


async def test_classifier_is_not_loaded_before_something_is_classified() -> None:
    def load() -> FixedClassifier:
        raise AssertionError("loaded")

    assert (await LocalProvider(load).run(draft_task(), 5)).value.outcome == "drafted"
