"""Headrace's dedupe, measured twice: the stage on opaque messages, and the pipeline's own agent on real webhooks."""

from pathlib import Path

from bench.stopwatch import Stopwatch, task
from headrace.events.topics import INBOX, WEBHOOK_TOPICS
from headrace.kafka.faust.following import Batch, Process
from headrace.kafka.faust.outbox import Outbox, OutRecord
from headrace.kafka.faust.partition_table import PartitionTable, Writes
from headrace.kafka.faust.worker import Worker
from headrace.settings import Settings
from streams.pipeline.dedupe_agent import DedupeAgent

#: Runs of this name use the pipeline's agent, all others the bare stage.
AGENT = "agent"
_TTL_SECONDS = 30 * 86_400


class Stage:
    """What the Quix Streams program does: forwards the first message of each key, whatever it holds."""

    def __init__(self, outbox: Outbox, seen: PartitionTable, target: str) -> None:
        self._outbox = outbox
        self._seen = seen
        self._target = target

    async def process(self, batch: Batch) -> None:
        """Forward, wait for the acks, remember: the order that loses nothing."""
        out: list[OutRecord] = []
        writes: Writes = {}
        for (_topic, partition), records in batch.items():
            remembered = writes.setdefault(partition, {})
            stored = self._seen.get_many(partition, [record.key for record in records])
            for record, value in zip(records, stored, strict=True):
                if value is None and record.key not in remembered:
                    remembered[record.key] = b"1"
                    out.append(OutRecord(self._target, partition, record.key, record.value, record.headers))
        await self._outbox.send(out)
        await self._seen.write(writes)


def timed(process: Process, watch: Stopwatch) -> Process:
    """The process under the stopwatch."""

    async def run(batch: Batch) -> None:
        watch.begin()
        await process(batch)
        watch.done(sum(map(len, batch.values())))

    return run


def main() -> None:
    """Read the topic to its end, until SIGTERM."""
    given, settings = task(), Settings()
    worker = Worker(settings, given.run)
    seen = worker.table("seen", ttl_seconds=_TTL_SECONDS)
    agent = DedupeAgent(settings, worker.outbox, seen, facts_to=INBOX)
    stage = Stage(worker.outbox, seen, given.target)
    process = agent.process if given.run.startswith(AGENT) else stage.process
    source = next(topic for topic in WEBHOOK_TOPICS if settings.topic(topic) == given.source)
    worker.follow("dedupe", (source,), timed(process, Stopwatch(given.messages, Path(given.result))))
    worker.run()


if __name__ == "__main__":
    main()
