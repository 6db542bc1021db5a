"""Late is who takes longer than at best, whatever the clocks of the machines say."""

import pytest

from headrace.kafka.faust.lateness import Lateness


class Time:
    """A wall clock beside the brokers', which is ahead of it by `skew` seconds."""

    def __init__(self, skew: float) -> None:
        self.skew, self.seconds = skew, 1_000.0
        self.lateness = Lateness(lambda: self.seconds, lambda: self.seconds)

    def did(self, delay: float) -> float:
        """A batch was appended, and done so many seconds later."""
        self.lateness.begin(round((self.seconds + self.skew) * 1000))
        self.seconds += delay
        self.lateness.end()
        return self.lateness.seconds


@pytest.mark.parametrize("skew", [0.0, 300.0, -300.0])
def test_only_what_is_slower_than_at_best_is_late(skew: float) -> None:
    time = Time(skew)
    assert time.lateness.seconds == 0.0
    assert time.did(0.1) == 0.0
    assert time.did(0.4) == pytest.approx(0.3)
    assert time.did(0.1) == pytest.approx(0.0)


def test_a_batch_in_hand_counts_as_it_grows_old_and_one_of_long_ago_does_not() -> None:
    time = Time(0.0)
    time.did(0.1)
    time.lateness.begin(round(time.seconds * 1000))
    time.seconds += 5
    assert time.lateness.seconds == pytest.approx(4.9)
    time.lateness.end()
    assert time.lateness.seconds == pytest.approx(4.9)
    time.seconds += 2
    assert time.lateness.seconds == 0.0


def test_a_clock_that_was_set_forward_is_forgotten() -> None:
    time = Time(0.0)
    time.did(0.1)
    time.skew = -60.0
    assert time.did(0.1) == pytest.approx(60.0)
    for _ in range(3):
        time.seconds += 400
        late = time.did(0.1)
    assert late == pytest.approx(0.0)
