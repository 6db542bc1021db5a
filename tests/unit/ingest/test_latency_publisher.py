"""A window is published once, now or when Kafka is back."""

from datetime import UTC, datetime, timedelta

from headrace.events.codec import Codec
from headrace.events.envelope import Headers, read_envelope
from headrace.settings import Settings
from ingest.latency import LatencyRecorder
from ingest.latency_publisher import LatencyPublisher
from ingest.publisher import KafkaAway, Publisher

START = datetime(2026, 3, 2, tzinfo=UTC)


class FlakyPublisher(Publisher):
    """Kafka as the test wants it."""

    def __init__(self) -> None:
        super().__init__(Settings())
        self.away = False
        self.published: list[tuple[bytes, int, str]] = []

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """As the real one, without Kafka."""
        if self.away:
            raise KafkaAway
        envelope = read_envelope(headers)
        event = Codec().decode(envelope.type, value)
        assert topic == "ingest-latency"
        self.published.append((key, event.count, envelope.id))


async def test_windows_wait_for_kafka_and_keep_their_ids() -> None:
    times = (START + timedelta(seconds=10 * number) for number in range(1, 9))
    recorder, publisher = LatencyRecorder(START), FlakyPublisher()
    latency = LatencyPublisher(Settings(), recorder, publisher, "host:1", lambda: next(times))

    recorder.observe("/webhooks/ghl", 200, 150)
    await latency.publish_window()
    publisher.away = True
    for _ in range(3):
        recorder.observe("/webhooks/ghl", 200, 150)
    await latency.publish_window()
    recorder.observe("/webhooks/ghl", 429, 150)
    await latency.publish_window()
    assert [count for _, count, _ in publisher.published] == [1]

    publisher.away = False
    await latency.publish_window()
    await latency.publish_window()
    assert [(key, count) for key, count, _ in publisher.published] == [
        (b"/webhooks/ghl", 1),
        (b"/webhooks/ghl", 3),
        (b"/webhooks/ghl", 1),
    ]
    assert len({id_ for _, _, id_ in publisher.published}) == 3
