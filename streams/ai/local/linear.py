"""Scores a reply with the trained linear model: arrays from an .npz, numpy arithmetic, no scikit-learn."""

import io
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from streams.ai.labels import PRIORITY, Label

Floats = NDArray[np.float32]
Variant = Literal["lexical", "hybrid"]
#: How much the blocks of features weigh against each other; words and letters have unit length.
SIGNAL_WEIGHT = 0.45
EMBEDDING_WEIGHT = 4.0


class ModelMismatch(Exception):
    """The arrays in the package were not trained for this code."""


class LinearModel:
    """Multinomial logistic regression over word grams, letter grams, signals and perhaps an embedding."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], signal_names: tuple[str, ...]) -> None:
        """Raises ModelMismatch when the arrays belong to other signals or labels."""
        self.labels: tuple[Label, ...] = tuple(
            label for name in _lines(arrays["labels"]) for label in PRIORITY if label == name
        )
        if len(self.labels) != len(_lines(arrays["labels"])) or tuple(_lines(arrays["signals"])) != signal_names:
            raise ModelMismatch(
                "The model knows other labels or signals than this code: run `python -m training.train`."
            )
        self._words = _Grams(arrays, "words")
        self._letters = _Grams(arrays, "letters")
        self._signal_weights: Floats = arrays["signal_weights"].astype(np.float32)
        self._intercept: Floats = arrays["intercept"].astype(np.float32)
        self._embedding_mean: Floats | None = (
            arrays["embedding_mean"].astype(np.float32) if "embedding_mean" in arrays else None
        )
        self._embedding_weights: Floats | None = (
            arrays["embedding_weights"].astype(np.float32) if "embedding_weights" in arrays else None
        )

    def probabilities(
        self, words: Iterable[str], letters: Iterable[str], signals: list[float], embedding: Floats | None = None
    ) -> dict[Label, float]:
        """One number a label, summing to 1. `embedding` must be given exactly when the model was trained with one."""
        scores = self._intercept + self._words.scores(words) + self._letters.scores(letters)
        scores = scores + SIGNAL_WEIGHT * (np.asarray(signals, dtype=np.float32) @ self._signal_weights)
        if self._embedding_weights is not None and self._embedding_mean is not None and embedding is not None:
            scores = scores + EMBEDDING_WEIGHT * ((embedding - self._embedding_mean) @ self._embedding_weights)
        exponents = np.exp(scores - scores.max())
        shares = exponents / exponents.sum()
        return {label: float(share) for label, share in zip(self.labels, shares, strict=True)}


class _Grams:
    """A TF-IDF block: sublinear counts, unit length."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], name: str) -> None:
        self._index = {gram: row for row, gram in enumerate(_lines(arrays[f"{name}_grams"]))}
        self._idf: Floats = arrays[f"{name}_idf"].astype(np.float32)
        self._weights: Floats = arrays[f"{name}_weights"].astype(np.float32)

    def scores(self, grams: Iterable[str]) -> Floats:
        index = self._index
        counts = Counter(index[gram] for gram in grams if gram in index)
        if not counts:
            return np.zeros(self._weights.shape[1], dtype=np.float32)
        rows = np.fromiter(counts.keys(), dtype=np.int64)
        values = (1 + np.log(np.fromiter(counts.values(), dtype=np.float32))) * self._idf[rows]
        scores: Floats = (values / np.linalg.norm(values)) @ self._weights[rows]
        return scores


def load_arrays(variant: Variant) -> dict[str, NDArray[Any]]:
    """The arrays shipped in this package."""
    packed = files("streams.ai.local").joinpath(f"{variant}.npz").read_bytes()
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        return dict(arrays.items())


def _lines(packed: NDArray[Any]) -> list[str]:
    """Strings are kept as UTF-8 bytes with line breaks between: a tenth of numpy's own format."""
    return packed.astype(np.uint8).tobytes().decode().split("\n")
