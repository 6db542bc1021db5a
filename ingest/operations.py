"""What operators and programs of the house ask of ingest, on a port of its own: strangers reach only the other one."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp


def operations_app(registry: CollectorRegistry, openapi: Callable[[], dict[str, Any]]) -> Starlette:
    """`/metrics` and `/openapi.json`. No page shows the latter: its scripts would have to come from a stranger."""

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def document(_request: Request) -> Response:
        return JSONResponse(openapi())

    return Starlette(routes=[Route("/metrics", metrics), Route("/openapi.json", document)])


async def serve_operations(app: ASGIApp, listener: socket.socket) -> None:
    """Until cancelled, in the loop of the server of webhooks, whose state the answers read."""
    config = uvicorn.Config(app, lifespan="off", ws="none", access_log=False, log_config=None, server_header=False)
    await _ServerBeside(config).serve(sockets=[listener])


class _ServerBeside(uvicorn.Server):
    """The other server has the signals, and ends this one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See uvicorn."""
        yield
