"""Until when a worker is surely a member of its group: after that, its partitions may be somebody else's.

The group's coordinator keeps a member for the session timeout after its last heartbeat. Counted from the moment that
heartbeat was sent, the time left here is never longer than the time left there. A process that was stopped finds the
lease over when it goes on, before it hears from the coordinator.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

#: Between two looks whether the lease is back, seconds.
_LOOK_SECONDS = 0.02


class Lease:
    """Renewed by the thread that sends the heartbeats, read by all others."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._until = 0.0

    def now(self) -> float:
        """The lease's clock."""
        return self._now()

    def renew(self, sent_at: float) -> None:
        """The coordinator answered a heartbeat that was sent then."""
        self._until = sent_at + self._seconds

    def end(self) -> None:
        """The coordinator does not know this member any more."""
        self._until = 0.0

    @property
    def is_valid(self) -> bool:
        """True while nobody else can have got this worker's partitions."""
        return self._now() < self._until

    async def wait(self) -> None:
        """Returns at once while the lease is valid, else once a heartbeat is answered again."""
        while not self.is_valid:  # noqa: ASYNC110 - renewed by another thread, which has no event loop in common
            await asyncio.sleep(_LOOK_SECONDS)


def follow_heartbeats(
    coordinator: Any, lease: Lease, joined: Callable[[str], None], put_out: Callable[[str], None]
) -> None:
    """Renew the lease with every heartbeat that aiokafka's group coordinator gets answered.

    `joined` is called in its thread with the member id, each time the worker has joined the group. `put_out` is called
    there with the lost member id, when the group does not know this member any more.
    aiokafka would join again as if nothing had been, with all that this process still believes to own.
    """
    send, started, reset = coordinator._do_heartbeat, coordinator._start_heartbeat_task, coordinator.reset_generation

    async def heartbeat() -> bool:
        sent_at = lease.now()
        answered: bool = await send()
        if answered:
            lease.renew(sent_at)
        return answered

    def start_after_joining() -> None:
        lease.renew(lease.now())
        joined(coordinator.member_id)
        started()

    def forget_membership() -> None:
        if coordinator.member_id and not coordinator._closing.done():
            lease.end()
            put_out(coordinator.member_id)
        reset()

    coordinator._do_heartbeat = heartbeat
    coordinator._start_heartbeat_task = start_after_joining
    coordinator.reset_generation = forget_membership
