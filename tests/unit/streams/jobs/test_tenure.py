"""Which partitions were ours all the time: only those that two generations in a row gave us, with all their topics."""

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from headrace.kafka.faust.membership import NO_GENERATION
from streams.jobs.tenure import Holding, stayed

TOPICS = ("messages", "jobs")


def holding(generation: int, *partitions: int) -> Holding:
    return Holding(generation, frozenset(TP(topic, number) for topic in TOPICS for number in partitions))


def test_what_two_generations_in_a_row_gave_us_stayed() -> None:
    assert stayed(holding(7, 0, 1), holding(8, 1, 2)) == {1}


def test_whoever_missed_a_generation_knows_of_nothing_that_stayed() -> None:
    assert stayed(holding(7, 0, 1), holding(9, 0, 1)) == frozenset()
    assert stayed(holding(7, 0, 1), holding(7, 0, 1)) == frozenset()
    assert stayed(holding(7, 0, 1), holding(1, 0, 1)) == frozenset()


def test_a_new_member_has_nothing_that_could_have_stayed() -> None:
    assert stayed(holding(NO_GENERATION), holding(1, 0, 1)) == frozenset()


def test_a_partition_of_which_a_topic_left_has_left() -> None:
    after = Holding(8, holding(8, 0, 1).places - {TP("jobs", 1)})
    assert stayed(holding(7, 0, 1), after) == {0}


@given(st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 5))), min_size=2))
def test_nobody_else_ever_had_what_stayed(history: list[tuple[bool, set[int]]]) -> None:
    """We and one other share partitions, generation by generation; in some the group went on without us."""
    before, others = Holding(NO_GENERATION, frozenset()), set[int]()
    for generation, (is_member, ours) in enumerate(history, start=1):
        if not is_member:
            others |= set(range(6))
            continue
        after = holding(generation, *ours)
        assert stayed(before, after).isdisjoint(others)
        before, others = after, set(range(6)) - ours
