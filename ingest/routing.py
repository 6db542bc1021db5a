"""Puts the webhook routes in front of FastAPI's own per-request machinery, which they have no use for."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send


class WebhookRoutes:
    """Middleware: requests for one of the paths go straight to its endpoint, all others on to the app."""

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, ASGIApp]) -> None:
        """`endpoints`: path → endpoint. Paths have no parameters: finding one is a look-up, however many there are."""
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        endpoint = self._endpoints.get(scope["path"], self._app) if scope["type"] == "http" else self._app
        await endpoint(scope, receive, send)
