"""A producer that is fenced off once another process takes its name: the broker refuses all it sends from then on.

Kafka gives every producer an id and an epoch. Who asks for the id of a transactional name raises its epoch, and a
partition that has a record of the newer epoch takes none of an older one. Transactions use this against zombies;
here it is used without transactions, which would cost three more requests and a control record a write.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
from aiokafka import AIOKafkaClient, TopicPartition
from aiokafka.errors import ProducerFenced
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.producer.sender import CoordinationType, InitPIDHandler, Sender
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.protocol.transaction import InitProducerIdRequest

from headrace.kafka.clients import aiokafka_config
from headrace.kafka.faust.outbox import BATCH_BYTES
from headrace.settings import Settings

_REQUEST_TIMEOUT_MS = 30_000
_RETRY_BACKOFF_MS = 100
#: Asked for with every transactional name. Nothing here lasts: no transaction is ever begun.
_TRANSACTION_TIMEOUT_MS = 60_000

Entry = tuple[bytes, bytes | None]


class Fenced(RuntimeError):
    """Another process took the name over."""


class Appending(msgspec.Struct, frozen=True):
    """Record batches on their way to one partition, with the number of records in each."""

    batches: list[tuple[asyncio.Future[Any], int]]

    async def offsets(self) -> range:
        """Wait for the acks. Raises Fenced, and KafkaError when the brokers refuse otherwise."""
        try:
            written = [(await future, count) for future, count in self.batches]
        except ProducerFenced as error:
            raise Fenced from error
        (first, _), (last, count) = written[0], written[-1]
        return range(first.offset, last.offset + count)


class FencedProducer:
    """Writes as the newest holder of its name. Made by `FencedProducers`."""

    def __init__(self, client: AIOKafkaClient, name: str) -> None:
        self._client = client
        self._epoch = TransactionManager(None, _TRANSACTION_TIMEOUT_MS)
        self._accumulator = MessageAccumulator(
            client.cluster, BATCH_BYTES, 0, _REQUEST_TIMEOUT_MS / 1000, txn_manager=self._epoch
        )
        self._sender = _NamedSender(client, self._epoch, self._accumulator, name)

    @property
    def identity(self) -> str:
        """Producer id and epoch: different for everyone who ever held a name."""
        return f"{self._epoch.producer_id}.{self._epoch.producer_epoch}"

    async def start(self) -> None:
        """Take the name. Waits for the brokers as long as they are away."""
        await self._sender.start()

    async def stop(self) -> None:
        """Drop what was not sent."""
        await self._sender.close()

    async def append(self, topic: str, partition: int, entries: Iterable[Entry]) -> Appending:
        """Send at least one entry, in order."""
        await self._client._wait_on_metadata(topic)
        place = TopicPartition(topic, partition)
        sent = []
        batch, count = self._new_batch(), 0
        for key, value in entries:
            while batch.append(key=key, value=value, timestamp=None, headers=[]) is None:
                sent.append((await self._send(batch, place), count))
                batch, count = self._new_batch(), 0
            count += 1
        sent.append((await self._send(batch, place), count))
        return Appending(sent)

    def _new_batch(self) -> Any:
        return self._accumulator.create_builder(key_serializer=None, value_serializer=None)

    async def _send(self, batch: Any, place: TopicPartition) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = await self._accumulator.add_batch(batch, place, _REQUEST_TIMEOUT_MS / 1000)
        return future


class FencedProducers:
    """Producers by name, over one connection to each broker. Not connected until `start`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: AIOKafkaClient
        self._producers: dict[str, FencedProducer] = {}

    async def start(self) -> None:
        """Connect, within the running event loop. Raises KafkaConnectionError when no broker answers."""
        self._client = AIOKafkaClient(**aiokafka_config(self._settings), request_timeout_ms=_REQUEST_TIMEOUT_MS)
        await self._client.bootstrap()

    async def stop(self) -> None:
        """Disconnect."""
        for name in list(self._producers):
            await self.release(name)
        await self._client.close()

    async def take(self, name: str) -> FencedProducer:
        """A producer of that name. All others of the name, wherever they run, are fenced off by its first record."""
        await self.release(name)
        producer = self._producers[name] = FencedProducer(self._client, name)
        await producer.start()
        return producer

    async def release(self, name: str) -> None:
        """Stop writing under the name."""
        producer = self._producers.pop(name, None)
        if producer is not None:
            await producer.stop()


class _NamedSender(Sender):
    """aiokafka's sender, with the epoch of a transactional name for batches that belong to no transaction."""

    def __init__(self, client: AIOKafkaClient, epoch: TransactionManager, accumulator: Any, name: str) -> None:
        super().__init__(
            client,
            acks=-1,
            txn_manager=epoch,
            message_accumulator=accumulator,
            retry_backoff_ms=_RETRY_BACKOFF_MS,
            request_timeout_ms=_REQUEST_TIMEOUT_MS,
        )
        self.name = name

    async def _maybe_wait_for_pid(self) -> None:
        while not self._txn_manager.has_pid():
            node = await self._find_coordinator(CoordinationType.TRANSACTION, self.name)
            if not await _TakeName(self).do(node):
                await self.client.force_metadata_update()


class _TakeName(InitPIDHandler):
    def create_request(self) -> InitProducerIdRequest:
        return InitProducerIdRequest(transactional_id=self._sender.name, transaction_timeout_ms=_TRANSACTION_TIMEOUT_MS)
