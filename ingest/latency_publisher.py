"""Publishes closed latency windows; a window Kafka did not take is published with the next one."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime

from headrace.events.codec import Codec
from headrace.events.envelope import Envelope
from headrace.events.ids import event_id
from headrace.events.receipts import IngestLatencyMeasured
from headrace.events.topics import INGEST_LATENCY
from headrace.settings import Settings
from ingest.latency import LatencyRecorder
from ingest.publisher import KafkaAway, Publisher

WINDOW_SECONDS = 10.0
#: About an hour of windows of a busy process while Kafka is away; older ones go first.
_MOST_WAITING = 5000

_CODEC = Codec()


class LatencyPublisher:
    """Closes a window every ten seconds."""

    def __init__(
        self,
        settings: Settings,
        recorder: LatencyRecorder,
        publisher: Publisher,
        process_id: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._topic = settings.topic(INGEST_LATENCY)
        self._recorder = recorder
        self._publisher = publisher
        self._process_id = process_id
        self._clock = clock
        self._waiting: deque[IngestLatencyMeasured] = deque(maxlen=_MOST_WAITING)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(WINDOW_SECONDS)
            await self.publish_window()

    async def publish_window(self) -> None:
        """Closes the open window and publishes all that waits."""
        self._waiting.extend(self._recorder.close_window(self._clock(), self._process_id))
        while self._waiting:
            event = self._waiting[0]
            try:
                await self._publish(event)
            except KafkaAway:
                return
            self._waiting.popleft()

    async def _publish(self, event: IngestLatencyMeasured) -> None:
        type_ = _CODEC.type_of(event)
        parts = (event.process_id, event.route, str(event.status), event.window_start.isoformat())
        envelope = Envelope(
            id=event_id(type_, *parts), type=type_, source="/ingest", time=event.window_end, subject=event.route
        )
        await self._publisher.publish(self._topic, event.route.encode(), _CODEC.encode(event), envelope.headers())
