"""The app as a whole, without Kafka: how posts are labelled, whatever path they name."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from cryptography.fernet import Fernet
from pydantic import SecretStr
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


async def test_an_address_with_a_slash_at_its_end_is_the_same() -> None:
    async with _client(create_app(Settings())) as client:
        for path in ("/webhooks/ghl/", "/api/webhooks/ghl/sms/"):
            assert (await client.get(path)).json() == {"status": "ok", "provider": "ghl"}
            assert (await client.post(path, json={})).status_code == 429


async def test_every_kind_of_refusal_leaves_a_line(capture: list[dict[str, Any]]) -> None:
    async with _client(create_app(Settings())) as client:
        await client.post("/webhooks/gohighlevel", json={})
        await client.post("/a", json={})
        await client.put("/webhooks/ghl", json={})
        await client.post("/webhooks/ghl?workspace=acme", content=b"x", headers={"content-encoding": "gzip"})
        await client.get("/b")
    told = {(line["status"], line["route"], line["account"]) for line in capture}
    assert told == {
        (404, "unmatched", "provider=gohighlevel"),
        (404, "unmatched", "not known"),
        (405, "/webhooks/ghl", "not known"),
        (415, "/webhooks/ghl", "workspace=acme"),
    }


async def test_without_a_key_for_the_secrets_nothing_is_ready() -> None:
    async with _client(create_app(Settings())) as client:
        answer = (await client.get("/health/ready")).json()
    assert answer["status"].startswith("HEADRACE_SECRETS_KEY is not set")
    with_key = Settings(secrets_key=SecretStr(Fernet.generate_key().decode()))
    async with _client(create_app(with_key)) as client:
        assert (await client.get("/health/ready")).json()["status"] == "starting"


@pytest.fixture
def capture() -> Iterator[list[dict[str, Any]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines  # type: ignore[misc]
