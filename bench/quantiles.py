"""Quantiles of measured values, so that every benchmark means the same by p95."""

import math
from collections.abc import Iterable, Sequence


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the ascending values that a `share` (0 to 1) of them don't exceed. ValueError without any."""
    if not ordered:
        raise ValueError("no values, so no quantile")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def quantiles(values: Iterable[float], shares: Sequence[float]) -> list[float]:
    """Several quantiles of values in any order."""
    ordered = sorted(values)
    return [quantile(ordered, share) for share in shares]
