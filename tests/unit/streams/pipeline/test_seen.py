"""Retries are duplicates, true repeats are not, and a replay decides the same."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.providers.adapter import RetryWindow
from streams.pipeline.seen import Seen, decode_seen, encode_seen, judge

MEMORY = timedelta(days=30)
WINDOW = RetryWindow(gap=timedelta(minutes=15), span=timedelta(minutes=75))
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


def judge_all(arrivals: list[tuple[str, int]], retries: RetryWindow | None) -> list[str]:
    seen: Seen | None = None
    judgements: list[str] = []
    for offset, (receipt, at) in enumerate(arrivals):
        judgement, seen = judge(seen, receipt, at, offset, MEMORY, retries)
        judgements.append(judgement)
    return judgements


def test_the_first_is_fresh_and_the_second_a_duplicate() -> None:
    assert judge_all([("a", 0), ("b", 5)], None) == ["fresh", "duplicate"]


def test_the_same_record_again_is_already_done() -> None:
    assert judge_all([("a", 0), ("a", 0)], None) == ["fresh", "already done"]


def test_a_key_with_the_providers_own_id_never_happens_again_within_memory() -> None:
    assert judge_all([("a", 0), ("b", 29 * DAY)], None) == ["fresh", "duplicate"]


def test_a_duplicate_keeps_the_memory_alive() -> None:
    assert judge_all([("a", 0), ("b", 29 * DAY), ("c", 58 * DAY)], None) == ["fresh", "duplicate", "duplicate"]


def test_memory_ends() -> None:
    assert judge_all([("a", 0), ("b", 31 * DAY)], None) == ["fresh", "fresh"]


def test_retries_ten_minutes_apart_are_one_message() -> None:
    arrivals = [(str(n), n * 11 * MINUTE) for n in range(6)]
    assert judge_all(arrivals, WINDOW) == ["fresh"] + ["duplicate"] * 5


def test_a_second_yes_after_the_retry_gap_survives_and_its_retry_does_not() -> None:
    arrivals = [("yes 1", 0), ("yes 2", 20 * MINUTE), ("retry of 2", 30 * MINUTE)]
    assert judge_all(arrivals, WINDOW) == ["fresh", "fresh", "duplicate"]


def test_a_chain_of_repeats_longer_than_any_retry_policy_happened_again() -> None:
    arrivals = [(str(n), n * 14 * MINUTE) for n in range(7)]
    assert judge_all(arrivals, WINDOW) == ["fresh", *["duplicate"] * 5, "fresh"]


@pytest.mark.parametrize("retries", [None, WINDOW])
def test_whatever_was_judged_is_not_judged_again_after_a_crash(retries: RetryWindow | None) -> None:
    arrivals = [("yes 1", 0), ("retry of 1", 10 * MINUTE), ("yes 2", 30 * MINUTE), ("retry of 2", 40 * MINUTE)]
    seen: Seen | None = None
    for offset, (receipt, at) in enumerate(arrivals):
        _, seen = judge(seen, receipt, at, offset, MEMORY, retries)
    assert seen is not None
    for offset, (receipt, at) in enumerate(arrivals):
        assert judge(seen, receipt, at, offset, MEMORY, retries) == ("already done", seen)


def test_a_topic_that_was_made_anew_begins_at_offset_0_and_is_judged_all_the_same() -> None:
    _, seen = judge(None, "a", 0, 500, MEMORY, None)
    assert judge(seen, "b", MINUTE, 3, MEMORY, None)[0] == "duplicate"


def test_clocks_of_two_gateways_may_differ() -> None:
    _, seen = judge(None, "a", 5, 0, MEMORY, None)
    assert judge(seen, "b", 3, 1, MEMORY, None)[0] == "duplicate"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 200 * MINUTE)), max_size=30))
def test_at_most_one_is_fresh_in_any_gap_and_a_replay_agrees(arrivals: list[tuple[int, int]]) -> None:
    named = [(str(receipt), at) for receipt, at in arrivals]
    first = judge_all(named, WINDOW)
    assert judge_all(named, WINDOW) == first
    if named:
        assert first[0] == "fresh"


def test_what_is_remembered_survives_storage() -> None:
    seen = Seen("r1", 1, 2, 3, 4)
    assert decode_seen(encode_seen(seen)) == seen
    assert decode_seen(None) is None


def test_what_an_earlier_release_remembered_is_read() -> None:
    seen = decode_seen(b'["r1",1,2,3]')
    assert seen is not None
    assert judge(seen, "r2", 2, 0, MEMORY, None)[0] == "duplicate"


def sent_again(seen: Seen | None, receipt: str, redrives: int, at: int = 0, offset: int = 9) -> tuple[str, Seen]:
    return judge(seen, receipt, at, offset, MEMORY, None, redrives=redrives)


def test_a_receipt_that_is_sent_again_is_judged_once_a_redrive() -> None:
    _, seen = sent_again(None, "a", 0)
    judged = []
    for offset, redrives in enumerate((1, 1, 2, 1, 2), start=10):
        judgement, seen = sent_again(seen, "a", redrives, offset=offset)
        judged.append(judgement)
    assert judged == ["fresh", "already done", "fresh", "already done", "already done"]
    assert seen == Seen("a", 0, 0, 1, 12, 2)


def test_a_letter_whose_key_somebody_else_was_first_with_is_a_duplicate_also_when_sent_again() -> None:
    _, seen = sent_again(None, "b", 0, at=5)
    assert sent_again(seen, "a", 1, offset=10)[0] == "duplicate"


def test_what_was_remembered_before_redrives_were_counted_was_never_sent_again() -> None:
    before = decode_seen(b'["a",1,2,1,7]')
    assert before == Seen("a", 1, 2, 1, 7, 0)
    assert sent_again(before, "a", 0)[0] == "already done"


def test_a_program_that_counts_no_redrives_reads_what_one_with_them_wrote() -> None:
    class Before(msgspec.Struct, frozen=True, array_like=True):
        receipt_id: str
        first_ms: int
        last_ms: int
        occurrence: int
        offset: int = -1

    assert msgspec.json.decode(encode_seen(Seen("a", 1, 2, 3, 4, 5)), type=Before) == Before("a", 1, 2, 3, 4)
