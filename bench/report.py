"""The report: one table for people, one file for machines."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.measures import MEASURES, Values, benchmark_of

RESULTS = Path(__file__).parent / "results" / "latest.json"
_VERDICTS = {None: "", True: "[green]met[/]", False: "[red]missed[/]"}


def table(values: Values) -> Table:
    """Measure, value, target, met or missed; only what was measured."""
    shown = Table("measure", "value", "target", "", title="Headrace benchmarks")
    shown.columns[1].justify = shown.columns[2].justify = "right"
    for measure in MEASURES:
        if measure.key in values:
            value = values[measure.key]
            verdict = _VERDICTS[measure.is_met(value)]
            shown.add_row(measure.says, measure.shown(value), measure.target, verdict)
    return shown


def document(before: Mapping[str, Any], values: Values, runs: Mapping[str, Any], about: Mapping[str, Any]) -> Any:
    """The file's content: all values by key, and how each benchmark came by its own (`runs`).

    What benchmarks that did not run now found earlier stays, with their own run.
    """
    kept = {key: value for key, value in before.items() if benchmark_of(key) in before.get("runs", {}).keys() - runs}
    return {
        **kept,
        **{key: round(value, 4) for key, value in values.items()},
        "runs": {**before.get("runs", {}), **{name: {**run, **about} for name, run in runs.items()}},
    }


def read(path: Path = RESULTS) -> dict[str, Any]:
    """The file of an earlier run; empty when there was none."""
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def write(content: Mapping[str, Any], path: Path = RESULTS) -> None:
    """Replace the file in one step."""
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    partial.rename(path)
