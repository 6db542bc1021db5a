"""Publishes closed windows of what ingest counts; one that Kafka did not take is published with the next."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from headrace.events.codec import Codec
from headrace.events.envelope import Envelope
from headrace.events.ids import event_id
from headrace.events.receipts import IngestLatencyMeasured, WebhooksRefused
from ingest.publisher import KafkaAway, Publisher

WINDOW_SECONDS = 10.0
#: About an hour of windows of a busy process while Kafka is away; older ones go first.
_MOST_WAITING = 5000

_CODEC = Codec()

#: What was counted of one kind in one window.
Counted = IngestLatencyMeasured | WebhooksRefused
#: Closes the open window at a moment, for a process.
CloseWindow = Callable[[datetime, str], Sequence[Counted]]


class WindowPublisher:
    """Closes a window every ten seconds."""

    def __init__(
        self,
        topic: str,
        close_window: CloseWindow,
        publisher: Publisher,
        process_id: str,
        clock: Callable[[], datetime],
    ) -> None:
        """`topic`: its name on the broker."""
        self._topic = topic
        self._close_window = close_window
        self._publisher = publisher
        self._process_id = process_id
        self._clock = clock
        self._waiting: deque[Counted] = deque(maxlen=_MOST_WAITING)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(WINDOW_SECONDS)
            await self.publish_window()

    async def publish_window(self) -> None:
        """Closes the open window and publishes all that waits."""
        self._waiting.extend(self._close_window(self._clock(), self._process_id))
        while self._waiting:
            event = self._waiting[0]
            try:
                await self._publish(event)
            except KafkaAway:
                return
            self._waiting.popleft()

    async def _publish(self, event: Counted) -> None:
        type_ = _CODEC.type_of(event)
        envelope = Envelope(
            id=event_id(type_, *_kind(event)), type=type_, source="/ingest", time=event.window_end, subject=event.route
        )
        await self._publisher.publish(self._topic, event.route.encode(), _CODEC.encode(event), envelope.headers())


def _kind(event: Counted) -> tuple[str, ...]:
    """What tells the event from all others of its type."""
    parts = (event.process_id, event.route, str(event.status), event.window_start.isoformat())
    return (*parts, event.reason, event.why, event.account) if isinstance(event, WebhooksRefused) else parts
