"""What recovery reads of a changelog comes out as it was written: entry by entry, with the position to go on from."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.events.records import Record
from headrace.kafka.faust.partition_table import declare_table
from headrace.kafka.faust.worker import Worker
from headrace.settings import Settings


def read(partition: int, records: list[tuple[int, bytes, bytes | None]]) -> Any:
    """A batch of a changelog's partition, as recovery gets it."""
    value = [Record("changelog", partition, offset, key, value, [], 0) for offset, key, value in records]
    return SimpleNamespace(message=SimpleNamespace(partition=partition, value=value))


def opened(directory: Path) -> Any:
    return declare_table(Worker(Settings(data_dir=directory), "app").app, "table", 2).data


def test_entries_tombstones_and_positions_of_each_partition(tmp_path: Path) -> None:
    store = opened(tmp_path)
    batches = [
        read(0, [(3, b"a", b"1"), (4, b"b", b"1")]),
        read(1, [(7, b"a", b"other")]),
        read(0, [(5, b"a", None), (9, b"c", b"1")]),
    ]
    store.apply_changelog_batch(batches, None, None)
    first, second = store._db_for_partition(0), store._db_for_partition(1)
    assert [first.get(key) for key in (b"a", b"b", b"c")] == [None, b"1", b"1"]
    assert second.get(b"a") == b"other"
    positions = [store.persisted_offset(SimpleNamespace(partition=number)) for number in (0, 1)]
    assert positions == [9, 7], "compaction leaves gaps: the last record's offset counts"


ENTRIES = st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.sampled_from([b"1", b"2", None])), min_size=1)


@settings(deadline=None, max_examples=20)
@given(ENTRIES, st.data())
def test_however_the_records_come_in_batches_the_newest_of_a_key_counts(
    tmp_path_factory: Any, entries: list[tuple[bytes, bytes | None]], data: st.DataObject
) -> None:
    store = opened(tmp_path_factory.mktemp("table"))
    records = [(offset, key, value) for offset, (key, value) in enumerate(entries)]
    cut = data.draw(st.integers(0, len(records)))
    store.apply_changelog_batch([read(0, part) for part in (records[:cut], records[cut:]) if part], None, None)
    newest = dict(entries)
    assert {key: store._db_for_partition(0).get(key) for key in newest} == newest
