"""Fills the pipeline's own table `seen` as the dedupe agent would, changelog and RocksDB alike, only faster."""

import random
import sys
import time
from itertools import islice

import structlog

from bench.webhooks import WORKSPACE, templates
from headrace.kafka.faust.partition_table import PartitionTable, Writes
from headrace.kafka.faust.service import Service
from headrace.providers.payload import read_payload
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from streams.pipeline.seen import Seen, encode_seen
from streams.pipeline.workers import pipeline_worker

#: The line that says that all entries are written.
FILLED = "bench.filled"
#: Entries of one write.
_BATCH = 10_000

log = structlog.get_logger()


class Filler(Service):
    """Writes the entries once the worker has its partitions."""

    def __init__(self, seen: PartitionTable, partitions: int, entries: int) -> None:
        super().__init__()
        self._seen = seen
        self._partitions = partitions
        self._entries = entries

    @Service.task  # type: ignore[untyped-decorator]
    async def _fill(self) -> None:
        numbers = iter(range(self._entries))
        # As incompressible as real ids, and fast.
        digits = random.Random(0)  # noqa: S311
        key_format, now = dedupe_key_format(), round(time.time() * 1000)
        while batch := list(islice(numbers, _BATCH)):
            writes: Writes = {partition: {} for partition in range(self._partitions)}
            for number in batch:
                # The table does not care whether a key's hash leads here, and hashing would take minutes.
                entry = encode_seen(Seen(_receipt_id(digits), now, now, 1))
                writes[number % self._partitions][key_format % number] = entry
            await self._seen.write(writes)
        log.info(FILLED, entries=self._entries)


def _receipt_id(digits: random.Random) -> str:
    text = f"{digits.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def dedupe_key_format() -> bytes:
    """A real webhook's dedupe key with a place for its number."""
    (template,) = templates("linkedin")
    key = ADAPTERS[template.provider].deliver(WORKSPACE, read_payload(template.body(0))).dedupe_key
    return key.replace("%", "%%").replace("0" * 10, "%010d").encode()


def main() -> None:
    """Fill with as many entries as the argument says, then stay until SIGTERM."""
    settings = Settings()
    worker = pipeline_worker(settings)
    seen = worker.app.partition_tables["seen"]
    worker.services.append(Filler(seen, settings.partitions, int(sys.argv[1])))
    worker.run()


if __name__ == "__main__":
    main()
