"""How a run stands: read by the command line, so Postgres' driver is not imported."""

from typing import Literal

#: running: its process holds its lock. interrupted: it does not, and the run never ended.
RunState = Literal["running", "interrupted", "done", "failed", "cancelled"]
