"""Reading takes time linear in the length of a text, whatever the text: measured on attacks built from the patterns.

Costs at 4,000 and 16,000 characters are compared: four times as much where it is linear, sixteen where it is quadratic.
"""

from collections.abc import Callable
from functools import cache, partial

import pytest

from bench.patterns import ReadingPattern, reading_patterns
from bench.reading import ODD_UNITS, costliest, cpu_of, readings
from streams.ai.local.classifier import LocalClassifier

SHORT, LONG = 4_000, 16_000
#: Between the four of linear time and the sixteen of quadratic.
MOST = 8.0
#: Below, the clock and the machine's other work are what is measured; quadratic time is a hundred times as much.
FLOOR = 0.004
_PATTERNS = {one.name: one for one in reading_patterns()}


@cache
def classifier() -> LocalClassifier:
    return LocalClassifier("lexical")


def growth(cost: Callable[[int], float]) -> float:
    """How much dearer the long text is, on the best of several tries: what disturbs a measurement makes it longer."""
    ratio = float("inf")
    for _ in range(4):
        long = cost(LONG)
        if long < FLOOR:
            return 0.0
        ratio = min(ratio, long / max(min(cost(SHORT), cost(SHORT)), FLOOR / MOST))
        if ratio <= MOST:
            break
    return ratio


def cost_of(pattern: ReadingPattern, made: Callable[[int], str], length: int) -> float:
    text = made(length)
    return cpu_of(lambda: pattern.apply(text))


@pytest.mark.parametrize("name", sorted(_PATTERNS))
def test_every_pattern_is_linear(name: str) -> None:
    pattern: ReadingPattern = _PATTERNS[name]
    for made in costliest(pattern, 5):
        assert growth(partial(cost_of, pattern, made)) <= MOST, made(60)


@pytest.mark.parametrize("unit", ODD_UNITS)
def test_the_whole_reading_is_linear(unit: str) -> None:
    def cost(length: int) -> float:
        text = (unit * length)[:length]
        return sum(cpu_of(one.run) for one in readings(text, "email", classifier()))

    assert growth(cost) <= MOST
