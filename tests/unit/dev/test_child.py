"""The pause before a restart, and what an exit is called."""

import pytest

from dev.child import backoff, exit_description


def test_backoff_doubles_up_to_its_limit() -> None:
    assert [backoff(failures) for failures in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("code", "words"), [(0, "exited with status 0"), (3, "exited with status 3"), (-9, "was ended by SIGKILL")]
)
def test_exit_description(code: int, words: str) -> None:
    assert exit_description(code) == words
