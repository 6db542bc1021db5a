"""A redrive keeps to its rate, however fast or slow the brokers are."""

import pytest

from operations.letters.pace import Pace


@pytest.mark.parametrize(("rate", "batch"), [(0.1, 1), (1, 1), (3, 1), (50, 25), (5000, 100)])
def test_half_a_second_goes_at_once_and_never_too_much(rate: float, batch: int) -> None:
    assert Pace(rate).batch == batch


def test_it_waits_for_what_it_was_too_fast_and_not_at_all_when_it_was_slow() -> None:
    assert Pace(50).delay(done=25, elapsed=0.1) == pytest.approx(0.4)
    assert Pace(50).delay(done=25, elapsed=2) == 0


def test_a_pause_is_not_made_up_for_by_a_burst_of_many() -> None:
    pace = Pace(10)
    now = sent = 0.0
    while sent < 100:
        sent += pace.batch
        now += 0.05
        now += pace.delay(int(sent), now)
    assert sent / now <= 10.1
