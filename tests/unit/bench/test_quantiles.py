"""Quantiles never name a better value than was measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.quantiles import quantile, quantiles

VALUES = st.lists(st.floats(0, 1e6), min_size=1)


def test_they_are_values_that_were_measured() -> None:
    assert quantiles([4, 1, 3, 2], (0, 0.5, 0.75, 0.76, 1)) == [1, 2, 3, 4, 4]


@given(VALUES, st.floats(0, 1))
def test_at_least_the_share_does_not_exceed_it(values: list[float], share: float) -> None:
    found = quantile(sorted(values), share)
    assert sum(value <= found for value in values) >= share * len(values)


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)
