"""A real ingest server on a real broker, in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import uvicorn
from confluent_kafka import Consumer, KafkaError, TopicPartition

from headrace.events.records import Record
from headrace.events.topics import WEBHOOK_TOPICS, Topic
from headrace.settings import Settings
from ingest.server import ingest_server_config


class Broker:
    """Reads what a test's topics hold."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def records(self, topic: Topic) -> list[Record]:
        """Everything in a topic."""
        consumer = self._consumer()
        name = self._settings.topic(topic)
        waiting = set(range(self._settings.partitions))
        consumer.assign([TopicPartition(name, partition, 0) for partition in waiting])
        found = []
        while waiting:
            message = consumer.poll(10)
            assert message is not None, f"{name} did not answer"
            error = message.error()
            if error is not None:
                assert error.code() == KafkaError._PARTITION_EOF, error
                waiting.discard(message.partition())
                continue
            found.append(
                Record(
                    topic=name,
                    partition=message.partition(),
                    offset=message.offset(),
                    key=message.key(),
                    value=message.value(),
                    headers=message.headers(),
                    timestamp_ms=message.timestamp()[1],
                )
            )
        consumer.close()
        return found

    def webhook_count(self) -> int:
        """Records in all topics of webhooks, quarantine included, by end offset."""
        consumer = self._consumer()
        ends = [
            consumer.get_watermark_offsets(TopicPartition(self._settings.topic(topic), partition), timeout=10)[1]
            for topic in WEBHOOK_TOPICS
            for partition in range(self._settings.partitions)
        ]
        consumer.close()
        return sum(ends)

    def _consumer(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self._settings.kafka_bootstrap,
                "group.id": "test-reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,
            }
        )


class Ingest:
    """A running server."""

    def __init__(self, client: httpx.AsyncClient, server: uvicorn.Server, port: int) -> None:
        self.client = client
        self.server = server
        self.port = port

    async def until_ready(self, ready: bool = True) -> httpx.Response:
        """Waits until readiness is as wanted. The socket listens before the app runs, so no answer is lost."""
        return await until_status(lambda: self.client.get("/health/ready"), 200 if ready else 503)


async def until_status(ask: Callable[[], Awaitable[httpx.Response]], status: int) -> httpx.Response:
    """Asks until the answer is as wanted; the test's own time limit ends a wait in vain."""
    while (response := await ask()).status_code != status:  # noqa: ASYNC110 - nothing tells when it will be
        await asyncio.sleep(0.05)
    return response


RunIngest = Callable[[Settings], AbstractAsyncContextManager[Ingest]]


@asynccontextmanager
async def running_ingest(settings: Settings) -> AsyncIterator[Ingest]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = uvicorn.Server(ingest_server_config(settings))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        try:
            yield Ingest(client, server, port)
        finally:
            server.should_exit = True
            await serving
