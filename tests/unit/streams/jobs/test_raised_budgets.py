"""Whose parked jobs are looked at again: those whose budget is higher than it was."""

from streams.jobs.raised_budgets import raised


def nobody(_workspace: str) -> bool:
    raise AssertionError("the ledger is asked at a start alone")


def test_a_higher_budget_or_none_at_all_is_raised() -> None:
    before = {"higher": 1, "unlimited": 1, "same": 1, "lower": 2, "limited": None, "gone": 1}
    after = {"higher": 2, "unlimited": None, "same": 1, "lower": 1, "limited": 1, "new": 5}
    assert raised(before, after, nobody) == ["higher", "unlimited"]


def test_at_a_start_nobody_knows_what_was_and_those_with_room_are_looked_at() -> None:
    assert raised(None, {"full": 1, "free": 5}, lambda workspace: workspace == "free") == ["free"]
