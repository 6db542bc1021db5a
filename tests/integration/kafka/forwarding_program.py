"""A worker for tests, run as a process of its own: forwards first sights of keys from `webhooks.ghl` to `inbox`.

`--skip N` makes its consumer lose every Nth batch, as a faulty client would. `--group` names its consumer group.
"""

import argparse
from collections.abc import AsyncIterator
from typing import Any

from headrace.events.topics import INBOX, reply_topic
from headrace.kafka.faust.batch_transport import BatchConsumer
from headrace.kafka.faust.following import Batch
from headrace.kafka.faust.outbox import OutRecord
from headrace.kafka.faust.partition_table import Writes
from headrace.kafka.faust.worker import Worker
from headrace.settings import Settings


def lose_every(nth: int) -> None:
    """Patch the consumer of this process so that it drops batches between Kafka and the agents."""
    whole = BatchConsumer.getmany
    seen = 0

    async def getmany(self: BatchConsumer, timeout: float) -> AsyncIterator[tuple[Any, Any]]:
        nonlocal seen
        async for tp, message in whole(self, timeout):
            if isinstance(message.value, list):
                seen += 1
                if seen % nth == 0:
                    continue
            yield tp, message

    BatchConsumer.getmany = getmany  # type: ignore[method-assign]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--group", default="forwarding")
    arguments = parser.parse_args()
    if arguments.skip:
        lose_every(arguments.skip)
    settings = Settings()
    worker = Worker(settings, arguments.group)
    table = worker.table("forwarded", ttl_seconds=86_400)
    target = settings.topic(INBOX)

    async def process(batch: Batch) -> None:
        out: list[OutRecord] = []
        writes: Writes = {}
        for (_topic, partition), records in batch.items():
            remembered = writes.setdefault(partition, {})
            stored = table.get_many(partition, [record.key for record in records])
            for record, value in zip(records, stored, strict=True):
                if value is None and record.key not in remembered:
                    remembered[record.key] = b"1"
                    out.append(OutRecord(target, partition, record.key, record.value, record.headers))
        await worker.outbox.send(out)
        await table.write(writes)

    worker.follow("forward", (reply_topic("ghl"),), process)
    worker.run()


if __name__ == "__main__":
    main()
