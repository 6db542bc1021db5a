"""What a comparison of two versions leaves out, and how outcomes add up."""

import pytest

from operations.versions.content_hash import hash_text
from operations.versions.verify import Outcome, ProjectionVerdict, overall, unsettled
from operations.versions.version_difference import UnsettledRange


def verdict(outcome: Outcome) -> ProjectionVerdict:
    return ProjectionVerdict(
        projection="leads", version=2, against=1, outcome=outcome, same_offsets=True, apart=0, tables=()
    )


def test_what_only_one_has_read_is_unsettled() -> None:
    ours, theirs = {("m", 0): 7, ("m", 1): 5, ("m", 2): 3}, {("m", 0): 4, ("m", 1): 5, ("m", 3): 2}
    assert unsettled(ours, theirs) == [UnsettledRange(0, 4, 7), UnsettledRange(2, 0, 3), UnsettledRange(3, 0, 2)]
    assert unsettled(ours, ours) == []


@pytest.mark.parametrize(
    ("outcomes", "worst"),
    [
        ((), "equal"),
        (("equal", "expected"), "expected"),
        (("behind", "expected"), "behind"),
        (("behind", "different", "equal"), "different"),
    ],
)
def test_the_worst_outcome_counts(outcomes: tuple[Outcome, ...], worst: Outcome) -> None:
    assert overall(verdict(outcome) for outcome in outcomes) == worst


def test_a_hash_is_sixteen_digits_also_of_a_negative_or_huge_sum() -> None:
    assert hash_text(-1) == "f" * 16
    assert hash_text(2**64 + 10) == "000000000000000a"
