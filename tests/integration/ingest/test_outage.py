"""Kafka missing, frozen, killed and back: what senders hear meanwhile, and that a stop loses nothing."""

import asyncio
import os
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from headrace.events.codec import Codec
from headrace.events.envelope import read_envelope
from headrace.events.topics import INGEST_LATENCY, reply_topic
from headrace.events.webhooks import read_webhook
from headrace.kafka.topics import create_topics
from headrace.settings import Settings
from ingest.body import BodyReader
from operations.dev.home import Home
from operations.dev.kafka import kafka, kafka_answers
from operations.dev.ports import free_ports
from operations.dev.program import start, stop
from tests.integration.ingest.harness import Broker, Ingest, running_ingest, until_status

UNAVAILABLE = {"ghl": 429, "unipile": 503, "smartlead": 503, "instantly": 503, "emailbison": 503}


class OwnKafka:
    """A broker of this test's own, to be broken."""

    def __init__(self, directory: Path) -> None:
        home = Home(directory)
        home.create()
        self.port, controller_port = free_ports(2)
        self._program = kafka(home.kafka, self.port, controller_port, os.environ)
        self._log = home.log("kafka")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """Its address, also while it is not there."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Starts and waits until it answers."""
        with self._log.open("ab") as output:
            self._process = start(self._program, output)
        while not await asyncio.to_thread(kafka_answers, self.bootstrap):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)

    def signal(self, number: signal.Signals) -> None:
        """To the whole broker."""
        assert self._process is not None
        os.killpg(self._process.pid, number)

    async def freeze(self) -> None:
        """Returns once none of its threads runs: one may still answer for a moment after the signal."""
        assert self._process is not None
        self.signal(signal.SIGSTOP)
        async with asyncio.timeout(10):
            while psutil.Process(self._process.pid).status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)

    def kill(self) -> None:
        """At once."""
        assert self._process is not None
        self.signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Whatever state it is in."""
        if self._process is not None:
            if self._process.poll() is None:
                self.signal(signal.SIGCONT)
            stop(self._process, signal.SIGTERM)


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[OwnKafka]:
    """A broker that is not started yet."""
    broker = OwnKafka(tmp_path / "home")
    yield broker
    broker.stop()


async def _post(ingest: Ingest, provider: str = "smartlead") -> httpx.Response:
    payload = {"event_type": "EMAIL_REPLY", "stats_id": "s", "campaign_id": 1, "sl_lead_email": "ada@example.org"}
    return await ingest.client.post(
        f"/webhooks/{provider}",
        json=payload,
        params={"workspace": "acme"},
        headers={"x-smartlead-secret": "smartlead-secret"},
    )


async def test_kafka_missing_at_start_frozen_and_killed(
    own_kafka: OwnKafka, ingest_settings: Settings, apply_acme: Callable[[Settings], None]
) -> None:
    settings = ingest_settings.model_copy(update={"kafka_bootstrap": own_kafka.bootstrap})
    async with running_ingest(settings) as ingest:
        # Nothing there yet: up, not ready, and every provider is told to come back.
        assert (await ingest.client.get("/health/live")).status_code == 200
        assert (await ingest.client.get("/health/ready")).status_code == 503
        for provider, status in UNAVAILABLE.items():
            response = await _post(ingest, provider)
            assert response.status_code == status
            assert int(response.headers["retry-after"]) > 0
            assert response.json()["type"] == "urn:headrace:problem:storage-unavailable"

        await own_kafka.start()
        await asyncio.to_thread(create_topics, settings)
        await asyncio.to_thread(apply_acme, settings)
        await ingest.until_ready()
        await until_status(lambda: _post(ingest), 200)

        # Frozen: connections stay open and nobody answers. The client's own limit is the promise of 5 seconds.
        await own_kafka.freeze()
        ingest.client.timeout = httpx.Timeout(5)
        refused = await asyncio.gather(*(_post(ingest) for _ in range(40)))
        assert {response.status_code for response in refused} == {503}
        assert (await ingest.client.get("/health/ready")).json()["kafka_up"] is False
        own_kafka.signal(signal.SIGCONT)
        await until_status(lambda: _post(ingest), 200)

        # Killed: connections are refused; later a broker with the same data is back.
        own_kafka.kill()
        assert (await _post(ingest)).status_code == 503
        await own_kafka.start()
        response = await until_status(lambda: _post(ingest), 200)

    records = await asyncio.to_thread(Broker(settings).records, reply_topic("smartlead"))
    assert response.json()["receipt_id"] in {read_webhook(record.headers).receipt_id for record in records}


async def test_late_acknowledgements_leave_one_record_a_receipt(
    own_kafka: OwnKafka, ingest_settings: Settings, apply_acme: Callable[[Settings], None]
) -> None:
    settings = ingest_settings.model_copy(update={"kafka_bootstrap": own_kafka.bootstrap, "publish_timeout": 1.0})
    await own_kafka.start()
    await asyncio.to_thread(create_topics, settings)
    await asyncio.to_thread(apply_acme, settings)
    async with running_ingest(settings) as ingest:
        await ingest.until_ready()
        posting = asyncio.create_task(_post_steadily(ingest))
        for seconds in (1.3, 2.2, 3.0):
            await asyncio.sleep(1)
            own_kafka.signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            own_kafka.signal(signal.SIGCONT)
        await until_status(lambda: _post(ingest), 200)
        posting.cancel()
        responses = await posting
        # What was refused leaves before this does.
        last = await until_status(lambda: _post(ingest), 200)

    records = await asyncio.to_thread(Broker(settings).records, reply_topic("smartlead"))
    receipts = Counter(read_webhook(record.headers).receipt_id for record in records)
    accepted = {response.json()["receipt_id"] for response in (*responses, last) if response.is_success}
    assert {response.status_code for response in responses} == {200, 503}
    assert accepted <= receipts.keys()
    assert set(receipts.values()) == {1}


async def _post_steadily(ingest: Ingest) -> list[httpx.Response]:
    """About 200 a second, whatever becomes of them, until cancelled; the answers to all of them."""
    posts: list[asyncio.Task[httpx.Response]] = []
    try:
        while True:
            posts += [asyncio.create_task(_post(ingest)) for _ in range(4)]
            await asyncio.sleep(0.02)
    except asyncio.CancelledError:
        return await asyncio.gather(*posts)


async def test_stop_finishes_what_was_accepted_and_publishes_the_last_window(
    topics_created: tuple[str, ...],
    ingest_settings: Settings,
    apply_acme: Callable[[Settings], None],
    broker: Broker,
) -> None:
    await asyncio.to_thread(apply_acme, ingest_settings)

    async with running_ingest(ingest_settings) as ingest:
        await ingest.until_ready()
        half_sent = asyncio.Event()
        finish = asyncio.Event()

        async def slow_body() -> AsyncIterator[bytes]:
            yield b'{"event_type":"EMAIL_REPLY","stats_id":"s",'
            half_sent.set()
            await finish.wait()
            yield b'"campaign_id":1,"sl_lead_email":"ada@example.org"}'

        posting = asyncio.create_task(
            ingest.client.post(
                "/webhooks/smartlead",
                content=slow_body(),
                params={"workspace": "acme"},
                headers={"x-smartlead-secret": "smartlead-secret"},
            )
        )
        await half_sent.wait()
        assert (await ingest.client.post("/webhooks/unknown", json={})).status_code == 404
        ingest.server.should_exit = True
        # The server has noticed once it takes no new connection.
        while await _still_listens(ingest.port):  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.05)
        finish.set()
        response = await posting
        assert response.status_code == 200

    (record,) = broker.records(reply_topic("smartlead"))
    assert read_webhook(record.headers).receipt_id == response.json()["receipt_id"]
    measured = [
        Codec().decode(read_envelope(record.headers).type, record.value or b"")
        for record in broker.records(INGEST_LATENCY)
    ]
    assert {(event.route, event.status, event.count) for event in measured} == {
        ("/webhooks/smartlead", 200, 1),
        ("unmatched", 404, 1),
    }
    assert all(sum(bucket.count for bucket in event.buckets) == event.count for event in measured)


async def _still_listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def test_a_failed_background_task_ends_the_process_after_its_requests(
    topics_created: tuple[str, ...], ingest_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = asyncio.Event()

    running = 0

    async def defective(_self: object) -> None:
        """One of the publishers fails, the other goes on."""
        nonlocal running
        running += 1
        await (fail.wait() if running == 1 else asyncio.Event().wait())
        raise RuntimeError

    monkeypatch.setattr("ingest.app.WindowPublisher.run", defective)
    stopped: list[int] = []
    previous = signal.signal(signal.SIGTERM, lambda number, _frame: stopped.append(number))
    try:
        async with running_ingest(ingest_settings) as ingest:
            assert (await ingest.client.get("/health/live")).is_success
            fail.set()
            while not ingest.server.should_exit:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0.05)
    finally:
        signal.signal(signal.SIGTERM, previous)
    # The server hands the signal on to whoever listened before it.
    assert stopped == [signal.SIGTERM]


async def test_a_sender_that_stalls_is_told_so(
    topics_created: tuple[str, ...],
    ingest_settings: Settings,
    apply_acme: Callable[[Settings], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await asyncio.to_thread(apply_acme, ingest_settings)
    monkeypatch.setattr("ingest.app.BodyReader", partial(BodyReader, timeout=0.3))

    async def stalled() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    async with running_ingest(ingest_settings) as ingest:
        await ingest.until_ready()
        response = await ingest.client.post("/webhooks/smartlead", content=stalled())
        assert (response.status_code, response.json()["type"]) == (408, "urn:headrace:problem:body-too-slow")
        assert (await _post(ingest)).status_code == 200
