"""The app as a whole, without Kafka: how posts are labelled, whatever path they name."""

import httpx
from starlette.types import ASGIApp

from headrace.settings import Settings
from ingest.app import create_app


def _client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ingest")


async def test_strangers_reach_webhooks_and_health_and_nothing_else() -> None:
    app = create_app(Settings())
    async with _client(app) as client:
        for path in ("/metrics", "/docs", "/redoc", "/openapi.json"):
            assert (await client.get(path)).status_code == 404
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/health/ready")).status_code == 503
    async with _client(app.state.operations) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
        assert {"/webhooks/ghl", "/health/ready"} <= paths.keys()
        assert (await client.get("/webhooks/ghl")).status_code == 404


async def test_posts_are_labelled_by_known_routes_only() -> None:
    app = create_app(Settings())
    async with _client(app) as client:
        for path in ("/webhooks/ghl", "/api/webhooks/ghl/sms", "/a", "/b", "/webhooks/nobody"):
            await client.post(path, json={})
        await client.get("/webhooks/ghl")
    async with _client(app.state.operations) as client:
        metrics = (await client.get("/metrics")).text
    counted = [line for line in metrics.splitlines() if line.startswith("headrace_ingest_response_seconds_count")]
    labels = 'headrace_ingest_response_seconds_count{route="%s",status="%s"} %s'
    assert sorted(counted) == [
        labels % ("/api/webhooks/ghl/sms", 429, 1.0),
        labels % ("/webhooks/ghl", 429, 1.0),
        labels % ("unmatched", 404, 3.0),
    ]
