"""The arrays must fit the code that scores with them."""

import numpy as np
import pytest

from streams.ai.local.linear import LinearModel, ModelMismatch, load_arrays
from streams.ai.local.signals import signal_names


def test_a_model_of_other_signals_is_refused() -> None:
    with pytest.raises(ModelMismatch, match=r"training\.train"):
        LinearModel(load_arrays("lexical"), (*signal_names(), "one more"))


def test_text_without_any_known_gram_is_scored_by_its_signals() -> None:
    model = LinearModel(load_arrays("lexical"), signal_names())
    shares = model.probabilities([], [], [0.0] * len(signal_names()))
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)


def test_no_pickles_are_shipped() -> None:
    for variant in ("lexical", "hybrid"):
        assert all(array.dtype != np.object_ for array in load_arrays(variant).values())
