"""The histogram counts everything once and bounds every value."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from starlette.types import Message, Receive, Scope, Send

from ingest.latency import BOUNDS_US, LatencyMiddleware, LatencyRecorder
from ingest.metrics import IngestMetrics

START = datetime(2026, 3, 2, tzinfo=UTC)
END = START + timedelta(seconds=10)


@given(st.lists(st.integers(0, 10**9), min_size=1))
def test_a_window_holds_each_response_in_the_bucket_that_bounds_it(times: list[int]) -> None:
    recorder = LatencyRecorder(START)
    for us in times:
        recorder.observe("/webhooks/ghl", 200, us)
    (event,) = recorder.close_window(END, "host:1")
    assert (event.count, event.sum_us, event.max_us) == (len(times), sum(times), max(times))
    bounds = (0, *BOUNDS_US)
    for bucket in event.buckets:
        below = max(bound for bound in bounds if bound < bucket.le_us)
        expected = [us for us in times if us <= bucket.le_us and (us > below or below == 0)]
        assert bucket.count == len(expected)
    assert [bucket.le_us for bucket in event.buckets] == sorted(bucket.le_us for bucket in event.buckets)
    assert sum(bucket.count for bucket in event.buckets) == len(times)


def test_windows_follow_each_other_and_totals_go_on() -> None:
    recorder = LatencyRecorder(START)
    recorder.observe("/webhooks/ghl", 200, 150)
    (first,) = recorder.close_window(END, "p")
    assert recorder.close_window(END, "p") == []
    recorder.observe("/webhooks/ghl", 200, 250)
    (second,) = recorder.close_window(END + timedelta(seconds=10), "p")
    assert (first.window_start, first.window_end) == (START, END)
    assert second.window_start == END
    assert recorder.totals()["/webhooks/ghl", 200].count == 2


def test_prometheus_shows_the_same_numbers() -> None:
    recorder = LatencyRecorder(START)
    recorder.observe("/webhooks/ghl", 200, 150)
    recorder.observe("/webhooks/ghl", 200, 300_000_000)
    recorder.close_window(END, "p")
    text = generate_latest(IngestMetrics(recorder, lambda: True, lambda: 3).registry).decode()
    series = 'headrace_ingest_response_seconds_bucket{le="%s",route="/webhooks/ghl",status="200"} %s'
    assert series % ("0.0001", "0.0") in text
    assert series % ("0.0002", "1.0") in text
    assert series % ("+Inf", "2.0") in text
    assert "headrace_ingest_kafka_up 1.0" in text
    assert "headrace_ingest_workspaces 3.0" in text


async def test_posts_are_measured_until_they_are_answered_or_their_sender_is_gone() -> None:
    recorder = LatencyRecorder(START)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/defect":
            raise RuntimeError
        if scope["path"] != "/gone":
            await send({"type": "http.response.start", "status": 202, "headers": []})

    async def send(message: Message) -> None:
        assert message["status"] == 202

    async def receive() -> Message:
        raise AssertionError("nothing to receive")

    middleware = LatencyMiddleware(app, recorder, "/webhooks/ghl")
    for method, path in (("POST", "/webhooks/ghl"), ("GET", "/webhooks/ghl"), ("POST", "/gone")):
        await middleware({"type": "http", "method": method, "path": path}, receive, send)
    with pytest.raises(RuntimeError):
        await middleware({"type": "http", "method": "POST", "path": "/defect"}, receive, send)
    counts = {key: histogram.count for key, histogram in recorder.totals().items()}
    assert counts == {("/webhooks/ghl", 202): 1, ("/webhooks/ghl", 499): 1, ("/webhooks/ghl", 500): 1}
