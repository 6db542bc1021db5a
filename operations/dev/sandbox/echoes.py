"""Sends the providers' webhooks, and again until they are taken."""

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

import httpx

from operations.dev.sandbox.asked import Webhook

_TRIES = 6
_PAUSE_S = 0.5


class Echoes:
    """Webhooks on their way to one ingest. Without an address they are only counted."""

    def __init__(self, ingest_url: str | None) -> None:
        self.ingest_url = ingest_url
        #: Seconds between what is done and the webhook of it.
        self.delay = 0.0
        self.is_on = True
        self.sent = 0
        self.failed = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: httpx.AsyncClient | None = None

    def send(self, webhook: Webhook, times: int = 1) -> None:
        """Sets it under way."""
        if not self.is_on or self.ingest_url is None:
            return
        for _ in range(times):
            task = asyncio.create_task(self._deliver(webhook))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Gives up what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()

    async def press(self, path: str, workspace: str, secret: str, payload: dict[str, Any]) -> int:
        """Slack's request after a press, signed over time and body. The status of the answer; 0 when there is none."""
        body = urlencode({"payload": json.dumps(payload)}).encode()
        at = str(int(time.time()))
        signature = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": at,
            "x-slack-signature": f"v0={signature}",
        }
        self._http = self._http or httpx.AsyncClient(timeout=30.0, trust_env=False)
        url, query = f"{self.ingest_url}{path}", {"workspace": workspace}
        try:
            return (await self._http.post(url, params=query, headers=headers, content=body)).status_code
        except httpx.TransportError:
            return 0

    async def _deliver(self, webhook: Webhook) -> None:
        self._http = self._http or httpx.AsyncClient(timeout=30.0, trust_env=False)
        await asyncio.sleep(self.delay)
        for attempt in range(_TRIES):
            try:
                answer = await self._http.post(
                    f"{self.ingest_url}{webhook.path}",
                    params=dict(webhook.query),
                    headers=dict(webhook.headers),
                    content=webhook.body,
                )
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.is_success:
                self.sent += 1
                return
            await asyncio.sleep(_PAUSE_S * 2**attempt)
        self.failed += 1
