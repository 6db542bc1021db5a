"""The breaker opens after failures in a row, lets one caller try, and closes on its success."""

from streams.jobs.breaker import CircuitBreaker


def opened() -> CircuitBreaker:
    breaker = CircuitBreaker(failures=3, seconds=30)
    for _ in range(3):
        breaker.failed(now=100.0)
    return breaker


def test_it_opens_only_after_failures_in_a_row() -> None:
    breaker = CircuitBreaker(failures=3, seconds=30)
    for outcome in ("failed", "failed", "succeeded", "failed", "failed"):
        breaker.failed(0.0) if outcome == "failed" else breaker.succeeded()
    assert breaker.admit(0.0)
    breaker.failed(0.0)
    assert not breaker.admit(0.0)


def test_open_says_how_long() -> None:
    breaker = opened()
    assert breaker.state(110.0) == "open"
    assert breaker.remaining(110.0) == 20.0
    assert not breaker.admit(110.0)


def test_half_open_lets_one_caller_try() -> None:
    breaker = opened()
    assert breaker.state(131.0) == "half_open"
    assert breaker.admit(131.0)
    assert not breaker.admit(131.0)
    assert breaker.remaining(131.0) > 0


def test_the_tries_success_closes_it_and_its_failure_opens_it_again() -> None:
    breaker = opened()
    assert breaker.admit(131.0)
    breaker.failed(132.0)
    assert not breaker.admit(133.0)
    assert breaker.admit(163.0)
    breaker.succeeded()
    assert breaker.state(163.0) == "closed"
    assert breaker.admit(163.0)
    assert breaker.admit(163.0)


def test_a_try_that_never_ends_does_not_block_for_ever() -> None:
    breaker = opened()
    assert breaker.admit(131.0)
    assert breaker.admit(162.0)
