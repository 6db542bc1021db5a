"""The processes of a Headrace installation, in one place: the local stack and docker-compose.yml run the same."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Process:
    """One long-running process, configured by its environment alone."""

    name: str
    #: How it says that it does its work: ingest over HTTP, workers with a line in their log.
    readiness: Literal["http", "log"]

    @property
    def command(self) -> tuple[str, ...]:
        """What follows `headrace`."""
        return ("run", self.name)


#: The line a worker logs once its partitions are assigned and its tables are recovered.
READY_LINE = "worker.ready"

#: What the local stack starts before the processes and stops after them, unless it was given by URL.
SERVICES = ("kafka", "postgres")

PROCESSES = (
    Process("ingest", "http"),
    Process("pipeline", "log"),
    Process("bulk", "log"),
    Process("jobs", "log"),
    Process("projections", "log"),
)

#: What only a local stack has: stand-ins for providers, Slack and Calendly (docs/sandbox.md).
SANDBOX = "sandbox"

#: What must have succeeded before any process starts. Each does nothing when it has been done.
PREPARATIONS: dict[str, tuple[str, ...]] = {
    "migrate": ("db", "migrate"),
    "topics": ("topics", "create"),
}
