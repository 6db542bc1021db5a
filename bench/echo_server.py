"""The yardstick of ingest: a bare Starlette route that gives the body back, under the same uvicorn settings."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headrace.settings import Settings
from ingest.server import ingest_server_config
from operations.dev.ports import LOOPBACK


async def echo(request: Request) -> Response:
    """The body as it came."""
    return Response(await request.body())


def main() -> None:
    """Serve on the port given, until SIGTERM."""
    config = ingest_server_config(Settings())
    config.app = Starlette(routes=[Route("/webhooks/{provider}", echo, methods=["POST"])])
    config.host, config.port = LOOPBACK, int(sys.argv[1])
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
