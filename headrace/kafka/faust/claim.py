"""One process for each name in a consumer group: who finds the name taken leaves before it joins and disturbs nobody.

On one machine the folder of the worker's tables is claimed by a lock, which ends with its process. Elsewhere the group
tells: a member of our name that is not what this folder was last is somebody else, unless it is gone with its session.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from headrace.exit_status import NEEDS_A_PERSON
from headrace.kafka.clients import confluent_config
from headrace.kafka.faust.stops import Stop
from headrace.settings import Settings

log = structlog.get_logger()

_ADMIN_SECONDS = 5.0
#: Between two looks whether a member of our name is gone.
_LOOK_SECONDS = 0.5
_REMEDY = "Give each process of a worker a HEADRACE_INSTANCE_ID of its own; it stays the same over restarts"


class FolderTaken(Stop):
    """Another process of this machine has the worker's tables."""

    status = NEEDS_A_PERSON

    def __init__(self, folder: Path, owner: str) -> None:
        super().__init__(
            f"another process{f' ({owner})' if owner else ''} already runs with the tables in {folder}: two workers of "
            f"one kind have the same instance id and data directory. {_REMEDY}"
        )


class NameTaken(Stop):
    """A live member of the group has the worker's name."""

    status = NEEDS_A_PERSON

    def __init__(self, group: str, instance_id: str, host: str) -> None:
        super().__init__(
            f"instance {instance_id} of the consumer group {group} is a live process at {host}, and goes on. {_REMEDY}"
        )


class Namesake(NamedTuple):
    """A member of the group that has our name."""

    member_id: str
    host: str


class Claim:
    """The folder of a worker's tables, and what it was in its group last. Held until the process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Raises FolderTaken."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = (self._folder / "claimed-by").open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip()
            file.close()
            raise FolderTaken(self._folder, owner) from None
        file.truncate(0)
        file.write(f"pid {os.getpid()}")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Somebody else may take it."""
        if self._file is not None:
            self._file.close()

    def joined(self, member_id: str) -> None:
        """The group knows us by this id now."""
        (self._folder / "member-id").write_text(member_id, encoding="utf-8")

    def was(self) -> str:
        """The member id of the last time; empty when there was none."""
        try:
            return (self._folder / "member-id").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""


def refuse_namesake(
    group: str,
    instance_id: str,
    own: str,
    namesakes: Callable[[], Sequence[Namesake]],
    patience: float,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return once no other member has our name. `own`: our member id of the last time. Raises NameTaken.

    Who is dead is gone when its session is over, which `patience`, seconds, must be longer than.
    """
    for _ in range(max(1, round(patience / _LOOK_SECONDS))):
        others = [one for one in namesakes() if one.member_id != own]
        if not others:
            return
        log.info(
            "worker.name_is_taken", instance=instance_id, host=others[0].host, hint="waiting for its session's end"
        )
        sleep(_LOOK_SECONDS)
    raise NameTaken(group, instance_id, others[0].host)


def members_named(settings: Settings, group: str, name: str) -> Callable[[], list[Namesake]]:
    """Asks for the group's members of this name; none where no broker answers: the start waits for them."""
    admin = AdminClient({**confluent_config(settings), "log_level": 0})

    def found() -> Iterator[Namesake]:
        try:
            described = admin.describe_consumer_groups([group], request_timeout=_ADMIN_SECONDS)[group].result()
        except KafkaException:
            return
        for member in described.members:
            if member.group_instance_id == name and member.member_id:
                yield Namesake(member.member_id, member.host)

    return lambda: list(found())
