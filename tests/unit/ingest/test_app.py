"""The app as a whole, without Kafka: how posts are labelled, whatever path they name."""

import httpx

from ingest.app import create_app
from runtime.settings import Settings


async def test_posts_are_labelled_by_known_routes_only() -> None:
    transport = httpx.ASGITransport(create_app(Settings()))
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as client:
        for path in ("/webhooks/ghl", "/api/webhooks/ghl/sms", "/a", "/b", "/webhooks/nobody"):
            await client.post(path, json={})
        await client.get("/webhooks/ghl")
        metrics = (await client.get("/metrics")).text
    counted = [line for line in metrics.splitlines() if line.startswith("headrace_ingest_response_seconds_count")]
    labels = 'headrace_ingest_response_seconds_count{route="%s",status="%s"} %s'
    assert sorted(counted) == [
        labels % ("/api/webhooks/ghl/sms", 429, 1.0),
        labels % ("/webhooks/ghl", 429, 1.0),
        labels % ("unmatched", 404, 3.0),
    ]
