"""Why a worker ends itself, in words for whoever reads its last log line, and what its supervisor should do."""

import os
from pathlib import Path
from typing import NoReturn

import structlog

from runtime.exit_status import NEEDS_A_PERSON, START_AGAIN
from runtime.refusal import Refusal

log = structlog.get_logger()


class Stop(Refusal):
    """The worker must not go on."""

    status = START_AGAIN


class Lost(Stop):
    """A partition is somebody else's, or was."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            f"another worker has written to {topic} since this one got its partitions: this one was stopped or cut off "
            "for too long. What it was about to write is not written; it starts again and reads what the other did"
        )


class PutOut(Stop):
    """The group's coordinator dropped this member."""

    def __init__(self) -> None:
        super().__init__(
            "the consumer group went on without this worker, which was stopped or cut off from Kafka for longer than "
            "its session: others have its partitions. It starts again and joins anew"
        )


class InstanceTwice(Stop):
    """Two processes share one name in their group."""

    status = NEEDS_A_PERSON

    def __init__(self, instance_id: str) -> None:
        super().__init__(
            f"another process has joined the consumer group as instance {instance_id} and has taken this one's place. "
            "Give each process of a worker a HEADRACE_INSTANCE_ID and a data directory of its own"
        )


class Shortened(Stop):
    """A changelog lost its newest records while the worker ran."""

    def __init__(self, topic: str, partition: int) -> None:
        super().__init__(
            f"{topic}[{partition}] ends before records that Kafka had acknowledged: the broker lost the end of it. "
            "The table still has them; the worker starts again and appends it to the changelog"
        )


class ForeignTable(Stop):
    """The files of a table belong to a changelog that is no more."""

    status = NEEDS_A_PERSON

    def __init__(self, topic: str, directory: Path) -> None:
        super().__init__(
            f"the tables in {directory} belong to another topic {topic} than Kafka has: the topics were wiped and the "
            "directory was not. Remove the directory; tables are read back from their changelogs"
        )


def leave(error: BaseException, **context: object) -> NoReturn:
    """End the process with the error as its last word."""
    if isinstance(error, Stop):
        log.error("worker.ended", error_class=type(error).__name__, hint=str(error), **context)
        os._exit(error.status)
    log.error("worker.failed", error_class=type(error).__name__, exc_info=error, **context)
    os._exit(START_AGAIN)
