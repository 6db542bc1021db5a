"""A nearly full disk is refused before Kafka finds out."""

from pathlib import Path

import pytest

from operations.dev.cannot_start import CannotStart
from operations.dev.disk import LEAST_FREE, require_free_bytes


def test_enough_is_enough() -> None:
    require_free_bytes(LEAST_FREE, Path("/x"))


def test_too_little_is_refused_in_one_sentence() -> None:
    with pytest.raises(CannotStart) as refusal:
        require_free_bytes(LEAST_FREE // 2, Path("/x"))
    assert str(refusal.value) == (
        "The disk of /x has only 1.0 GiB free and 2 are needed: free some, or choose another place with "
        "HEADRACE_HOME; `docker compose up` is the other way to run Headrace."
    )
