"""A busy machine is said to be busy, and versions are those that run."""

import platform
from importlib.metadata import version

from bench.machine import busy_warning, versions


def test_a_quiet_machine_needs_no_warning() -> None:
    assert busy_warning(0.5, 2) is None
    assert "load 3.2 on 2 cores" in (busy_warning(3.2, 2) or "")


def test_versions_name_every_part() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["faust-streaming"] == version("faust-streaming")
    assert {"kafka", "quixstreams", "java", "commit"} <= found.keys()
