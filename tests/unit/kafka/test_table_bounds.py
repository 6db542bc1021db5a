"""Dedupe keys are remembered within bounds: what nobody wrote for the window leaves the disk and the changelog."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rocksdict import WriteBatch

from headrace.events.topics import MAX_RECORD_BYTES
from headrace.kafka.faust.partition_table import declare_table
from headrace.kafka.faust.worker import Worker
from headrace.settings import Settings
from streams.pipeline.workers import bulk_worker, pipeline_worker

DAY = 86_400
SIZES = {"max.message.bytes": str(MAX_RECORD_BYTES), "min.insync.replicas": "1"}


def tables(make: Callable[[Settings], Worker], tmp_path: Path) -> dict[str, Any]:
    return dict(make(Settings(data_dir=tmp_path, dedupe_window_days=7)).app.tables)


@pytest.mark.parametrize(("make", "name"), [(pipeline_worker, "seen"), (bulk_worker, "seen_bulk")])
def test_dedupe_keys_live_as_long_as_the_window(make: Callable[[Settings], Worker], name: str, tmp_path: Path) -> None:
    table = tables(make, tmp_path)[name]
    assert table.data.rocksdb_options.ttl == 7 * DAY
    assert table.changelog_topic.config == SIZES | {"cleanup.policy": "compact,delete", "retention.ms": 7 * DAY * 1000}


def test_leads_are_remembered_for_ever(tmp_path: Path) -> None:
    table = tables(pipeline_worker, tmp_path)["identities"]
    assert table.data.rocksdb_options.ttl is None
    assert table.changelog_topic.config == SIZES


def test_the_caches_of_a_table_are_small(tmp_path: Path) -> None:
    """Eight partitions and two tables share a process: Faust's own 2 GiB a partition would be its end."""
    for table in tables(pipeline_worker, tmp_path).values():
        options = table.data.rocksdb_options
        assert options.block_cache_size + options.max_write_buffer_number * options.write_buffer_size <= 16 * 1024**2


def test_expired_entries_leave_the_disk(tmp_path: Path) -> None:
    table = declare_table(Worker(Settings(data_dir=tmp_path), "bounded").app, "bounded", 1, ttl_seconds=1)
    database = table.data.rocksdb_options.open(tmp_path / "bounded.db")
    database[b"old"] = b"1"
    # RocksDB counts whole seconds.
    time.sleep(2.1)
    database[b"new"] = b"2"
    database.flush()
    database.compact_range(None, None)
    assert (database.get(b"old"), database.get(b"new")) == (None, b"2")
    database.close()


@pytest.mark.parametrize("ttl", [None, 7 * DAY])
def test_what_has_not_expired_outlives_restarts_and_compactions(tmp_path: Path, ttl: int | None) -> None:
    """A value's last bytes look like a time that is long past, to whoever takes them for one."""
    table = declare_table(Worker(Settings(data_dir=tmp_path), "bounded").app, "bounded", 1, ttl_seconds=ttl)
    kept = {}
    for restart in range(4):
        database = table.data.rocksdb_options.open(tmp_path / "bounded.db")
        batch = WriteBatch(raw_mode=True)
        for number in range(100):
            key = b"%d-%d" % (restart, number)
            kept[key] = b'["0190",1772442000000,1772442000000,1,-1,0]'
            batch.put(key, kept[key])
        database.write(batch)
        database.flush()
        database.compact_range(None, None)
        assert dict(database.items()) == kept
        database.close()
