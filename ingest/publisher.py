"""Makes records durable: librdkafka batches and sends them in threads of its own, and the event loop hears of each.

A record leaves at once, and what comes while others are on their way shares a request with it, at no cost to the event
loop. librdkafka tells of deliveries when it is asked, so the loop asks while answers are awaited.
"""

import asyncio
from collections import deque
from contextlib import suppress
from functools import partial

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from headrace.events.envelope import Headers
from headrace.events.topics import MAX_RECORD_BYTES
from headrace.kafka.clients import confluent_producer_config
from headrace.settings import Settings

#: Headers and the record batch's own fields come on top of the largest value.
_OVERHEAD_BYTES = 65_536
#: A record waits for no company: what arrives while others are on their way travels together anyway.
_LINGER_MS = 0
#: What may wait for Kafka, KiB. Beyond it webhooks are refused: memory is bounded, however long Kafka is away.
_MOST_WAITING_KIB = 65_536
#: Senders are answered long before. A record that librdkafka gives up after it was sent makes it begin a new epoch, in
#: which it sends what was on its way with that record once more, and the broker can't tell these for repeats.
_DELIVERY_SECONDS = 3600
#: How often deliveries are heard of while none is awaited, seconds: of records whose senders were refused.
_IDLE_SECONDS = 1.0
#: How often the loop asks for deliveries while some are awaited, seconds.
_POLL_SECONDS = 0.001
_RETRY_SECONDS = 1.0
_START_SECONDS = 2.0
_STOP_SECONDS = 5.0

log = structlog.get_logger()

Answer = asyncio.Future[None]


class KafkaAway(Exception):
    """Kafka did not acknowledge in time. The record may still arrive later, once; a repeat is then a duplicate."""


class Publisher:
    """Publishes with acks from all replicas, as long as `run` runs."""

    def __init__(self, settings: Settings) -> None:
        self._config = confluent_producer_config(settings) | {
            "linger.ms": _LINGER_MS,
            "delivery.timeout.ms": _DELIVERY_SECONDS * 1000,
            "message.max.bytes": MAX_RECORD_BYTES + _OVERHEAD_BYTES,
            "queue.buffering.max.kbytes": _MOST_WAITING_KIB,
            "reconnect.backoff.max.ms": 1000,
            # It would write to stderr; what matters is logged here.
            "log_level": 0,
        }
        self._timeout = settings.publish_timeout
        self._producer: Producer | None = None
        #: In the order of their deadlines. Those answered already leave when they come to the front.
        self._awaited: deque[tuple[float, Answer]] = deque()
        self._is_awaiting = asyncio.Event()
        self._is_useless = False
        #: False from the first record Kafka did not take until the next one it did.
        self.is_up = False

    @property
    def is_started(self) -> bool:
        """True once Kafka was reached."""
        return self._producer is not None

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """Returns when the record is durable. Raises KafkaAway after `publish_timeout` seconds at the latest."""
        if self._producer is None:
            raise KafkaAway("not connected yet")
        loop = asyncio.get_running_loop()
        answer: Answer = loop.create_future()
        delivered = partial(self._delivered, answer)
        try:
            self._producer.produce(topic, value, key, headers=headers, on_delivery=delivered)
        except BufferError:
            raise KafkaAway("too much waits for kafka already") from None
        except KafkaException as error:
            raise self._failed(error.args[0]) from None
        self._awaited.append((loop.time() + self._timeout, answer))
        self._is_awaiting.set()
        await answer

    async def run(self) -> None:
        """Keeps a producer connected until cancelled, then waits for what is under way."""
        while True:
            producer = Producer(self._config)
            await self._connect(producer)
            self._producer, self._is_useless = producer, False
            self._is_back()
            try:
                await self._ask_for_ever(producer)
            finally:
                self._producer = None
                await self._finish(producer)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _connect(self, producer: Producer) -> None:
        while True:
            try:
                await asyncio.to_thread(producer.list_topics, timeout=_START_SECONDS)
            except KafkaException as error:
                self._is_away(error.args[0].name())
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def _ask_for_ever(self, producer: Producer) -> None:
        """Returns when the producer is of no more use."""
        while not self._is_useless:
            self._ask(producer)
            if self._awaited:
                await asyncio.sleep(_POLL_SECONDS)
                continue
            self._is_awaiting.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._is_awaiting.wait()

    def _ask(self, producer: Producer) -> None:
        """Hear of deliveries; give up what is overdue."""
        producer.poll(0)
        now = asyncio.get_running_loop().time()
        while self._awaited and (self._awaited[0][1].done() or self._awaited[0][0] <= now):
            _, answer = self._awaited.popleft()
            if not answer.done():
                answer.set_exception(KafkaAway("no acknowledgement in time"))
                self._is_away("no acknowledgement in time")

    def _delivered(self, answer: Answer, error: KafkaError | None, _message: Message) -> None:
        """Called by `poll`. A sender that hung up has cancelled its answer, and nobody else's."""
        failure = None if error is None else self._failed(error)
        if failure is None:
            self._is_back()
        if answer.done():
            return
        if failure is None:
            answer.set_result(None)
        else:
            answer.set_exception(failure)

    def _failed(self, error: KafkaError) -> KafkaAway:
        if error.fatal():
            # This producer fails every record from now on; a new one starts clean.
            self._is_useless = True
            self._is_awaiting.set()
        self._is_away(error.name())
        return KafkaAway(error.name())

    async def _finish(self, producer: Producer) -> None:
        """Wait for what is under way, but not for ever: without Kafka it would not end."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + (0 if self._is_useless else _STOP_SECONDS)
        self._ask(producer)
        while self._awaited and loop.time() < give_up:
            await asyncio.sleep(_POLL_SECONDS)
            self._ask(producer)
        for _, answer in self._awaited:
            if not answer.done():
                answer.set_exception(KafkaAway("stopping"))
        self._awaited.clear()
        producer.purge()

    def _is_away(self, reason: str) -> None:
        if self.is_up:
            log.error("kafka away: webhooks are refused and the providers send them again", reason=reason)
        self.is_up = False

    def _is_back(self) -> None:
        if not self.is_up:
            log.info("kafka up")
        self.is_up = True
