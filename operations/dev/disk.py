"""Refuses to start on a nearly full disk: Kafka and Postgres stop in ugly ways when it fills up."""

import shutil
from pathlib import Path

from operations.dev.cannot_start import impossible

#: Bytes.
LEAST_FREE = 2 * 1024**3


def require_space(directory: Path) -> None:
    """Raises CannotStart when the disk of `directory`, which must exist, has too little room."""
    require_free_bytes(shutil.disk_usage(directory).free, directory)


def require_free_bytes(free: int, directory: Path) -> None:
    """The decision: raises CannotStart when `free` bytes are too few."""
    if free < LEAST_FREE:
        raise impossible(
            f"The disk of {directory} has only {free / 1024**3:.1f} GiB free and {LEAST_FREE // 1024**3} are needed: "
            "free some, or choose another place with HEADRACE_HOME"
        )
