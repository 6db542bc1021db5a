"""What was measured on, and with which versions: figures mean nothing without it."""

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import msgspec
import psutil

from operations.dev.home import PROJECT
from operations.dev.kafka import find_java, java_version

#: What decides the figures.
_PACKAGES = ("headrace", "faust-streaming", "mode-streaming", "aiokafka", "rocksdict", "uvicorn", "starlette", "uvloop")
#: Above this load per core, others take a part of what is measured.
_QUIET_LOAD = 0.3


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The hardware and the system."""

    cpu: str
    cores: int
    memory_gib: float
    system: str


def machine() -> Machine:
    """This machine."""
    return Machine(
        cpu=_cpu_name(),
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 1024**3, 1),
        system=f"{platform.system()} {platform.release()}",
    )


def versions() -> dict[str, str]:
    """What ran, by name."""
    return {
        "commit": _commit(),
        "python": platform.python_version(),
        "java": _java(),
        **{name: version(name) for name in _PACKAGES},
        **_pinned("kafka", PROJECT / "operations" / "dev" / "broker" / "pom.xml", r"<kafka.version>([^<]+)"),
        **_pinned("quixstreams", PROJECT / "bench" / "peers.in", r"quixstreams==(\S+)"),
    }


def busy_warning(load: float, cores: int) -> str | None:
    """A sentence when the machine is too busy for its figures to mean much."""
    if load <= _QUIET_LOAD * cores:
        return None
    return (
        f"This machine is busy (load {load:.1f} on {cores} cores): the figures will be worse than Headrace's. "
        "Stop what else runs and measure again."
    )


def _cpu_name() -> str:
    information = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", information.read_text()) if information.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def _commit() -> str:
    answer = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or "unknown"


def _java() -> str:
    answer = subprocess.run([find_java(os.environ), "-version"], capture_output=True, text=True, check=False)
    return str(java_version(answer.stderr + answer.stdout) or "unknown")


def _pinned(name: str, file: Path, pattern: str) -> dict[str, str]:
    found = re.search(pattern, file.read_text())
    return {name: found[1]} if found else {}
