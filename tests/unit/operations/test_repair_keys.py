"""Which keys a repair is about, and how they are put into batches, without a broker."""

import pytest

from headrace.events.records import Record
from headrace.kafka.partitioning import fresh_key_partition
from operations.records.record_filter import RecordFilter
from operations.versions import repair_keys
from operations.versions.repair_keys import FoundKeys, TooManyKeys


def record(partition: int, key: bytes, workspace: str = "acme", offset: int = 0) -> Record:
    return Record("t.jobs", partition, offset, key, b"12345", [("ce_workspace", workspace.encode())], 0)


def test_only_wanted_records_choose_their_keys() -> None:
    found = FoundKeys()
    wants = RecordFilter(workspace="acme").matches
    for one in (record(0, b"a"), record(0, b"a"), record(1, b"b"), record(1, b"c", "other")):
        found.look(one, wants)
    assert found.keys == {0: {b"a"}, 1: {b"b"}}
    assert (found.records, found.wanted, found.count, found.size) == (4, 3, 2, 4 * 6)


def test_no_batch_is_larger_than_it_may_be_or_has_keys_of_two_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair_keys, "KEYS_PER_BATCH", 2)
    found = FoundKeys()
    for partition, keys in ((1, b"xyz"), (0, b"abcde")):
        for key in keys:
            found.add(partition, bytes([key]))
    assert found.in_batches() == {
        0: {b"a": 1, b"b": 1, b"c": 2, b"d": 2, b"e": 3},
        1: {b"x": 4, b"y": 4, b"z": 5},
    }


def test_merged_leads_come_along_over_any_number_of_merges() -> None:
    found = FoundKeys()
    found.add(fresh_key_partition(b"b", 8), b"b")
    merges = [("d", "e"), ("c", "d"), ("b", "c"), ("a", "b"), ("x", "y")]
    found.add_merged(lambda: iter(merges), 8)
    assert {key for keys in found.keys.values() for key in keys} == {b"a", b"b", b"c", b"d", b"e"}
    assert all(fresh_key_partition(key, 8) == partition for partition, keys in found.keys.items() for key in keys)


def test_merges_are_not_read_where_nothing_was_chosen() -> None:
    def never() -> list[tuple[str, str]]:
        raise AssertionError

    FoundKeys().add_merged(never, 8)


def test_more_keys_than_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair_keys, "MOST_KEYS", 2)
    found = FoundKeys()
    for key in (b"a", b"b", b"a"):
        found.add(0, key)
    with pytest.raises(TooManyKeys, match="headrace proj rebuild"):
        found.add(1, b"a")
