"""Records that no program can make sense of, one of each kind in every topic, as a mistaken tool would write them."""

from collections.abc import Iterator

from confluent_kafka import Producer

from headrace.events.codec import EVENT_TYPES
from headrace.events.topics import ALL_TOPICS, Topic
from headrace.kafka.clients import confluent_producer_config
from headrace.settings import Settings

_TIME = ("ce_time", b"2026-03-02T10:22:05Z")
#: So large that it passes the broker, and no reader expects it.
_LARGE = b"[" * 900_000

Headers = list[tuple[str, bytes]]


def produce_poison(settings: Settings) -> int:
    """Write them all. Returns how many."""
    producer = Producer(confluent_producer_config(settings))
    count = 0
    for topic in ALL_TOPICS:
        for number, (value, headers) in enumerate(_poison(topic)):
            producer.produce(settings.topic(topic), value, f"poison-{number}".encode(), headers=headers)
            count += 1
    assert producer.flush(30) == 0, "Kafka did not take the poison"
    return count


def _poison(topic: Topic) -> Iterator[tuple[bytes | None, Headers]]:
    event = _type(topic)
    yield b"", []
    yield None, _headers(event)
    yield b"\xff\xfe not JSON", _headers(event)
    yield b'{"workspace": {"nested": [1, 2, 3]}}', _headers(event)
    yield b"[]", _headers("never.heard.of.v1")
    yield b"{}", [("ce_type", b"\xff\xff"), ("ce_id", b""), ("ce_source", b""), ("ce_time", b"yesterday")]
    yield _LARGE, _headers(event)


def _type(topic: Topic) -> str:
    """The type of an event that the topic carries; for raw bodies, one that it does not."""
    names = topic.events or ("message.received",)
    return f"{names[0]}.v{EVENT_TYPES[names[0]][1]}"


def _headers(type_: str) -> Headers:
    return [("ce_id", b"poison"), ("ce_type", type_.encode()), ("ce_source", b"/tests"), _TIME]
