"""The `headrace` command, which kills itself after so many acknowledged sends: `killed_replay.py N arguments…`."""

import os
import signal
import sys
from collections.abc import Iterable
from typing import Any

from headrace.kafka.faust.outbox import Outbox, OutRecord
from operations.cli.main import main


def main_until(sends: int) -> None:
    whole, done = Outbox.send, 0

    async def send(self: Outbox, records: Iterable[OutRecord], *, for_owner: bool = True) -> Any:
        nonlocal done
        acknowledged = await whole(self, records, for_owner=for_owner)
        done += 1
        if done == sends:
            os.kill(os.getpid(), signal.SIGKILL)
        return acknowledged

    Outbox.send = send  # type: ignore[method-assign]
    main()


if __name__ == "__main__":
    sends = int(sys.argv.pop(1))
    from operations.replay.decide import writing

    # One job a batch, so that a kill finds some done and some not.
    writing._BATCH = 1
    main_until(sends)
