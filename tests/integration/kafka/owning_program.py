"""A worker for tests, run as a process of its own: forwards to `inbox` what its table held before, then remembers anew.

While the file given with `--linger` exists, it waits between what it forwards and what it remembers: there a stopped
process is most dangerous.
"""

import argparse
import asyncio
from pathlib import Path

from headrace.events.topics import INBOX, reply_topic
from headrace.kafka.faust.following import Batch
from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.faust.partition_table import Writes
from headrace.kafka.faust.worker import Worker
from headrace.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--linger", type=Path)
    linger = parser.parse_args().linger
    settings = Settings()
    worker = Worker(settings, "owning")
    table = worker.table("owners")
    target = settings.topic(INBOX)

    async def process(batch: Batch) -> None:
        out: list[OutRecord] = []
        writes: Writes = {}
        for (_topic, partition), records in batch.items():
            remembered = writes.setdefault(partition, {})
            for record in records:
                before = remembered.get(record.key, table.get(partition, record.key))
                out.append(OutRecord(target, partition, record.key, before, [("at", str(record.offset).encode())]))
                remembered[record.key] = f"{record.offset}@{settings.instance_id}".encode()
        await worker.outbox.send(out)
        while linger is not None and linger.exists():  # noqa: ASYNC110 - another process's sign
            await asyncio.sleep(0.05)
        await table.write(writes)

    worker.follow("own", (reply_topic("ghl"),), process)
    worker.run()


if __name__ == "__main__":
    main()
