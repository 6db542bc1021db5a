"""A window is published once, now or when Kafka is back."""

from datetime import UTC, datetime, timedelta

from headrace.events.codec import Codec
from headrace.events.envelope import Headers, read_envelope
from headrace.settings import Settings
from ingest.latency import LatencyRecorder
from ingest.problems import body_too_large, unproven
from ingest.publisher import KafkaAway, Publisher
from ingest.refusals import RefusalRecorder, RefusedBecause
from ingest.window_publisher import WindowPublisher

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
        assert topic == "a-topic"
        self.published.append((key, event.count, envelope.id))


async def test_windows_wait_for_kafka_and_keep_their_ids() -> None:
    times = (START + timedelta(seconds=10 * number) for number in range(1, 9))
    recorder, publisher = LatencyRecorder(START), FlakyPublisher()
    latency = WindowPublisher("a-topic", recorder.close_window, publisher, "host:1", lambda: next(times))

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


async def test_each_kind_of_refusal_is_an_event_of_its_own() -> None:
    recorder, publisher = RefusalRecorder(START), FlakyPublisher()
    refusals = WindowPublisher("a-topic", recorder.close_window, publisher, "host:1", lambda: START)
    for account in ("location_id=L1", "location_id=L2", "location_id=L1"):
        recorder.note("/webhooks/ghl", unproven(), RefusedBecause(account))
    recorder.note("/webhooks/ghl", body_too_large(9))
    await refusals.publish_window()
    await refusals.publish_window()
    assert sorted(count for _, count, _ in publisher.published) == [1, 1, 2]
    assert len({id_ for _, _, id_ in publisher.published}) == 3
