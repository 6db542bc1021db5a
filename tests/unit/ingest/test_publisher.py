"""A producer that failed for good is replaced. No broker fails one on request, hence a stand-in for librdkafka."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from headrace.settings import Settings
from ingest import publisher
from ingest.publisher import KafkaAway, Publisher


class Producer:
    """Fails for good, in whichever way is asked for, or delivers at the next poll."""

    def __init__(self, fails: str) -> None:
        self._fails = fails
        self._delivered: list[Callable[[KafkaError | None, Any], None]] = []

    def list_topics(self, timeout: float) -> None: ...

    def purge(self) -> None: ...

    def produce(self, *_record: Any, on_delivery: Callable[[KafkaError | None, Any], None], **_options: Any) -> None:
        if self._fails == "at once":
            raise KafkaException(KafkaError(KafkaError._FATAL, "fenced", True))
        self._delivered.append(on_delivery)

    def poll(self, _timeout: float) -> None:
        error = KafkaError(KafkaError._FATAL, "fenced", True) if self._fails else None
        for tell in self._delivered:
            tell(error, None)
        self._delivered.clear()


@pytest.mark.parametrize("fails", ["at once", "later"])
async def test_after_a_fatal_error_a_new_producer_publishes(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    made = [Producer(fails), Producer("")]
    monkeypatch.setattr(publisher, "Producer", lambda _config: made.pop(0))
    monkeypatch.setattr(publisher, "_RETRY_SECONDS", 0.01)
    tested = Publisher(Settings())
    running = asyncio.create_task(tested.run())
    try:
        async with asyncio.timeout(5):
            while not tested.is_started:  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0.01)
            with pytest.raises(KafkaAway, match="_FATAL"):
                await tested.publish("t", b"k", b"v", [])
            assert not tested.is_up
            while made or not tested.is_started:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
            await tested.publish("t", b"k", b"v", [])
            assert tested.is_up
    finally:
        running.cancel()
