"""The demo's reckoning: it must notice every count that is not right."""

from collections import Counter

import pytest

from headrace.events.receipts import Verdict
from operations.dev.demo import Answer, count_provider, percentile
from operations.dev.samples import Sample


def answer(verdict: Verdict = "fresh", new_messages: int = 1, status: int = 200) -> Answer:
    sample = Sample(
        provider="ghl",
        name="a",
        path="/",
        headers={},
        query={},
        body=b"{}",
        verdict=verdict,
        new_messages=new_messages,
    )
    return Answer(sample, status, 0.01)


TWICE = [answer(), answer("ignored", 0)] * 2
RIGHT = Counter({("ghl", "fresh"): 1, ("ghl", "ignored"): 1, ("ghl", "duplicate"): 2})


def test_right_counts_are_right() -> None:
    counted = count_provider("ghl", TWICE, RIGHT, Counter(ghl=1))
    assert counted.wrong == ()
    assert (counted.sent, counted.messages) == (4, 1)


@pytest.mark.parametrize(
    ("receipts", "messages", "wrong"),
    [
        (RIGHT - Counter({("ghl", "duplicate"): 1}), 1, "duplicate: 1 instead of 2"),
        (RIGHT + Counter({("ghl", "malformed"): 1}), 1, "malformed: 1 instead of 0"),
        (RIGHT, 2, "messages: 2 instead of 1"),
        (RIGHT, 0, "messages: 0 instead of 1"),
    ],
)
def test_every_wrong_count_is_named(receipts: Counter[tuple[str, str]], messages: int, wrong: str) -> None:
    assert count_provider("ghl", TWICE, receipts, Counter(ghl=messages)).wrong == (wrong,)


def test_an_answer_other_than_200_is_wrong() -> None:
    answers = [answer(), answer(status=503)]
    counted = count_provider("ghl", answers, Counter({("ghl", "fresh"): 1, ("ghl", "duplicate"): 1}), Counter(ghl=1))
    assert counted.wrong == ("not answered 200: 1",)


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert [percentile([1, 2, 3, 4], percent) for percent in (50, 95, 100)] == [2, 4, 4]
