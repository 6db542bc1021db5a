"""The file keeps what an earlier run measured until the same benchmark is run again, and says which run it was."""

import json
from pathlib import Path

from rich.console import Console

from bench.report import document, read, table, write

ABOUT = {"machine": {"cores": 2}}


def test_one_benchmark_replaces_its_own_values_only() -> None:
    before = document(
        {}, {"ingest.p99_ms": 9, "ingest.gone": 1, "bulk.added_delay_s": 0.5}, {"ingest": {}, "flood": {}}, {}
    )
    after = document(before, {"ingest.p99_ms": 8.00004}, {"ingest": {"quick": False}}, ABOUT)
    assert after == {
        "bulk.added_delay_s": 0.5,
        "ingest.p99_ms": 8.0,
        "runs": {"ingest": {"quick": False, "machine": {"cores": 2}}, "flood": {}},
    }


def test_a_benchmark_that_failed_leaves_what_was_known() -> None:
    before = document({}, {"ingest.p99_ms": 9}, {"ingest": {}}, {})
    assert document(before, {}, {}, ABOUT) == before


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "results" / "latest.json"
    assert read(path) == {}
    write({"ingest.p99_ms": 9.0, "runs": {}}, path)
    assert read(path) == json.loads(path.read_text()) == {"ingest.p99_ms": 9.0, "runs": {}}
    assert [file.name for file in path.parent.iterdir()] == ["latest.json"]


def test_the_table_has_value_target_and_verdict() -> None:
    console = Console(width=120, record=True, quiet=False)
    with console.capture() as captured:
        console.print(table({"ingest.ratio_to_echo": 0.61, "restart.ready_s": 7, "ingest.raw": 3}))
    lines = captured.get().splitlines()
    assert any("echo" in line and "0.61" in line and "≥ 0.5" in line and "met" in line for line in lines)
    assert any("restart" in line and "7.00 s" in line and "≤ 5 s" in line and "missed" in line for line in lines)
    assert "raw" not in captured.get()
