"""Puts the webhook routes in front of FastAPI's own per-request machinery, which they have no use for."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send


class WebhookApi(FastAPI):
    """FastAPI whose `endpoints` are served past its middleware: they answer everything themselves, errors included."""

    def __init__(self, endpoints: Mapping[str, ASGIApp], **options: Any) -> None:
        """`endpoints`: path → endpoint. Paths have no parameters: finding one is a look-up, however many there are."""
        super().__init__(**options)
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        endpoint = self._endpoints.get(scope["path"]) if scope["type"] == "http" else None
        if endpoint is None:
            await super().__call__(scope, receive, send)
        else:
            await endpoint(scope, receive, send)
